import { COLUMN } from '../state/borrower-columns.ts'
import { sortFew } from './few-numbers.ts'
import { setAll } from './fill.ts'
import type { Payer, Payers } from './long/payers.ts'
import { PartySums } from './party-sums.ts'
import type { RowList } from './rows.ts'
import { type FactView, slotsOf } from './view.ts'

/** Regular income: a payer found from the data itself, and the salary against its own cadence. */

const NAMES = [
  'regular_payer_count',
  'regular_income_cadence_days',
  'days_since_regular_income',
  'regular_income_overdue',
  'regular_income_last_to_mean_3',
  'salary_overdue',
  'salary_last_to_mean_3',
] as const
const SLOT = slotsOf(NAMES)

/** Dates of receipts that are looked at, the latest ones. */
const DATES_MAX = 6
const DATES_MIN = 3
const CADENCE_DAYS_MIN = 5
const GAP_TOLERANCE_DAYS = 3
const GAP_TOLERANCE_SHARE = 1 / 4

const parties = new PartySums()
/** Of one payer: the dates of its latest receipts and what came on each, newest first. */
const dates = new Float64Array(DATES_MAX)
const amounts = new Float64Array(DATES_MAX)
const gaps = new Float64Array(DATES_MAX - 1)
/** Per position of a receipt from the end of the list: the payer's position, and the next older receipt of the payer. */
let payerOf = new Int32Array(1024)
let olderOf = new Int32Array(1024)
let newestOf = new Int32Array(1024)
let oldestOf = new Int32Array(1024)
let receiptsOf = new Int32Array(1024)
const NONE = -1

export const INCOME_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    regularIncome(view, out)
    const salaries = view.salaries.length === 0 ? 0 : datesOfList(view, view.salaries)
    const cadence = salaries >= DATES_MIN ? cadenceOf(salaries) : 0
    out[SLOT.salary_overdue] = cadence > 0 ? (view.day - (dates[0] as number)) / cadence : Number.NaN
    out[SLOT.salary_last_to_mean_3] = salaries > DATES_MIN ? lastToMean() : Number.NaN
  },
}

function regularIncome(view: FactView, out: Float64Array): void {
  setAll(out, Number.NaN, 0, SLOT.salary_overdue)
  const { borrower } = view
  if (view.rows.length === 0 && borrower.columns.get(borrower.index, COLUMN.TRANSACTIONS_SINCE) === Infinity) return
  if (view.running !== null) {
    runningIncome(view, view.running.payers, out)
    return
  }
  linkReceipts(view)
  let regular = 0
  let largest = Number.NEGATIVE_INFINITY
  // Payers stand in the order of their newest receipt, the newest first: of equal sums the first one found wins.
  for (let payer = 0; payer < parties.length; payer++) {
    if ((receiptsOf[payer] as number) < DATES_MIN) continue
    const count = datesOfPayer(view, payer)
    if (count < DATES_MIN) continue
    const cadence = cadenceOf(count)
    if (!isSteady(count, cadence)) continue
    regular++
    let sum = 0
    for (let k = 0; k < count; k++) sum += amounts[k] as number
    if (sum <= largest) continue
    largest = sum
    const since = view.day - (dates[0] as number)
    out[SLOT.regular_income_cadence_days] = cadence
    out[SLOT.days_since_regular_income] = since
    out[SLOT.regular_income_overdue] = since / cadence
    out[SLOT.regular_income_last_to_mean_3] = count > DATES_MIN ? lastToMean() : Number.NaN
  }
  out[SLOT.regular_payer_count] = regular
}

/** The same of payers who are kept from one evaluation to the next. */
function runningIncome(view: FactView, payers: Payers, out: Float64Array): void {
  const regular = payers.regular(judge)
  let largest: Payer | null = null
  for (const payer of regular) {
    if (largest !== null && (payer.sum < largest.sum || (payer.sum === largest.sum && largest.isNewerThan(payer))))
      continue
    largest = payer
  }
  out[SLOT.regular_payer_count] = regular.size
  if (largest === null) return
  const since = view.day - (largest.days[largest.days.length - 1] as number)
  out[SLOT.regular_income_cadence_days] = largest.cadence_days
  out[SLOT.days_since_regular_income] = since
  out[SLOT.regular_income_overdue] = since / largest.cadence_days
  out[SLOT.regular_income_last_to_mean_3] = largest.last_to_mean
}

/** Finds out whether a payer is regular, and what it pays. */
function judge(payer: Payer): void {
  let found = 0
  for (let k = payer.days.length - 1; k >= 0 && found <= DATES_MAX; k--)
    found = addToDates(payer.days[k] as number, payer.amounts[k] as number, found)
  const count = Math.min(found, DATES_MAX)
  if (count < DATES_MIN) return
  const cadence = cadenceOf(count)
  if (!isSteady(count, cadence)) return
  payer.isRegular = true
  payer.cadence_days = cadence
  payer.sum = 0
  for (let k = 0; k < count; k++) payer.sum += amounts[k] as number
  payer.last_to_mean = count > DATES_MIN ? lastToMean() : Number.NaN
}

/** Chains the receipts of each payer, from the newest back. */
function linkReceipts({ receipts, rows }: FactView): void {
  if (receipts.length > payerOf.length) growLinks(receipts.length)
  parties.reset(receipts.length)
  for (let k = receipts.length - 1; k >= 0; k--) {
    const row = receipts.rows[k] as number
    const known = parties.length
    const payer = parties.add(rows.parties[row] as number, 0)
    payerOf[k] = payer
    olderOf[k] = NONE
    if (payer === known) {
      newestOf[payer] = k
      receiptsOf[payer] = 0
    } else olderOf[oldestOf[payer] as number] = k
    oldestOf[payer] = k
    receiptsOf[payer] = (receiptsOf[payer] as number) + 1
  }
}

function growLinks(length: number): void {
  const room = length * 2
  payerOf = new Int32Array(room)
  olderOf = new Int32Array(room)
  newestOf = new Int32Array(room)
  oldestOf = new Int32Array(room)
  receiptsOf = new Int32Array(room)
}

/** Fills `dates` and `amounts` with a payer's latest six dates; returns how many there are. */
function datesOfPayer(view: FactView, payer: number): number {
  let count = 0
  for (let k = newestOf[payer] as number; k !== NONE; k = olderOf[k] as number) {
    count = addDate(view, view.receipts.rows[k] as number, count)
    if (count > DATES_MAX) return DATES_MAX
  }
  return count
}

function datesOfList(view: FactView, list: RowList): number {
  let count = 0
  for (let k = list.length - 1; k >= 0; k--) {
    count = addDate(view, list.rows[k] as number, count)
    if (count > DATES_MAX) return DATES_MAX
  }
  return count
}

/** Adds an older receipt; returns the number of dates, one more than fit where it belongs to none of them. */
function addDate({ rows }: FactView, row: number, count: number): number {
  return addToDates(rows.days[row] as number, rows.amounts[row] as number, count)
}

function addToDates(date: number, amount: number, count: number): number {
  if (count > 0 && dates[count - 1] === date) {
    amounts[count - 1] = (amounts[count - 1] as number) + amount
    return count
  }
  if (count < DATES_MAX) {
    dates[count] = date
    amounts[count] = amount
  }
  return count + 1
}

/** Median of the gaps between `count` dates. */
function cadenceOf(count: number): number {
  for (let k = 0; k < count - 1; k++) gaps[k] = (dates[k] as number) - (dates[k + 1] as number)
  sortFew(gaps, count - 1)
  const half = (count - 1) >>> 1
  return (count - 1) % 2 === 1 ? (gaps[half] as number) : ((gaps[half - 1] as number) + (gaps[half] as number)) / 2
}

function isSteady(count: number, cadence: number): boolean {
  if (cadence < CADENCE_DAYS_MIN) return false
  const tolerance = Math.max(GAP_TOLERANCE_DAYS, cadence * GAP_TOLERANCE_SHARE)
  for (let k = 0; k < count - 1; k++) if (Math.abs((gaps[k] as number) - cadence) > tolerance) return false
  return true
}

/** What came last against the mean of the three dates before. */
function lastToMean(): number {
  return (amounts[0] as number) / (((amounts[1] as number) + (amounts[2] as number) + (amounts[3] as number)) / 3)
}
