import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { Event } from '../../features/events/contract.ts'
import { FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { processCpu_us } from './clock.ts'
import { type Context, type Outcome, spread, tableHead, tableRow } from './part.ts'
import { applySimulated, liveRows, simulatedDays } from './simulated.ts'

/** Days after which the simulator's borrowers have some 90 live rows, and days of one round: in the middle it is 100. */
const DAYS_BEFORE = 118
const DAYS_PER_ROUND = 5
/** Of the days before, those on which features are computed too: the generated loops are large, and compiled late. */
const WARM_UP_DAYS = 30

type Round = { readonly both_us: number; readonly apply_us: number; readonly evaluate_us: number }

/** Feature computation alone: an event applied, and all entries computed after it, in the order in which events come. */
export async function measureFeatures({ isQuick }: Context): Promise<Outcome> {
  const rounds = isQuick ? 3 : 7
  const days = simulatedDays(isQuick ? 500 : 4000, DAYS_BEFORE + rounds * DAYS_PER_ROUND, 3)
  const evaluated = new FeaturePartition(1, 1)
  const onlyApplied = new FeaturePartition(1, 1)
  const evaluate = compileCatalogue(CATALOGUE)
  const row = new Float64Array(CATALOGUE.length)

  function applyAll(
    partition: FeaturePartition,
    events: readonly Event[],
    then?: (borrower: Borrower) => void,
  ): number {
    const started = processCpu_us()
    let applied = 0
    for (const event of events) {
      const borrower = applySimulated(partition, event, applied)
      if (borrower === undefined) continue
      applied++
      then?.(borrower)
    }
    return (processCpu_us() - started) / applied
  }

  const compute = (borrower: Borrower) => evaluate(borrower, row, 0)
  for (let day = 0; day < DAYS_BEFORE; day++) {
    applyAll(evaluated, days[day] as Event[], day < DAYS_BEFORE - WARM_UP_DAYS ? undefined : compute)
    applyAll(onlyApplied, days[day] as Event[])
  }
  const rowsBefore = liveRows([evaluated])
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const from = DAYS_BEFORE + round * DAYS_PER_ROUND
    const events = days.slice(from, from + DAYS_PER_ROUND).flat()
    const both_us = applyAll(evaluated, events, compute)
    const apply_us = applyAll(onlyApplied, events)
    const started = processCpu_us()
    for (const borrower of evaluated.borrowers) compute(borrower)
    const evaluate_us = (processCpu_us() - started) / evaluated.borrowers.length
    measured.push({ both_us, apply_us, evaluate_us })
  }
  return describe(measured, `${rowsBefore.toFixed(0)} to ${liveRows([evaluated]).toFixed(0)}`)
}

function describe(rounds: readonly Round[], live: string): Outcome {
  const us = (name: keyof Round) =>
    spread(
      rounds.map((round) => round[name]),
      2,
    )
  const perSecond = rounds.map(({ both_us }) => 1e6 / both_us)
  const cells = [CATALOGUE.length, live, us('both_us'), us('apply_us'), us('evaluate_us'), spread(perSecond)]
  return {
    lines: [
      'The simulated events of many borrowers in the order of their times. An event applied alone and a borrower evaluated',
      'alone each unpack the rows, which the two together do once.',
      '',
      ...tableHead([
        'entries',
        'live rows a borrower',
        'event applied and all entries, µs',
        'applied alone, µs',
        'all entries alone, µs',
        'events/s per core',
      ]),
      tableRow(cells),
    ],
    targets: [
      {
        what: `feature computation alone, ${CATALOGUE.length} entries, ~100 live events`,
        values: perSecond,
        unit: 'events/s per core',
        bound: 'at least',
        limit: 150_000,
        scaling: 'rate',
      },
    ],
  }
}
