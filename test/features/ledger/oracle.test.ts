import { describe, expect, it } from 'vitest'
import { dateOfDay } from '../../../features/time.ts'
import type { HistoryItem, OracleCase } from '../../oracle/history.ts'
import { ledgerCase } from '../../oracle/ledger-cases.ts'
import { BALANCES } from '../../oracle/ledger-money.ts'
import { receive } from '../../oracle/reception.ts'
import { byLoan, type OracleDay, oracleDay, oracleMovements } from '../../oracle/rows.ts'
import { LedgerRun } from './run.ts'

/** Random loans of one run of the suite, the first of which has this number. */
const SEED = 20_261_125
const LOANS = 10_000

const FIELDS = [
  'status',
  'dpd',
  'bucket',
  'outstanding_principal_minor',
  'interest_minor',
  'fee_minor',
  'penalty_minor',
  'overdue_principal_minor',
  'overdue_interest_minor',
  'overdue_fee_minor',
  'paid_minor',
  'overpaid_minor',
  'recovered_minor',
] as const

const dayText = (day: OracleDay | undefined) =>
  day === undefined ? 'no row' : FIELDS.map((field) => `${field} ${day[field]}`).join(' ')

/** What differs first between the ledger and the oracle on one loan's life, and how much was compared. */
function compare(
  one: OracleCase,
  seed: number,
): { difference?: string; days: number; movements: number; seen: Set<string> } {
  const { history, configuration } = one
  const run = new LedgerRun(one)
  const { receptions, deadLetters } = receive(history, configuration)
  const seen = new Set<string>()
  const result: ReturnType<typeof compare> = { days: 0, movements: 0, seen }
  /** By date what was written last. */
  const written = new Map<number, OracleDay>()
  const holding = (day: number) => written.get(Math.max(...[...written.keys()].filter((date) => date <= day)))
  let taken = 0
  const takeRows = () => {
    for (; taken < run.days.length; taken++) written.set(run.days[taken]!.date, run.days[taken]!)
  }
  const closed: number[] = []
  let first: number | undefined
  history.forEach((item: HistoryItem, i) => {
    run.take(item)
    if ((i + seed) % 3 === 0) run.pack()
    takeRows()
    if (item.kind !== 'tick') return
    closed.push(item.day)
    const entries = byLoan(receptions[i]!.received.ledger).get('L')
    if (entries === undefined || result.difference !== undefined) return
    if (first === undefined && run.days.length > 0) first = item.day
    const expected = first === undefined ? undefined : oracleDay(entries, item.day, configuration)
    if (dayText(holding(item.day)) !== dayText(expected)) {
      result.difference = `as closed ${dateOfDay(item.day)}\n${dayText(holding(item.day))}\n${dayText(expected)}`
    }
    result.days++
  })
  if (result.difference !== undefined) return result
  const refused = (list: readonly { offset: number; reason: string }[]) =>
    list.map((x) => `${x.offset} ${x.reason}`).join()
  const mine = refused(run.refused.map(({ offset, refusal }) => ({ offset, reason: refusal.reason })))
  for (const { reason } of deadLetters) seen.add(reason)
  if (mine !== refused(deadLetters)) return { ...result, difference: `refused ${mine}, not ${refused(deadLetters)}` }
  const entries = byLoan(receptions.at(-1)!.received.ledger).get('L') ?? []
  for (const { event } of entries) seen.add(event.type)
  if (first === undefined) return result

  // Once all is known every closed day is what it would have been said to be.
  const latest = new Map(run.movements.map((row) => [`${row.date} ${row.part}`, row]))
  const days = closed.filter((day) => day >= first!)
  const known = oracleMovements(entries, days, configuration)
  for (const [k, day] of days.entries()) {
    const { row, movements } = known[k]!
    if (dayText(holding(day)) !== dayText(row)) {
      return { ...result, difference: `as known at last ${dateOfDay(day)}\n${dayText(holding(day))}\n${dayText(row)}` }
    }
    if (row.recovered_minor > 0) seen.add('recovered')
    if (row.overpaid_minor > 0) seen.add('overpaid')
    for (const part of BALANCES) {
      const is = latest.get(`${day} ${part}`)
      const difference = differenceOf(is, movements[part])
      if (difference !== undefined) return { ...result, difference: `${dateOfDay(day)} ${part}: ${difference}` }
      for (const [flow, amount] of Object.entries(movements[part])) if (amount !== 0) seen.add(`${flow} ${part}`)
      result.movements++
    }
  }
  if (run.days.some((row) => row.known_date > row.date)) seen.add('restated')
  return result
}

function differenceOf(
  is: LedgerRun['movements'][number] | undefined,
  expected: Record<string, number>,
): string | undefined {
  const { opening, closing, ...flows } = expected
  const hasMoved = opening !== closing || Object.values(flows).some((amount) => amount !== 0)
  const sum = Object.entries(flows).reduce((total, [flow, amount]) => total + (LESS.has(flow) ? -amount : amount), 0)
  if (opening! + sum !== closing) return `the oracle itself does not add up: ${JSON.stringify(expected)}`
  for (const [flow, amount] of Object.entries(flows)) {
    const mine = is?.[`${flow}_minor` as 'allocated_minor'] ?? 0
    if (mine !== amount) return `${flow} ${mine}, not ${amount}`
  }
  if (!hasMoved) return undefined
  if (is?.opening_minor !== opening || is?.closing_minor !== closing) {
    return `opening ${is?.opening_minor}, closing ${is?.closing_minor}, not ${opening}, ${closing}`
  }
  return undefined
}

const LESS = new Set(['allocated', 'waived', 'written_off'])

/** The same life with as little in it as still differs. */
function smallest(one: OracleCase, seed: number): OracleCase {
  let { history } = one
  for (let i = history.length - 1; i >= 0; i--) {
    const without = history.filter((_, k) => k !== i)
    if (compare({ ...one, history: without }, seed).difference !== undefined) history = without
  }
  return { ...one, history }
}

function describeCase({ history, configuration }: OracleCase): string {
  const lines = history.map((item) =>
    item.kind === 'tick' ? `${item.offset} tick ${dateOfDay(item.day)}` : `${item.offset} ${shortText(item.event)}`,
  )
  return [JSON.stringify(configuration), ...lines].join('\n')
}

const shortText = ({ type, time, data }: { type: string; time: number; data: object }) =>
  `${type} ${new Date(time).toISOString()} ${JSON.stringify(data, (key, value) =>
    key.endsWith('_at') ? new Date(value as number).toISOString() : (value as unknown),
  )}`

describe('the ledger', () => {
  it(`equals the oracle on ${LOANS} random loans, as closed and as known at last (seed ${SEED})`, () => {
    const started = process.cpuUsage()
    const seen = new Set<string>()
    let days = 0
    let movements = 0
    for (let i = 0; i < LOANS; i++) {
      const seed = SEED + i
      const one = ledgerCase(seed)
      const compared = compare(one, seed)
      if (compared.difference !== undefined) {
        const less = smallest(one, seed)
        expect.fail(`seed ${seed}: ${compare(less, seed).difference}\n${describeCase(less)}`)
      }
      days += compared.days
      movements += compared.movements
      for (const what of compared.seen) seen.add(what)
    }
    const { user, system } = process.cpuUsage(started)
    const seconds = (user + system) / 1e6
    console.log(`seed ${SEED}: ${LOANS} loans, ${days} days, ${movements} movements, ${seconds.toFixed(1)} s of CPU`)
    expect(days).toBeGreaterThan(LOANS * 10)
    expect(EVERYTHING.filter((what) => !seen.has(what))).toEqual([])
  }, 600_000)
})

/** What must have come up at least once for the comparison to mean anything. */
const EVERYTHING: readonly string[] = [
  'disbursed opened charged waived paused drawn billed restructured closed written_off'
    .split(' ')
    .map((x) => `loan.${x}`),
  'repayment.received repayment.reversed restated recovered overpaid'.split(' '),
  'loan_not_open before_loan more_than_owed unknown_repayment already_reversed unknown_loan'.split(' '),
  ['allocated', 'reversed', 'waived', 'written_off'].flatMap((flow) => BALANCES.map((part) => `${flow} ${part}`)),
  ['disbursed principal', 'capitalised principal', 'capitalised interest', 'capitalised fee'],
  ['accrued interest', 'accrued fee', 'accrued penalty'],
  BALANCES.map((part) => `taken_over ${part}`),
].flat()
