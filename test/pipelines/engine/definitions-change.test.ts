import { describe, expect, it } from 'vitest'
import type { PublishedDefinitions } from '../../../features/events/contract.ts'
import { dayOfDate } from '../../../features/time.ts'
import { currentDefinitions } from '../../../pipelines/engine/definitions.ts'
import { disbursement, noon, transaction } from '../run/events.ts'
import type { CollectedRows } from './collected.ts'
import { closing, decoded, logOfEvents, ONE_BORROWER_SHAPE, publishing } from './one-borrower.ts'
import { newEngine, process } from './replay.ts'

const FIRST_DAY = dayOfDate('2024-01-01')
const all = currentDefinitions(null)
const without = (rule: string): PublishedDefinitions => ({ ...all, rules: all.rules.filter((one) => one !== rule) })

const closeDays = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => closing(FIRST_DAY + from + i))

/** The feed as `type day`. */
function feedOf(rows: CollectedRows): string[] {
  return [...rows.rows]
    .filter(([key]) => key.startsWith('warnings '))
    .map(([, row]) => JSON.parse(row) as { type: string; time: number })
    .map(({ type, time }) => `${type} ${Math.round((time - noon(0)) / 86_400_000)}`)
}

/** A borrower with a loan that runs, and on day 1 a lawsuit: a yellow signal of one rule for a year. */
const sued = [
  decoded(disbursement('loan', noon(0), 'b', 'l')),
  decoded({
    ...transaction('lawsuit', noon(1), 'b'),
    type: 'signal.reported',
    data: { kind: 'litigation', reported_at: noon(1) },
  }),
]

describe('a change of the definitions in force', () => {
  it('keeps a warning open that other rules still hold open', async () => {
    const log = logOfEvents([
      publishing(all),
      ...sued,
      ...closeDays(0, 2),
      publishing(without('overdrawn@1')),
      ...closeDays(3, 20),
    ])
    expect(feedOf(await process(newEngine(ONE_BORROWER_SHAPE), log))).toEqual(['opened 1'])
  })

  it('lets a warning end, after its quiet days, that only a withdrawn rule held open', async () => {
    const log = logOfEvents([
      publishing(all),
      ...sued,
      ...closeDays(0, 2),
      publishing(without('litigation@1')),
      ...closeDays(3, 20),
    ])
    // The borrower was last evaluated at the end of day 2: days 3 to 9 are quiet.
    for (const batch of [1, 5, 100]) {
      expect(feedOf(await process(newEngine(ONE_BORROWER_SHAPE), log, batch))).toEqual(['opened 1', 'cleared 9'])
    }
  })

  it('lets a rule speak again that comes back', async () => {
    const definitions = [
      publishing(without('litigation@1')),
      ...closeDays(3, 20),
      publishing(all),
      ...closeDays(21, 21),
    ]
    const log = logOfEvents([publishing(all), ...sued, ...closeDays(0, 2), ...definitions])
    expect(feedOf(await process(newEngine(ONE_BORROWER_SHAPE), log))).toEqual(['opened 1', 'cleared 9', 'opened 21'])
  })
})
