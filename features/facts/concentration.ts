import { TRAIT } from '../streams/transactions.ts'
import { MS_PER_DAY } from '../time.ts'
import { bitOf } from './bits.ts'
import { setAll } from './fill.ts'
import type { RunningFacts } from './long/running.ts'
import { PartySums } from './party-sums.ts'
import type { RowList } from './rows.ts'
import { type FactView, slotsOf } from './view.ts'

/** How money is spread: over payers, over merchants, over days. */

const NAMES = [
  'payer_hhi_90d',
  'merchant_hhi_90d',
  'merchant_top_share_90d',
  'net_flow_volatility_30d',
  'net_flow_volatility_90d',
] as const
const SLOT = slotsOf(NAMES)

const DAYS = 90
const SHORT_DAYS = 30
const sums = new PartySums()
/** Net flow by date, the oldest of the 90 first. */
const daily = new Float64Array(DAYS)

export const CONCENTRATION_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    if (view.running !== null) {
      deviations(computeRunning(view, view.running, out), out)
      return
    }
    sumReceipts(view)
    out[SLOT.payer_hhi_90d] = sums.concentration()
    sumByParty(view, view.cardRows, 0)
    out[SLOT.merchant_hhi_90d] = sums.concentration()
    out[SLOT.merchant_top_share_90d] = sums.topShare()
    deviations(fillDaily(view), out)
  },
}

/** The same of sums that are kept from one evaluation to the next; says whether plain sums of the flows are exact. */
function computeRunning(view: FactView, { receipts, cards, flows }: RunningFacts, out: Float64Array): boolean {
  const { rows, first, end, day } = view
  const oldest = day - DAYS + 1
  out[SLOT.payer_hhi_90d] = receipts.concentration()
  out[SLOT.merchant_top_share_90d] = cards.topShare()
  out[SLOT.merchant_hhi_90d] = cards.concentration()
  if (flows.read(oldest, daily) <= Number.MAX_SAFE_INTEGER) return true
  fillDailyExactly(rows, first, end, oldest)
  return false
}

function sumReceipts(view: FactView): void {
  const { receipts, rows, time } = view
  const after = time - DAYS * MS_PER_DAY
  let from = receipts.length
  while (from > 0 && (rows.times[receipts.rows[from - 1] as number] as number) > after) from--
  sumByParty(view, receipts, from)
}

/** Sums the rows of a list, from its position `from` on. */
function sumByParty({ rows }: FactView, list: RowList, from: number): void {
  const { amounts, parties } = rows
  sums.reset(list.length - from)
  for (let k = from; k < list.length; k++) {
    const i = list.rows[k] as number
    sums.add(parties[i] as number, amounts[i] as number)
  }
  if (!sums.isInexact) return
  const some = Array.from(list.rows.subarray(from, list.length))
  sums.sumExactly(
    some.map((i) => parties[i] as number),
    some.map((i) => amounts[i] as number),
  )
}

/** Fills `daily`; says whether plain sums of it are exact in any order. */
function fillDaily({ rows, first, end, day }: FactView): boolean {
  const { days, traits, amounts } = rows
  setAll(daily, 0)
  const oldest = day - DAYS + 1
  let moved = 0
  for (let i = end - 1; i >= first; i--) {
    const at = (days[i] as number) - oldest
    if (at < 0) break
    const trait = traits[i] as number
    const sign = bitOf(trait, TRAIT.IN) - bitOf(trait, TRAIT.OUT)
    const amount = (amounts[i] as number) * sign
    moved += Math.abs(amount)
    daily[at] = (daily[at] as number) + amount
  }
  if (moved <= Number.MAX_SAFE_INTEGER) return true
  fillDailyExactly(rows, first, end, oldest)
  return false
}

/** The same where doubles would not hold the sums: each date's is the double nearest to the exact one. */
function fillDailyExactly(
  { days, traits, amounts }: FactView['rows'],
  first: number,
  end: number,
  oldest: number,
): void {
  const exact = Array.from({ length: DAYS }, () => 0n)
  for (let i = first; i < end; i++) {
    const at = (days[i] as number) - oldest
    const trait = traits[i] as number
    if (at < 0 || (trait & MOVED) === 0) continue
    const amount = BigInt(amounts[i] as number)
    exact[at] = (exact[at] as bigint) + ((trait & TRAIT.IN) !== 0 ? amount : -amount)
  }
  exact.forEach((sum, at) => {
    daily[at] = Number(sum)
  })
}

const MOVED = TRAIT.IN | TRAIT.OUT

/** Population standard deviation of the last 30 dates and of all: squares are added by date, sums of dates three at once. */
function deviations(isExact: boolean, out: Float64Array): void {
  const from = DAYS - SHORT_DAYS
  let first = 0
  let second = 0
  let sum30 = 0
  for (let k = 0; k < SHORT_DAYS; k++) {
    first += daily[k] as number
    second += daily[k + SHORT_DAYS] as number
    sum30 += daily[k + from] as number
  }
  let sum90 = first + second + sum30
  if (!isExact) {
    sum90 = sumOf(0, DAYS)
    sum30 = sumOf(from, SHORT_DAYS)
  }
  const mean90 = sum90 / DAYS
  const mean30 = sum30 / SHORT_DAYS
  let squares90 = 0
  let squares30 = 0
  for (let k = 0; k < from; k++) {
    const distance = (daily[k] as number) - mean90
    squares90 += distance * distance
  }
  for (let k = from; k < DAYS; k++) {
    const distance90 = (daily[k] as number) - mean90
    const distance30 = (daily[k] as number) - mean30
    squares90 += distance90 * distance90
    squares30 += distance30 * distance30
  }
  out[SLOT.net_flow_volatility_30d] = Math.sqrt(squares30 / SHORT_DAYS)
  out[SLOT.net_flow_volatility_90d] = Math.sqrt(squares90 / DAYS)
}

function sumOf(from: number, count: number): number {
  let sum = 0
  for (let k = from; k < from + count; k++) sum += daily[k] as number
  return Math.abs(sum) > Number.MAX_SAFE_INTEGER ? exactSum(from, count) : sum
}

function exactSum(from: number, count: number): number {
  let sum = 0n
  for (let k = from; k < from + count; k++) sum += BigInt(daily[k] as number)
  return Number(sum)
}
