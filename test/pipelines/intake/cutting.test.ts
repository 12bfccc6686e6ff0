import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MS_PER_DAY } from '../../../features/time.ts'
import { noon, type RawEvent, transaction } from '../run/events.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { IntakeLog } from './log.ts'

const SEED = 4_030_201
const CASES = 8

const folder = temporaryFolder()
let log: IntakeLog

beforeAll(async () => {
  log = await IntakeLog.open(folder, { partitions: 1, slices: 2 })
})
afterAll(() => log.database.close())

/** One line: how far time moves on, how its own time lies to that, and what it repeats, if it does. */
const steps = fc.array(
  fc.record({
    days: fc.constantFrom(0, 0, 0, 1, 1, 2, 9),
    offset: fc.constantFrom(0, 0, 0, 0, -1, -20, -33, -200, 30, 390, 410, 900, -8000),
    kind: fc.constantFrom('new', 'new', 'new', 'repeat', 'conflict', 'bad'),
    which: fc.nat(),
  }),
  { minLength: 60, maxLength: 120, size: 'max' },
)
/** After how many lines a batch ends, and whether the process dies there. */
const cuts = fc.array(fc.record({ lines: fc.constantFrom(1, 2, 30, 60), restart: fc.boolean() }), {
  minLength: 6,
  maxLength: 6,
})

type Step = { readonly days: number; readonly offset: number; readonly kind: string; readonly which: number }

function linesOf(script: readonly Step[]): (RawEvent | string)[] {
  const sent: RawEvent[] = []
  let day = 8100
  return script.map((step, i) => {
    day += step.days
    const known = sent[step.which % Math.max(1, sent.length)]
    if (step.kind === 'bad') return '{"id":'
    if (known !== undefined && step.kind === 'repeat') return known
    if (known !== undefined && step.kind === 'conflict') return { ...known, data: { ...known.data, amount_minor: 7 } }
    const event = transaction(`event-${i}`, noon(0) + (day + step.offset) * MS_PER_DAY + i, `borrower-${i % 5}`)
    sent.push(event)
    return event
  })
}

describe('the log', () => {
  let tenants = 0

  /** Hands the lines over and gives what became of them, with all that the log and the dead letters then hold. */
  async function run(lines: readonly (RawEvent | string)[], plan: readonly { lines: number; restart: boolean }[]) {
    const tenant = `tenant-${tenants++}`
    const outcomes: string[] = []
    for (let at = 0, batch = 0; at < lines.length; batch++) {
      const cut = plan[batch % plan.length] as (typeof plan)[number]
      outcomes.push(...(await log.outcomes(tenant, lines.slice(at, at + cut.lines))))
      at += cut.lines
      if (cut.restart) await log.restart()
    }
    return { outcomes, stored: await log.stored(tenant), deadLetters: await log.deadLetters(tenant) }
  }

  it(`is the same however its input is cut into batches, and wherever intake is restarted (seed ${SEED})`, async () => {
    const seen = new Set<string>()
    let ticks = 0
    await fc.assert(
      fc.asyncProperty(steps, cuts, async (script, plan) => {
        const lines = linesOf(script)
        const whole = await run(lines, [{ lines: lines.length, restart: false }])
        const cut = await run(lines, plan)
        expect(cut.outcomes).toEqual(whole.outcomes)
        expect(cut.stored).toEqual(whole.stored)
        expect(cut.deadLetters).toEqual(whole.deadLetters)
        for (const outcome of whole.outcomes) seen.add(outcome)
        ticks += whole.stored.filter(({ type }) => type === 'day.closed').length
      }),
      // A smaller example would cost more restarts than it is worth.
      { seed: SEED, numRuns: CASES, endOnFailure: true },
    )
    expect([...seen].sort()).toEqual(['accepted', 'conflict', 'future', 'not_json', 'repeat'])
    expect(ticks).toBeGreaterThan(500)
  }, 120_000)
})
