import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { EventOf } from '../../features/events/contract.ts'
import { type BorrowerEvent, FeaturePartition } from '../../features/partition.ts'
import { threadCpu_us } from './clock.ts'
import { measureLongSegment } from './long-segment.ts'
import { median, quantile } from './machine.ts'
import { type Context, number, type Outcome, spread, tableHead, tableRow } from './part.ts'
import { applySimulated, isConfiguration, simulatedDays } from './simulated.ts'

/** The transactions of so many simulated borrowers, given to one: some 20,000 within the days that state reaches back. */
const MERGED_BORROWERS = 150
const FILL_DAYS = 182
const MORE_DAYS = 40
const NEIGHBOURS = 2000
const NEIGHBOUR_DAYS = 128
const NEIGHBOUR_MORE_DAYS = 12
/** Events of neighbours between two of the heavy borrower. */
const NEIGHBOURS_BETWEEN = 8
const HEAVY = 'heavy'
/** More than so much dearer, and a neighbour would be delayed by more than noise. */
const NEIGHBOUR_RATIO_MAX = 1.1

type Round = {
  readonly heavy_us: number
  readonly heavy_wall_us: readonly number[]
  readonly neighbour_us: number
  readonly alone_us: number
}

/** Events of one borrower with very many live rows, applied and evaluated, with those of others in between. */
export async function measureHeavy({ isQuick }: Context): Promise<Outcome> {
  const rounds = isQuick ? 3 : 5
  const perRound = isQuick ? 100 : 800
  const heavy = heavyEvents(isQuick ? MERGED_BORROWERS / 5 : MERGED_BORROWERS)
  const partition = new FeaturePartition(1, 1)
  const neighbours = fillNeighbours(partition, isQuick ? NEIGHBOURS / 4 : NEIGHBOURS)
  const row = new Float64Array(CATALOGUE.length)
  const evaluate = compileCatalogue(CATALOGUE)
  const take = (event: BorrowerEvent) => {
    const borrower = applySimulated(partition, event, 0)
    if (borrower !== undefined) evaluate(borrower, row, 0)
  }
  for (const event of heavy.filled) applySimulated(partition, event, 0)
  const group = partition.tenantOf((heavy.filled[0] as BorrowerEvent).tenant)
  const one = partition.borrowerOf(group, HEAVY)
  let at = 0
  const nextNeighbours = (count: number) => {
    const events = Array.from({ length: count }, (_, i) => neighbours[(at + i) % neighbours.length] as BorrowerEvent)
    at += count
    return events
  }
  // The compiler has seen both kinds before anything is measured.
  for (const event of nextNeighbours(perRound * NEIGHBOURS_BETWEEN)) take(event)
  for (const event of heavy.more.slice(0, perRound)) take(event)
  const measured: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    const events = heavy.more.slice(round * perRound, (round + 1) * perRound)
    measured.push(measureRound(events, nextNeighbours, take))
  }
  const described = describe(measured, one.transactions.length)
  return { ...described, lines: [...described.lines, '', ...windowLines(one.transactions.length)] }
}

/** Heavy events with neighbours between them, then as many neighbours alone. */
function measureRound(
  heavy: readonly BorrowerEvent[],
  nextNeighbours: (count: number) => BorrowerEvent[],
  take: (event: BorrowerEvent) => void,
): Round {
  const beside = nextNeighbours(heavy.length * NEIGHBOURS_BETWEEN)
  const alone = nextNeighbours(heavy.length * NEIGHBOURS_BETWEEN)
  const heavy_wall_us: number[] = []
  let heavyCpu = 0
  let neighbourCpu = 0
  heavy.forEach((event, i) => {
    const started = threadCpu_us()
    const wall = performance.now()
    take(event)
    heavy_wall_us.push((performance.now() - wall) * 1000)
    const between = threadCpu_us()
    heavyCpu += between - started
    for (let k = 0; k < NEIGHBOURS_BETWEEN; k++) take(beside[i * NEIGHBOURS_BETWEEN + k] as BorrowerEvent)
    neighbourCpu += threadCpu_us() - between
  })
  const started = threadCpu_us()
  heavy.forEach((_, i) => {
    // Asked as often as above, so that asking costs the same.
    threadCpu_us()
    for (let k = 0; k < NEIGHBOURS_BETWEEN; k++) take(alone[i * NEIGHBOURS_BETWEEN + k] as BorrowerEvent)
  })
  const alone_us = (threadCpu_us() - started) / alone.length
  return {
    heavy_us: heavyCpu / heavy.length,
    heavy_wall_us,
    neighbour_us: neighbourCpu / beside.length,
    alone_us,
  }
}

function heavyEvents(merged: number): { filled: BorrowerEvent[]; more: BorrowerEvent[] } {
  const days = simulatedDays(merged, FILL_DAYS + MORE_DAYS, 17).map((events) =>
    events
      .filter((event): event is EventOf<'transaction.posted'> => event.type === 'transaction.posted')
      .map((event) => ({ ...event, subject: HEAVY, data: { ...event.data, account: `a-${HEAVY}` } })),
  )
  return { filled: days.slice(0, FILL_DAYS).flat(), more: days.slice(FILL_DAYS).flat() }
}

/** Puts simulated borrowers with some 100 live rows there, and gives their next events. */
function fillNeighbours(partition: FeaturePartition, count: number): BorrowerEvent[] {
  const days = simulatedDays(count, NEIGHBOUR_DAYS + NEIGHBOUR_MORE_DAYS, 19)
  for (const event of days.slice(0, NEIGHBOUR_DAYS).flat()) applySimulated(partition, event, 0)
  return days
    .slice(NEIGHBOUR_DAYS)
    .flat()
    .filter((event): event is BorrowerEvent => event.subject !== '' && !isConfiguration(event))
}

function describe(rounds: readonly Round[], liveEvents: number): Outcome {
  const walls = rounds.map(({ heavy_wall_us }) => heavy_wall_us)
  const heavy = rounds.map((round) => round.heavy_us)
  const ratios = rounds.map((round) => round.neighbour_us / round.alone_us)
  const cells = [
    number(liveEvents),
    spread(heavy, 1),
    spread(walls.map(median), 1),
    spread(
      walls.map((wall) => quantile(wall, 0.99)),
      1,
    ),
    spread(
      rounds.map((round) => round.neighbour_us),
      1,
    ),
    spread(
      rounds.map((round) => round.alone_us),
      1,
    ),
  ]
  return {
    lines: [
      `A transaction of the heavy borrower, then ${NEIGHBOURS_BETWEEN} events of others with ~100 live rows, each applied and`,
      'all entries computed; then as many of the others without it. CPU is that of the one thread, p50 and p99 are by the clock.',
      '',
      ...tableHead([
        'live rows',
        'CPU µs an event',
        'p50 µs',
        'p99 µs',
        'neighbours beside it, CPU µs',
        'neighbours alone, CPU µs',
      ]),
      tableRow(cells),
    ],
    targets: [
      {
        what: `heavy borrower, ${number(liveEvents)} live events`,
        values: heavy,
        unit: 'µs an event',
        digits: 1,
        bound: 'at most',
        limit: 40,
        scaling: 'time',
      },
      {
        what: 'neighbours beside the heavy borrower, cost of an event against that without it',
        values: ratios,
        unit: 'times',
        digits: 2,
        bound: 'at most',
        limit: NEIGHBOUR_RATIO_MAX,
        scaling: 'none',
      },
    ],
  }
}

/** The window pass alone, in blocks of rows and without them. */
function windowLines(rows: number): string[] {
  const { aggregates, block_us, plain_us } = measureLongSegment(rows)
  return [
    `The window pass alone over as many rows, ${aggregates} aggregates: ${block_us.toFixed(1)} µs an event in blocks, ` +
      `${plain_us.toFixed(0)} µs row by row.`,
  ]
}
