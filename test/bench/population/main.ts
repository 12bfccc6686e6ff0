/** One population in a process of its own: what its state takes, and how fast its next events go. `main.ts BORROWERS`. */
import { measureGrowth } from '../growth.ts'
import { newEngine, Population, simulatedHistories } from '../population.ts'
import { measureState } from '../state.ts'

const size = Number(process.argv[2])
const histories = simulatedHistories()
const engine = await newEngine()
const started = performance.now()
const { bytes, population } = await measureState(() => new Population(engine, histories, size), histories)
const built_s = (performance.now() - started) / 1000
const rates = await measureGrowth(population)
const rss_mib = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ size, bytes, rates, built_s, rss_mib }))
