import { QUERY_TRAIT } from '../streams/bureau.ts'
import { MS_PER_DAY } from '../time.ts'
import { setAll } from './fill.ts'
import { type FactView, slotsOf } from './view.ts'

/** Searches for credit elsewhere, one by one: days, gaps, and what came of them. */

const NAMES = [
  'bureau_time',
  'query_day_max_90d',
  'query_gap_min_365d',
  'query_gap_mean_365d',
  'unconverted_query_share_180d',
] as const
const SLOT = slotsOf(NAMES)

const DAY_MAX_DAYS = 90
const GAP_DAYS = 365
/** A query is given this long to lead to a loan; it is looked at for half a year. */
const CONVERSION_DAYS = 30
const CONVERSION_LOOKBACK_DAYS = 180

export const QUERY_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    setAll(out, Number.NaN)
    out[SLOT.bureau_time] = view.bureauTime
    if (view.queries.length === 0) return
    out[SLOT.query_day_max_90d] = dayMax(view)
    gaps(view, out)
    out[SLOT.unconverted_query_share_180d] = unconvertedShare(view)
  },
}

function dayMax({ queries, bureauTime, calendar }: FactView): number {
  const { times, traits, length } = queries
  const after = bureauTime - DAY_MAX_DAYS * MS_PER_DAY
  let most = 0
  let date = Number.NaN
  let count = 0
  for (let i = length - 1; i >= 0 && (times[i] as number) > after; i--) {
    if ((times[i] as number) > bureauTime || ((traits[i] as number) & QUERY_TRAIT.HARD) === 0) continue
    const day = calendar.dayOf(times[i] as number)
    count = day === date ? count + 1 : 1
    date = day
    if (count > most) most = count
  }
  return most
}

function gaps({ queries, bureauTime }: FactView, out: Float64Array): void {
  const { times, traits, length } = queries
  const after = bureauTime - GAP_DAYS * MS_PER_DAY
  let count = 0
  let newest = 0
  let later = 0
  let smallest = Number.POSITIVE_INFINITY
  for (let i = length - 1; i >= 0 && (times[i] as number) > after; i--) {
    const time = times[i] as number
    if (time > bureauTime || ((traits[i] as number) & QUERY_TRAIT.HARD) === 0) continue
    if (count === 0) newest = time
    else smallest = Math.min(smallest, later - time)
    later = time
    count++
  }
  if (count < 2) return
  out[SLOT.query_gap_min_365d] = smallest / MS_PER_DAY
  out[SLOT.query_gap_mean_365d] = (newest - later) / MS_PER_DAY / (count - 1)
}

function unconvertedShare(view: FactView): number {
  const { queries, time, bureauTime } = view
  const { times, traits, length } = queries
  const until = Math.min(bureauTime, time - CONVERSION_DAYS * MS_PER_DAY)
  const after = time - CONVERSION_LOOKBACK_DAYS * MS_PER_DAY
  let all = 0
  let unconverted = 0
  for (let i = length - 1; i >= 0 && (times[i] as number) > after; i--) {
    if ((times[i] as number) > until || ((traits[i] as number) & QUERY_TRAIT.HARD) === 0) continue
    all++
    if (!ledToLoan(view, times[i] as number)) unconverted++
  }
  return all === 0 ? Number.NaN : unconverted / all
}

function ledToLoan({ lenderReceipts, rows, loans }: FactView, queried: number): boolean {
  const until = queried + CONVERSION_DAYS * MS_PER_DAY
  for (let k = 0; k < lenderReceipts.length; k++) {
    const received = rows.times[lenderReceipts.rows[k] as number] as number
    if (received > queried && received <= until) return true
  }
  for (const loan of loans) if (loan.disbursed_at > queried && loan.disbursed_at <= until) return true
  return false
}
