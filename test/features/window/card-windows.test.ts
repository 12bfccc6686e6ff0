import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compileRowPass, createRowStore, type RowAggregate, type RowStore, type WindowRows } from './rows.ts'

/**
 * The window engine against rolling features that others published for 32,439 simulated card transactions: counts and
 * mean amounts by customer, counts and fraud shares by terminal with labels known 7 days late.
 */

const FILE = new URL('../../../../shared/data/card-windows/slice_customers_0-99_with_features.csv.gz', import.meta.url)
const present = existsSync(FILE)
if (!present) console.warn('SKIPPED: ../shared/data/card-windows is absent, the engine was not compared with it')
const ROWS = 32_439
const DAYS = [1, 7, 30] as const
const LABEL_DELAY_DAYS = 7
const MS_PER_DAY = 86_400_000
/** Their means are doubles of a running sum: times the count they are whole cents but for this much. */
const RESIDUAL_MAX = 1e-5

type Transaction = Readonly<Record<string, string>> & { readonly time: number; readonly cents: number }

/** The whole number that was meant; throws where it is none. */
function wholeNumber(value: number): number {
  const whole = Math.round(value)
  if (Math.abs(value - whole) > RESIDUAL_MAX) throw new Error(`${value} is no whole number`)
  return whole
}

function readTransactions(): Transaction[] {
  const [header, ...lines] = gunzipSync(readFileSync(FILE)).toString().trimEnd().split('\n')
  const names = header!.split(',')
  return lines.map((line) => {
    const cells = line.split(',')
    const fields = Object.fromEntries(names.map((name, i) => [name, cells[i]!]))
    // 45 amounts are written as 251.20000000000002 and the like: all are whole cents.
    const cents = wholeNumber(Number(fields['TX_AMOUNT']) * 100)
    return { ...fields, time: Number(fields['TX_TIME_SECONDS']) * 1000, cents } as Transaction
  })
}

/** Runs transactions through the engine in their order, keyed by a column: the aggregates' values after each. */
function evaluate(
  transactions: readonly Transaction[],
  key: string,
  value: (one: Transaction) => number,
  aggregates: readonly RowAggregate[],
): Float64Array[] {
  const store: RowStore = createRowStore(1)
  const pass = compileRowPass(1, aggregates)
  const byKey = new Map<string, WindowRows>()
  return transactions.map((one) => {
    const name = one[key]!
    const rows = byKey.get(name) ?? store.open()
    byKey.set(name, rows)
    store.insert(rows, one.time, 0, [value(one)])
    const slots = new Float64Array(aggregates.length)
    pass(rows, one.time, slots)
    return slots
  })
}

function countAndSum(days: readonly number[]): RowAggregate[] {
  return days.flatMap((each) => [
    { where: 0, fold: 'count' as const, column: 0, days: each },
    { where: 0, fold: 'sum' as const, column: 1, days: each },
  ])
}

/** How many rows share their key and second with another one. */
function countTies(transactions: readonly Transaction[], key: string): number {
  const sizes = new Map<string, number>()
  for (const one of transactions) sizes.set(`${one[key]} ${one.time}`, (sizes.get(`${one[key]} ${one.time}`) ?? 0) + 1)
  return [...sizes.values()].filter((size) => size > 1).reduce((sum, size) => sum + size, 0)
}

// The reference data lies beside the project, and only where it is developed.
describe.skipIf(!present)('published card features (../shared/data/card-windows)', () => {
  const transactions = present ? readTransactions() : []

  it('are of 32,439 transactions in time order', () => {
    expect(transactions).toHaveLength(ROWS)
    expect(transactions.every((one, i) => i === 0 || transactions[i - 1]!.time <= one.time)).toBe(true)
  })

  it('by customer: all counts and mean amounts over 1, 7 and 30 days are ours, but for ties', () => {
    const values = evaluate(transactions, 'CUSTOMER_ID', (one) => one.cents, countAndSum(DAYS))
    const differing = new Set<Transaction>()
    transactions.forEach((one, n) => {
      DAYS.forEach((days, w) => {
        const [count, cents] = [values[n]![w * 2]!, values[n]![w * 2 + 1]!]
        const publishedCount = Number(one[`CUSTOMER_ID_NB_TX_${days}DAY_WINDOW`])
        // Exact: the same mean of the same count is the same sum of cents.
        const publishedCents = wholeNumber(
          Number(one[`CUSTOMER_ID_AVG_AMOUNT_${days}DAY_WINDOW`]) * publishedCount * 100,
        )
        if (count !== publishedCount || cents !== publishedCents) differing.add(one)
      })
    })
    const list = [...differing].map((one) => `${one['TRANSACTION_ID']}: customer ${one['CUSTOMER_ID']} at ${one.time}`)
    console.log(`${countTies(transactions, 'CUSTOMER_ID')} tied rows, ${list.length} differing rows ${list.join('; ')}`)
    // The slice has no two transactions of one customer in one second, so nothing is left that might differ.
    expect(countTies(transactions, 'CUSTOMER_ID')).toBe(0)
    expect(list).toEqual([])
  })

  /**
   * Theirs are over the transactions of all 5,000 customers at a terminal, of which the slice holds 100: where the
   * counts agree the slice holds all, and then the fraud share must agree too; elsewhere ours can only be less.
   */
  it('by terminal, labels 7 days late: equal where the slice holds all of a window, never more elsewhere', () => {
    const days = [LABEL_DELAY_DAYS, ...DAYS.map((each) => each + LABEL_DELAY_DAYS)]
    const values = evaluate(transactions, 'TERMINAL_ID', (one) => Number(one['TX_FRAUD']), countAndSum(days))
    const wrong: string[] = []
    const complete = { empty: 0, filled: 0, withFraud: 0 }
    transactions.forEach((one, n) => {
      const of = values[n]!
      DAYS.forEach((each, w) => {
        // The window of a delayed label is the difference of two that end now.
        const count = of[2 + w * 2]! - of[0]!
        const frauds = of[3 + w * 2]! - of[1]!
        const publishedCount = Number(one[`TERMINAL_ID_NB_TX_${each}DAY_WINDOW`])
        const published = wholeNumber(Number(one[`TERMINAL_ID_RISK_${each}DAY_WINDOW`]) * publishedCount)
        const agrees = count === publishedCount ? frauds === published : count < publishedCount && frauds <= published
        if (!agrees) wrong.push(`${one['TRANSACTION_ID']} ${each}d: ${frauds}/${count}, ${published}/${publishedCount}`)
        if (count !== publishedCount) return
        complete[count === 0 ? 'empty' : frauds > 0 ? 'withFraud' : 'filled']++
      })
    })
    console.log(`by terminal: ${JSON.stringify(complete)} of ${ROWS * DAYS.length} windows are complete in the slice`)
    expect(wrong).toEqual([])
    expect(complete).toEqual({ empty: 15_855, filled: 699, withFraud: 6 })
  })

  it('by terminal: every delayed window equals a plain count over the rows', () => {
    const days = [LABEL_DELAY_DAYS, ...DAYS.map((each) => each + LABEL_DELAY_DAYS)]
    const values = evaluate(transactions, 'TERMINAL_ID', (one) => Number(one['TX_FRAUD']), countAndSum(days))
    const byTerminal = Map.groupBy(transactions, (one) => one['TERMINAL_ID']!)
    const wrong: string[] = []
    let frauds = 0
    transactions.forEach((one, n) => {
      const end = one.time - LABEL_DELAY_DAYS * MS_PER_DAY
      DAYS.forEach((each, w) => {
        const inWindow = byTerminal
          .get(one['TERMINAL_ID']!)!
          .filter(({ time }) => time > end - each * MS_PER_DAY && time <= end)
        const fraudulent = inWindow.filter((other) => other['TX_FRAUD'] === '1').length
        const of = values[n]!
        if (of[2 + w * 2]! - of[0]! !== inWindow.length || of[3 + w * 2]! - of[1]! !== fraudulent)
          wrong.push(`${one['TRANSACTION_ID']} over ${each} days`)
        frauds += fraudulent
      })
    })
    expect(wrong).toEqual([])
    expect(frauds).toBeGreaterThan(0)
  })
})
