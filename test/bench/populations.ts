import { join } from 'node:path'
import { runProgram } from './child.ts'
import type { GrowthRates } from './growth.ts'
import { median } from './machine.ts'
import { type Context, number, type Outcome, spread, type Target, tableHead, tableRow } from './part.ts'
import { ID_DAYS_MAX, type StateBytes } from './state.ts'
import { emptyFile, ingestMeasured, simulateFile } from './throughput.ts'

const PROGRAM = new URL('population/main.ts', import.meta.url).href
const GIB = 2 ** 30
const KIB = 2 ** 10
/** Bytes that a borrower may take, and a million of them. */
const STATE_KIB_MAX = 4
const MILLION = 1_000_000
const MILLION_GIB_MAX = 6
/** How much slower a large population may be than a small one. */
const GROWTH_RATIO_MIN = 0.9

type Measured = {
  readonly size: number
  readonly bytes: StateBytes
  readonly rates: GrowthRates
  readonly built_s: number
  readonly rss_mib: number
}

/** State and speed of populations of growing size, each in a process of its own, and the whole pipeline over more events. */
export async function measurePopulations({ folder, isQuick }: Context): Promise<Outcome> {
  const populations: Measured[] = []
  for (const size of isQuick ? [2000, 10_000] : [10_000, 100_000, MILLION]) {
    populations.push(await runProgram<Measured>(PROGRAM, [`${size}`]))
  }
  const pipeline = await measurePipeline(folder, isQuick)
  const small = populations[0] as Measured
  const large = populations.at(-1) as Measured
  return {
    lines: [
      ...describeState(populations),
      '',
      ...describeRates(populations),
      '',
      'The whole pipeline, `ingest`; the processor time of its start and stop with an empty file is left out (100 000',
      'borrowers are in the part on restarts):',
      '',
      ...pipeline.lines,
    ],
    targets: [...stateTargets(populations), ...growthTargets(small, large), pipeline.target],
  }
}

function describeState(populations: readonly Measured[]): string[] {
  const row = (name: string, of: (one: Measured) => string) => tableRow([name, ...populations.map(of)])
  const bytes = (name: string, key: keyof StateBytes) => row(name, ({ bytes: one }) => number(one[key]))
  return [
    'Bytes of state per borrower: what memory in use (heap and array buffers, after collection) grew by, and what of it is',
    `known by itself. Ids are those of ${ID_DAYS_MAX} days, the most that intake holds before it forgets again.`,
    '',
    ...tableHead(['bytes per borrower', ...populations.map(({ size }) => `${number(size)} borrowers`)]),
    bytes('live rows (not bytes)', 'live_rows'),
    bytes('transactions, 16 bytes each and their parties', 'transactions'),
    bytes('bureau queries, 16 bytes each', 'queries'),
    bytes('loans and their instalments', 'loans'),
    bytes('account numbers', 'accounts'),
    bytes('columns of single numbers', 'columns'),
    bytes('decisions: last outcomes, open warnings', 'decisions'),
    bytes('objects, tokens, maps, reports', 'objects'),
    bytes('event ids, to tell repeats', 'recent_ids'),
    row('**all**', ({ bytes: { all } }) => `**${number(all)}**`),
    row('all borrowers, GiB', ({ size, bytes: { all } }) => number((size * all) / GIB, 2)),
    row('largest resident set while measuring, GiB', ({ rss_mib }) => number(rss_mib / KIB, 2)),
  ]
}

function stateTargets(populations: readonly Measured[]): Target[] {
  const large = populations.at(-1) as Measured
  const { size, bytes } = populations.find((one) => one.size === 100_000) ?? large
  const gib = (large.bytes.all * large.size) / GIB
  return [
    {
      what: `state per borrower at ${number(bytes.live_rows)} live events, all in`,
      note: `of ${number(size)} borrowers`,
      values: [bytes.all / KIB],
      unit: 'KiB',
      digits: 2,
      bound: 'at most',
      limit: STATE_KIB_MAX,
      scaling: 'none',
    },
    {
      what: `${number(large.size)} borrowers with their state`,
      values: [gib],
      unit: 'GiB',
      digits: 2,
      bound: 'at most',
      limit: (MILLION_GIB_MAX * large.size) / MILLION,
      scaling: 'none',
    },
  ]
}

function describeRates(populations: readonly Measured[]): string[] {
  return [
    'Events of these borrowers one after the other, none of the same borrower as the one before nor near it in memory, as',
    'many live rows everywhere:',
    '',
    ...tableHead(['borrowers', 'applied, all entries computed, events/s per core', 'whole engine, events/s per core']),
    ...populations.map(({ size, rates }) =>
      tableRow([number(size), spread(rates.features_per_s), spread(rates.engine_per_s)]),
    ),
  ]
}

function growthTargets(small: Measured, large: Measured): Target[] {
  const of = (what: string, key: keyof GrowthRates): Target => {
    const base = median(small.rates[key])
    return {
      what: `${what} at ${number(large.size)} borrowers against ${number(small.size)}`,
      values: large.rates[key].map((rate) => rate / base),
      unit: 'times',
      digits: 2,
      bound: 'at least',
      limit: GROWTH_RATIO_MIN,
      scaling: 'none',
    }
  }
  return [of('features, events/s', 'features_per_s'), of('whole engine, events/s', 'engine_per_s')]
}

/** Ten times the borrowers, and ten times the months; what every start takes is left out of the rates. */
async function measurePipeline(folder: string, isQuick: boolean): Promise<{ lines: string[]; target: Target }> {
  const sizes = isQuick
    ? ([
        [100, 1],
        [1000, 1],
        [20, 6],
        [20, 60],
      ] as const)
    : ([
        [1000, 1],
        [10_000, 1],
        [100, 12],
        [100, 120],
      ] as const)
  const start = await ingestMeasured(join(folder, 'ingest'), emptyFile(folder))
  const rates: number[] = []
  const lines = tableHead(['borrowers × months', 'events', 'evaluations/core-second', 'evaluations/s', 'peak MiB'])
  for (const [borrowers, months] of sizes) {
    const file = await simulateFile(folder, { borrowers, months })
    const run = await ingestMeasured(join(folder, 'ingest'), file)
    const perCore = run.evaluations / (run.usage.cpu_s - start.usage.cpu_s)
    rates.push(perCore)
    const name = `${number(borrowers)} × ${number(months)}`
    const cells = [name, number(run.events), number(perCore), number(run.evaluations / run.seconds)]
    lines.push(tableRow([...cells, number(run.usage.peak_mib)]))
  }
  const [, , short, long] = rates as [number, number, number, number]
  return {
    lines,
    target: {
      what: 'whole pipeline, evaluations/core-second over ten times the events of the same borrowers',
      values: [long / short],
      unit: 'times',
      digits: 2,
      bound: 'at least',
      limit: GROWTH_RATIO_MIN,
      scaling: 'none',
    },
  }
}
