import type { Event } from '../../features/events/contract.ts'
import { dateOfDay, dayOfDate } from '../../features/time.ts'
import { PARTITIONS_DEFAULT, SLICES_DEFAULT } from '../../pipelines/config.ts'
import type { Engine } from '../../pipelines/engine/engine.ts'
import { DISCARD } from '../../pipelines/engine/outputs.ts'
import { processCpu_us } from './clock.ts'
import { type Context, number, type Outcome, spread, tableHead, tableRow } from './part.ts'
import { type Histories, newEngine, Population, recordOf, simulatedHistories } from './population.ts'
import { FIRST_DATE, liveRows, TENANT } from './simulated.ts'

/** Days swept before those that count: on the first one all signals of the borrowers are new. */
const WARM_UP_DAYS = 2

type Day = { readonly swept: number; readonly cpu_s: number; readonly pieces_ms: number[] }

/** Days closed over borrowers who all have a loan that runs, with model and rules; no row is written. */
export async function measureSweep({ isQuick }: Context): Promise<Outcome> {
  const size = isQuick ? 5000 : 100_000
  const days = isQuick ? 2 : 5
  const histories = await exposedHistories()
  const { engine } = new Population(await newEngine(), histories, size)
  const measured: Day[] = []
  for (let day = 0; day < WARM_UP_DAYS + days; day++) {
    const one = await sweepDay(engine, histories.days + day)
    if (day >= WARM_UP_DAYS) measured.push(one)
  }
  return describe(measured, size, liveRows(engine.partitions.map(({ features }) => features)))
}

/** Of the simulated borrowers those who owe something when their histories end. */
async function exposedHistories(): Promise<Histories> {
  const histories = simulatedHistories()
  const count = histories.borrowers.length
  const once = new Population(await newEngine(), histories, count)
  const exposed = new Set<string>()
  for (const { features } of once.engine.partitions) {
    for (const borrower of features.borrowers) if (borrower.isExposed()) exposed.add(borrower.token)
  }
  return { ...histories, borrowers: histories.borrowers.filter((_, i) => exposed.has(once.tokens[i] as string)) }
}

/** One day, slice by slice and partition by partition, each piece in a call of its own, as a live day is closed. */
async function sweepDay(engine: Engine, day: number): Promise<Day> {
  const date = dateOfDay(dayOfDate(FIRST_DATE) + day)
  const pieces_ms: number[] = []
  const before = engine.evaluations
  const started = processCpu_us()
  for (let slice = 0; slice < SLICES_DEFAULT; slice++) {
    const data = { date, slice, slices: SLICES_DEFAULT }
    const event = { id: `day.closed/${date}/${slice}`, source: 'foreshock', type: 'day.closed', tenant: TENANT, data }
    for (const { partition, offset } of engine.partitions) {
      const record = recordOf({ ...event, version: 1, time: 0, subject: '' } as unknown as Event, partition, offset + 1)
      const wall = performance.now()
      await engine.process([record], DISCARD)
      pieces_ms.push(performance.now() - wall)
    }
  }
  return { swept: engine.evaluations - before, cpu_s: (processCpu_us() - started) / 1e6, pieces_ms }
}

function describe(days: readonly Day[], size: number, rows: number): Outcome {
  const cpu_s = days.map((day) => (day.cpu_s * size) / day.swept)
  const longest = days.map(({ pieces_ms }) => Math.max(...pieces_ms))
  const us = days.map((day) => (day.cpu_s * 1e6) / day.swept)
  const swept = days.map((day) => day.swept)
  return {
    lines: [
      `Borrowers with a running loan, model and rules included, rows discarded; ${SLICES_DEFAULT} slices of a day.`,
      'The longest piece, a slice in one partition, is by the clock: so long an event waits at the most that arrives when it begins.',
      '',
      ...tableHead([
        'borrowers',
        'swept a day',
        'live rows a borrower',
        'µs a borrower',
        'CPU s a day',
        'longest piece, ms',
      ]),
      tableRow([number(size), spread(swept), rows.toFixed(0), spread(us, 1), spread(cpu_s, 2), spread(longest)]),
    ],
    targets: [
      {
        what: `a day's sweep over ${number(size)} exposed borrowers`,
        values: cpu_s,
        unit: 's of one core',
        digits: 2,
        bound: 'at most',
        limit: (4 * size) / 100_000,
        scaling: 'time',
      },
      {
        what: `longest that one slice of it in one of ${PARTITIONS_DEFAULT} partitions holds the engine`,
        values: longest,
        unit: 'ms',
        bound: 'at most',
        limit: 100,
        scaling: 'time',
      },
    ],
  }
}
