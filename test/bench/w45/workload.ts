import { MS_PER_DAY } from '../../../features/time.ts'
import { compileRowPass, createRowStore, type RowAggregate, type WindowRows } from '../../features/window/rows.ts'

/**
 * The workload W45: 45 windowed values for every event of a borrower, in log order. Five windows (T − w, T], each with
 * count, sum and largest of money in and of money out, count and sum of repayments, and distinct institutions queried.
 */

export const WINDOW_DAYS = [1, 7, 30, 90, 180] as const
export const KINDS = ['tx_in', 'tx_out', 'repay', 'query'] as const

/** Bits of a row by kind; a query's own is not needed, as only the last one of each institution counts. */
const TRAITS_OF_KIND: Readonly<Record<string, number>> = { tx_in: 1, tx_out: 2, repay: 4, query: 0 }
const LAST_OF_INSTITUTION = 8
const AMOUNT = 1
const INSTITUTION = 2

type Value = { readonly name: string; readonly aggregate: RowAggregate }

function valuesOver(days: number): Value[] {
  const over = (name: string, where: number, fold: 'count' | 'sum' | 'max'): Value => ({
    name: `${name}_${fold}_${days}d`,
    aggregate: { days, where, fold, column: fold === 'count' ? 0 : AMOUNT },
  })
  return [
    over('tx_in', 1, 'count'),
    over('tx_in', 1, 'sum'),
    over('tx_in', 1, 'max'),
    over('tx_out', 2, 'count'),
    over('tx_out', 2, 'sum'),
    over('tx_out', 2, 'max'),
    over('repay', 4, 'count'),
    over('repay', 4, 'sum'),
    over('institutions', LAST_OF_INSTITUTION, 'count'),
  ]
}

const VALUES = WINDOW_DAYS.flatMap(valuesOver)

/** Names of the 45 columns, in the order of the expected totals. */
export const COLUMN_NAMES: readonly string[] = VALUES.map(({ name }) => name)

/** Milliseconds of the windows, for other engines' frames. */
export const WINDOW_MS: readonly number[] = WINDOW_DAYS.map((days) => days * MS_PER_DAY)

export type W45Engine = {
  open(): WindowRows
  /** Takes one event of a borrower: the 45 values after it are in `slots`, NaN for the largest of none. */
  take(borrower: WindowRows, time: number, traits: number, amount: number, institution: number): void
  readonly slots: Float64Array
  /** Lets go of all borrowers. */
  clear(): void
}

export function traitsOfKind(kind: string): number {
  const traits = TRAITS_OF_KIND[kind]
  if (traits === undefined) throw new Error(`no kind ${kind}`)
  return traits
}

export function createW45Engine(): W45Engine {
  let store = createRowStore(2)
  const pass = compileRowPass(
    2,
    VALUES.map(({ aggregate }) => aggregate),
  )
  const slots = new Float64Array(VALUES.length)
  const values = new Float64Array(2)
  return {
    slots,
    open: () => store.open(),
    take(borrower, time, traits, amount, institution) {
      values[AMOUNT - 1] = amount
      values[INSTITUTION - 1] = institution
      if (traits === 0) store.insertLast(borrower, time, traits, values, INSTITUTION, LAST_OF_INSTITUTION)
      else store.insert(borrower, time, traits, values)
      pass(borrower, time, slots)
    },
    clear() {
      store = createRowStore(2)
    },
  }
}
