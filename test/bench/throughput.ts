import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderBytes, runCli, runCliMeasured, type Usage } from './child.ts'
import { type Context, number, type Outcome, spread, tableHead, tableRow } from './part.ts'
import { measureStages, type Stage } from './stages.ts'

type Size = { readonly borrowers: number; readonly months: number }
type Summary = { readonly events: number; readonly evaluations: number; readonly seconds: number }
type Run = Summary & { readonly usage: Usage; readonly disk_bytes: number }

/** The simulated book that users get without saying anything: `simulate` and `run` have it. */
const DEFAULT_BOOK: Size = { borrowers: 1000, months: 12 }

export async function simulateFile(folder: string, { borrowers, months }: Size, seed = 7): Promise<string> {
  const file = join(folder, `events-${borrowers}-${months}.ndjson`)
  await runCli(['simulate', '--borrowers', `${borrowers}`, '--months', `${months}`, '--seed', `${seed}`, '--out', file])
  return file
}

/** To find out what start and stop take. */
export function emptyFile(folder: string): string {
  const file = join(folder, 'empty.ndjson')
  writeFileSync(file, '')
  return file
}

/** File to durable rows, scores and warnings: the whole process, its start and stop included. */
export async function ingestMeasured(folder: string, file: string): Promise<Run> {
  const data = join(folder, 'data')
  const { out, usage } = await runCliMeasured(['ingest', file, '--data', data, '--json'])
  const disk_bytes = folderBytes(join(data, 'store'))
  rmSync(data, { recursive: true })
  return { ...(JSON.parse(out) as Summary), usage, disk_bytes }
}

export async function measureThroughput({ folder, isQuick }: Context): Promise<Outcome> {
  const size = isQuick ? { borrowers: 200, months: 6 } : DEFAULT_BOOK
  const file = await simulateFile(folder, size)
  const runs: Run[] = []
  for (let run = 0; run < (isQuick ? 1 : 3); run++) runs.push(await ingestMeasured(folder, file))
  const start = await ingestMeasured(folder, emptyFile(folder))
  const stages = [
    { name: 'start and stop, with an empty file', per: 'run', us: start.usage.cpu_s * 1e6, count: 1 },
    ...(await measureStages(file, folder)),
  ]
  const perCore = runs.map(({ evaluations, usage }) => evaluations / usage.cpu_s)
  return {
    lines: [
      'The whole process with its start and stop, all features, the model and the rules; evaluations are events and',
      'borrower-days.',
      '',
      ...describeRuns(size, runs),
      '',
      'Where the processor time of all threads goes. The parts were measured alone in one process after these runs, on the',
      'same events; the rest is what they do not explain.',
      '',
      ...describeStages(runs, stages),
    ],
    targets: [
      {
        what: 'file to durable rows, features, model and rules',
        values: perCore,
        unit: 'evaluations/s per core-second',
        bound: 'at least',
        limit: 25_000,
        scaling: 'rate',
      },
    ],
  }
}

function describeRuns({ borrowers, months }: Size, runs: readonly Run[]): string[] {
  const [first] = runs as [Run]
  const cells = [
    `${number(borrowers)} × ${months}`,
    number(first.events),
    number(first.evaluations),
    spread(runs.map((run) => run.evaluations / run.seconds)),
    spread(runs.map((run) => run.evaluations / run.usage.cpu_s)),
    spread(runs.map((run) => run.events / run.usage.cpu_s)),
    spread(runs.map((run) => run.usage.cpu_s)),
    spread(runs.map((run) => run.usage.peak_mib)),
    number(first.disk_bytes / first.events),
  ]
  const head = [
    'borrowers × months',
    'events',
    'evaluations',
    'evaluations/s',
    'evaluations/core-second',
    'events/core-second',
    'CPU s',
    'peak MiB',
    'disk bytes/event',
  ]
  return [...tableHead(head), tableRow(cells)]
}

function describeStages(runs: readonly Run[], stages: readonly Stage[]): string[] {
  const { evaluations } = runs[0] as Run
  const whole_s = runs.map(({ usage }) => usage.cpu_s).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)] as number
  const main_s = runs.find(({ usage }) => usage.cpu_s === whole_s)?.usage.main_thread_s as number
  const row = (name: string, per: string, us: string, seconds: number) =>
    tableRow([name, per, us, ((seconds * 1e6) / evaluations).toFixed(2), `${((seconds / whole_s) * 100).toFixed(0)} %`])
  const seconds = (stage: Stage) => (stage.us * stage.count) / 1e6
  const explained = stages.reduce((sum, stage) => sum + seconds(stage), 0)
  return [
    ...tableHead(['part', 'per', 'µs', 'µs an evaluation', 'of the whole']),
    ...stages.map((stage) => row(stage.name, stage.per, stage.us.toFixed(2), seconds(stage))),
    row('rest', '', '', whole_s - explained),
    row('**whole**', '', '', whole_s),
    row('of it on the main thread', '', '', main_s),
  ]
}
