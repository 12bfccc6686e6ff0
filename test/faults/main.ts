/**
 * `npm run faults -- --kills N --seed S --keep DIR`: a cluster on this machine under load, whose processes are killed N times and
 * whose parts fail in all ways that are known, and the verifier's word on what came of it. Leaves what it sent in
 * DIR/events.ndjson, and the tables of the run with the kills in DIR/data.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { testKafka } from '../../pipelines/config.ts'
import { type Gateway, startGateway } from '../gateway/start.ts'
import { startBroker, type TestBroker } from '../kafka/broker.ts'
import { missingForBroker } from '../kafka/jars.ts'
import { ClickHouse } from './clickhouse.ts'
import { nameOfOutages, type Outage, runOutages } from './clickhouse-faults.ts'
import { recentLines, withIds } from './input.ts'
import { badNetwork, killedIntake, runIntakeFault, stoppedBroker } from './intake-faults.ts'
import { runKills } from './long-run.ts'
import { nameOfOverload, runOverload } from './overload.ts'
import { type BrokerRig, Cluster } from './rig.ts'
import { POINTS, workerFaults } from './suite.ts'
import { runTopicFaults } from './topic-faults.ts'
import { runWorkerFault } from './worker-faults.ts'

const USAGE = 'usage: npm run faults -- [--kills N] [--seed S] [--keep DIR] (DIR must be new or empty)'
const SESSION_MS = 6000
const WORKER_HISTORY = { borrowers: 30, days: 90 }
const INTAKE_HISTORY = { borrowers: 10, days: 62 }
const RUN_HISTORY = { borrowers: 150, days: 120 }

const BROKER_AWAY_MS = 3000
const LATENCY_MS = 5000
const OVERLOAD_SECONDS = 60
const OUTAGES: readonly Outage[] = [
  { kind: 'refuse', seconds: 20 },
  { kind: 'drop_answer', seconds: 5 },
  { kind: 'disk_full', seconds: 20 },
  { kind: 'status_500', seconds: 5 },
]

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    keep: { type: 'string' },
    /** Names of faults with commas between, of all that there are. */
    only: { type: 'string' },
  },
})
const kills = Number(values.kills)
const seed = Number(values.seed)
const only = values.only?.split(',')
if (!(Number.isSafeInteger(kills) && kills >= 0 && Number.isSafeInteger(seed))) {
  console.error(USAGE)
  process.exit(2)
}
const missing = await missingForBroker()
if (missing !== undefined) {
  console.error(missing)
  process.exit(1)
}

const scratch = mkdtempSync(join(tmpdir(), 'foreshock-faults-'))
const keep = values.keep ?? join(scratch, 'kept')
mkdirSync(join(keep, 'data'), { recursive: true })
const results: { readonly fault: string; readonly seconds: number; readonly violations: readonly string[] }[] = []

async function note(name: string, fault: string, run: () => Promise<readonly string[]>): Promise<void> {
  if (only !== undefined && !only.includes(name)) return
  const from = performance.now()
  const violations = await run().catch((error: unknown) => [`the run failed: ${String(error)}`])
  const seconds = (performance.now() - from) / 1000
  results.push({ fault, seconds, violations })
  const outcome = violations.length === 0 ? 'ok' : `${violations.length} violations`
  console.log(`${fault.padEnd(100)} ${seconds.toFixed(1).padStart(7)} s  ${outcome}`)
  for (const violation of violations.slice(0, 10)) console.log(`    ${violation}`)
}

async function runAll(rig: BrokerRig): Promise<void> {
  await note('kills', `${kills} times kill -9 of intake and workers under load`, () => {
    const lines = withIds(recentLines({ ...RUN_HISTORY, seed }))
    writeFileSync(join(keep, 'events.ndjson'), lines.map((line) => `${line}\n`).join(''))
    return runKills(rig, { lines, kills, clickhouse: new ClickHouse(rig.gateway.url, 'default') })
  })
  const intakeLines = recentLines({ ...INTAKE_HISTORY, seed })
  const intakeFaults = {
    intake: killedIntake(3),
    broker: stoppedBroker(['SIGTERM', 'SIGKILL'], BROKER_AWAY_MS),
    network: badNetwork(BROKER_AWAY_MS, LATENCY_MS),
  }
  for (const [name, fault] of Object.entries(intakeFaults)) {
    await note(name, fault.name, () => runIntakeFault(fault, rig, intakeLines))
  }
  await note(
    'topics',
    'an input topic is made again, has other partitions, lacks offsets, the log has another shape',
    () => runTopicFaults(rig, intakeLines.slice(0, 100)),
  )
  await note('overload', nameOfOverload(OVERLOAD_SECONDS), () => runOverload(rig, OVERLOAD_SECONDS))
  const cluster = new Cluster(rig)
  await cluster.fill(recentLines({ ...WORKER_HISTORY, seed }))
  const replay = await cluster.replay()
  for (const [name, fault] of Object.entries(workerFaults({ points: POINTS, kills: 4, comingSeconds: 120 }))) {
    await note(name, fault.name, () => runWorkerFault(fault, cluster, name, replay))
  }
  await note('outages', nameOfOutages(OUTAGES), () => runOutages(OUTAGES, cluster, 'outages', replay))
}

console.log(`seed ${seed}, ${kills} kills; what is sent and the tables stay in ${keep}`)
let broker: TestBroker | undefined
let gateway: Gateway | undefined
try {
  broker = await startBroker(testKafka().cache)
  gateway = await startGateway(join(keep, 'data'), '')
  await runAll({ address: broker.address, broker, gateway, folder: scratch, seed, sessionMs: SESSION_MS })
} finally {
  await gateway?.close()
  await broker?.close()
  rmSync(scratch, { recursive: true, force: true })
}
const failed = results.filter(({ violations }) => violations.length > 0)
const seconds = results.reduce((sum, one) => sum + one.seconds, 0)
console.log(
  `${results.length} faults, ${failed.length} with violations, ${kills} kills, seed ${seed}, ${Math.round(seconds)} s: ` +
    (failed.length === 0 ? 'nothing lost, nothing doubled' : failed.map(({ fault }) => fault).join('; ')),
)
process.exitCode = failed.length === 0 ? 0 : 1
