import { TRAIT } from '../streams/transactions.ts'
import { MS_PER_DAY } from '../time.ts'
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
    if (view.running === null) {
      computeShares(view, out)
      fillDaily(view)
    } else computeRunning(view, view.running, out)
    out[SLOT.net_flow_volatility_30d] = deviation(DAYS - SHORT_DAYS, SHORT_DAYS)
    out[SLOT.net_flow_volatility_90d] = deviation(0, DAYS)
  },
}

function computeShares(view: FactView, out: Float64Array): void {
  sumReceipts(view)
  out[SLOT.payer_hhi_90d] = sums.concentration()
  sumByParty(view, view.cardRows, 0)
  // The concentration sorts the sums, which the top share does not mind.
  out[SLOT.merchant_top_share_90d] = sums.topShare()
  out[SLOT.merchant_hhi_90d] = sums.concentration()
}

/** The same of sums that are kept from one evaluation to the next. */
function computeRunning(view: FactView, { receipts, cards, flows }: RunningFacts, out: Float64Array): void {
  const { rows, first, end, day } = view
  const oldest = day - DAYS + 1
  out[SLOT.payer_hhi_90d] = receipts.concentration()
  out[SLOT.merchant_top_share_90d] = cards.topShare()
  out[SLOT.merchant_hhi_90d] = cards.concentration()
  if (flows.read(oldest, daily) > Number.MAX_SAFE_INTEGER) fillDailyExactly(rows, first, end, oldest)
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

function fillDaily({ rows, first, end, day }: FactView): void {
  const { days, traits, amounts } = rows
  daily.fill(0)
  const oldest = day - DAYS + 1
  let moved = 0
  for (let i = end - 1; i >= first; i--) {
    const at = (days[i] as number) - oldest
    if (at < 0) break
    const trait = traits[i] as number
    if ((trait & MOVED) === 0) continue
    const amount = amounts[i] as number
    moved += amount
    daily[at] = (daily[at] as number) + ((trait & TRAIT.IN) !== 0 ? amount : -amount)
  }
  if (moved > Number.MAX_SAFE_INTEGER) fillDailyExactly(rows, first, end, oldest)
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

/** Population standard deviation of `count` days from `from` on. */
function deviation(from: number, count: number): number {
  let sum = 0
  for (let k = from; k < from + count; k++) sum += daily[k] as number
  if (Math.abs(sum) > Number.MAX_SAFE_INTEGER) sum = exactSum(from, count)
  const mean = sum / count
  let squares = 0
  for (let k = from; k < from + count; k++) {
    const distance = (daily[k] as number) - mean
    squares += distance * distance
  }
  return Math.sqrt(squares / count)
}

function exactSum(from: number, count: number): number {
  let sum = 0n
  for (let k = from; k < from + count; k++) sum += BigInt(daily[k] as number)
  return Number(sum)
}
