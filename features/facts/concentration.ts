import { TRAIT } from '../streams/transactions.ts'
import { MS_PER_DAY } from '../time.ts'
import { PartySums } from './party-sums.ts'
import { type FactView, firstAfter, slotsOf } from './view.ts'

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
    sumReceipts(view)
    out[SLOT.payer_hhi_90d] = sums.concentration()
    sumCards(view)
    // The concentration sorts the sums, which the top share does not mind.
    out[SLOT.merchant_top_share_90d] = sums.topShare()
    out[SLOT.merchant_hhi_90d] = sums.concentration()
    fillDaily(view)
    out[SLOT.net_flow_volatility_30d] = deviation(DAYS - SHORT_DAYS, SHORT_DAYS)
    out[SLOT.net_flow_volatility_90d] = deviation(0, DAYS)
  },
}

function sumReceipts({ receipts, rows, time }: FactView): void {
  const { times, amounts, parties } = rows
  const after = time - DAYS * MS_PER_DAY
  sums.reset(receipts.length)
  for (let k = receipts.length - 1; k >= 0; k--) {
    const i = receipts.rows[k] as number
    if ((times[i] as number) <= after) return
    sums.add(parties[i] as number, amounts[i] as number)
  }
}

function sumCards({ cardRows, rows }: FactView): void {
  const { amounts, parties } = rows
  sums.reset(cardRows.length)
  for (let k = 0; k < cardRows.length; k++) {
    const i = cardRows.rows[k] as number
    sums.add(parties[i] as number, amounts[i] as number)
  }
}

function fillDaily(view: FactView): void {
  const { rows, calendar, day } = view
  const { times, traits, amounts } = rows
  daily.fill(0)
  const oldest = day - DAYS + 1
  // Dates are found row by row; a local date is never a day and a half of UTC away from its number.
  let i = firstAfter(times, view.first, view.end, (oldest - 2) * MS_PER_DAY)
  for (; i < view.end; i++) {
    const trait = traits[i] as number
    if ((trait & MOVED) === 0) continue
    const at = calendar.dayOf(times[i] as number) - oldest
    if (at < 0) continue
    const amount = amounts[i] as number
    daily[at] = (daily[at] as number) + ((trait & TRAIT.IN) !== 0 ? amount : -amount)
  }
}

const MOVED = TRAIT.IN | TRAIT.OUT

/** Population standard deviation of `count` days from `from` on. */
function deviation(from: number, count: number): number {
  let sum = 0
  for (let k = from; k < from + count; k++) sum += daily[k] as number
  const mean = sum / count
  let squares = 0
  for (let k = from; k < from + count; k++) {
    const distance = (daily[k] as number) - mean
    squares += distance * distance
  }
  return Math.sqrt(squares / count)
}
