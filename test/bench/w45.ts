/**
 * W45, one workload that other engines' figures exist for: from NDJSON to binary rows, and as a backfill from columns
 * in memory to columns in memory. Runs alone: `node --expose-gc test/bench/w45.ts [--data DIR] [--events N] [--runs N]`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine, measureJsonParse_us, median } from './machine.ts'
import { spread } from './part.ts'
import type { Run } from './w45/measure.ts'

const REFERENCE = fileURLToPath(new URL('../../../shared/bench/w45', import.meta.url))
/** The size whose totals are known. */
const EVENTS = 2_000_000
const BORROWERS_PER_EVENT = 1 / 20
const RUNS = 5
const ENGINE_NAMES = ['foreshock', 'duckdb', 'duckdb-1', 'clickhouse', 'clickhouse-1'] as const

type EngineName = (typeof ENGINE_NAMES)[number]
type Mode = 'ndjson' | 'columns'

/** Who takes part in what, in the order of each round. The other engines run on all cores and on one. */
const ENGINES: Readonly<Record<Mode, readonly EngineName[]>> = {
  ndjson: ['foreshock', 'duckdb', 'duckdb-1'],
  columns: ['foreshock', 'duckdb', 'duckdb-1', 'clickhouse', 'clickhouse-1'],
}

const LABELS: Readonly<Record<EngineName, string>> = {
  foreshock: 'foreshock, one thread',
  duckdb: 'DuckDB, all cores',
  'duckdb-1': 'DuckDB, one thread',
  clickhouse: 'embedded ClickHouse, all cores',
  'clickhouse-1': 'embedded ClickHouse, one thread',
}

export type W45Figures = {
  readonly mode: Mode
  readonly events: number
  readonly runs: ReadonlyMap<EngineName, readonly Run[]>
}

/** Writes the events where there is the generator and a Python that can run it; else says why and gives undefined. */
export function prepareW45(folder: string, events = EVENTS): string | undefined {
  const generator = join(REFERENCE, 'gen.py')
  if (!existsSync(generator)) {
    console.warn('SKIPPED: ../shared/bench/w45 is absent, its workload was not run')
    return undefined
  }
  const borrowers = Math.round(events * BORROWERS_PER_EVENT)
  const made = spawnSync('python3', [generator, folder, `${events}`, `${borrowers}`], { encoding: 'utf8' })
  if (made.status === 0) return folder
  console.warn(
    `SKIPPED: the generator of W45 needs python3 with numpy and pyarrow: ${made.stderr.trim().split('\n').at(-1)}`,
  )
  return undefined
}

/** Interleaved runs of all engines, each in a process of its own; throws when two disagree on any total. */
export async function measureW45(data: string, mode: Mode, events = EVENTS, rounds = RUNS): Promise<W45Figures> {
  const file = join(data, 'events.ndjson')
  const runs = new Map<EngineName, Run[]>(ENGINES[mode].map((name) => [name, []]))
  const expected = events === EVENTS ? expectedTotals() : undefined
  for (let round = 0; round < rounds; round++) {
    for (const name of ENGINES[mode]) {
      const run = await runInChild(name, mode, file, events)
      const totals = expected ?? runs.get('foreshock')![0]?.totals ?? run.totals
      if (run.events !== events || run.totals.join() !== totals.join())
        throw new Error(`${name} computed ${run.totals.join()} of ${run.events} events, expected ${totals.join()}`)
      runs.get(name)!.push(run)
    }
  }
  return { mode, events, runs }
}

function expectedTotals(): string[] {
  const { totals } = JSON.parse(readFileSync(join(REFERENCE, 'expected.json'), 'utf8')) as { totals: string[] }
  return totals
}

async function runInChild(name: EngineName, mode: Mode, file: string, events: number): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'foreshock-w45-'))
  try {
    const args = ['--engine', name, '--mode', mode, '--file', file, '--events', `${events}`, '--folder', folder]
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    if (code !== 0) throw new Error(`${name} ended with ${code}`)
    return JSON.parse(out) as Run
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One run in this process; only the engine asked for is loaded. */
async function runHere(name: EngineName, mode: Mode, file: string, events: number, folder: string): Promise<Run> {
  const threads = name.endsWith('-1') ? 1 : availableParallelism()
  if (name === 'foreshock') {
    const { runForeshockFromNdjson, runForeshockFromColumns } = await import('./w45/foreshock.ts')
    return mode === 'ndjson' ? runForeshockFromNdjson(file, folder) : runForeshockFromColumns(file, events)
  }
  if (name.startsWith('duckdb')) {
    const { runDuckDbFromNdjson, runDuckDbFromColumns } = await import('./w45/duckdb.ts')
    return mode === 'ndjson' ? runDuckDbFromNdjson(file, folder, threads) : runDuckDbFromColumns(file, threads)
  }
  const { runClickHouseFromColumns } = await import('./w45/clickhouse.ts')
  return runClickHouseFromColumns(file, folder, threads)
}

/** Lines of a table, then the ratios to each other engine, pair by pair of one round. */
export function describeW45({ mode, events, runs }: W45Figures): string[] {
  const perCore = (run: Run) => events / run.cpu_s
  const what = mode === 'ndjson' ? 'NDJSON to binary rows, whole process' : 'columns in memory to columns in memory'
  const lines = [`W45, ${what}: ${events} events, totals equal`, '']
  lines.push(
    '| engine | events/core-second | events/s wall | peak MiB | ratio of ours per core-second |',
    '|---|---|---|---|---|',
  )
  const ours = runs.get('foreshock')!
  for (const [name, theirs] of runs) {
    const ratios = theirs.map((run, round) => perCore(ours[round]!) / perCore(run))
    const ratio = name === 'foreshock' ? '' : spread(ratios, 2)
    const wall = median(theirs.map((run) => events / run.wall_s)).toFixed(0)
    const peak = Math.max(...theirs.map((run) => run.peak_mib)).toFixed(0)
    lines.push(`| ${LABELS[name]} | ${spread(theirs.map(perCore))} | ${wall} | ${peak} | ${ratio} |`)
  }
  return [...lines, '']
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      events: { type: 'string', default: `${EVENTS}` },
      runs: { type: 'string', default: `${RUNS}` },
      engine: { type: 'string' },
      mode: { type: 'string' },
      file: { type: 'string', default: '' },
      folder: { type: 'string', default: '' },
    },
  })
  const events = Number(values.events)
  if (values.engine !== undefined) {
    const run = await runHere(values.engine as EngineName, values.mode as Mode, values.file, events, values.folder)
    console.log(JSON.stringify(run))
  } else await runAlone(values.data, events, Number(values.runs), values.mode as Mode | undefined)
}

async function runAlone(given: string | undefined, events: number, rounds: number, only?: Mode): Promise<void> {
  const folder = join(tmpdir(), `foreshock-w45-data-${process.pid}`)
  mkdirSync(folder)
  try {
    const data = given ?? prepareW45(folder, events)
    if (data === undefined) return
    const parse = measureJsonParse_us()
    console.log(`${describeMachine()}; JSON.parse of one ${parse.bytes}-byte event took ${parse.us.toFixed(2)} µs`)
    for (const mode of only === undefined ? (['ndjson', 'columns'] as const) : [only])
      for (const line of describeW45(await measureW45(data, mode, events, rounds))) console.log(line)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
