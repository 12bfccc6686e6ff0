import type { EventData } from '../events/contract.ts'
import { hash53 } from '../hash.ts'
import { type Segment, SegmentStore } from '../state/segments.ts'
import { type Calendar, MS_PER_DAY } from '../time.ts'
import { NIGHT_ENDS_HOUR } from './transactions.ts'

/** What a bureau query is, as bits. */
export const QUERY_TRAIT = {
  /** Counts as a search for credit, see `HARD_REASONS`; the first of an institution on a date only. */
  HARD: 1 << 0,
  NON_BANK: 1 << 1,
  MICROLOAN: 1 << 2,
  NIGHT: 1 << 3,
} as const

/** Columns of a query row: the axis is the instant of the query, not of its report. */
export const QUERY_F64 = { TIME: 0, INSTITUTION: 1 } as const
export const QUERY_U32 = { TRAITS: 0 } as const

/** Queries further back than this before the report count in no window. */
export const QUERY_RETENTION_DAYS = 366

/** Reasons that count as a search for credit, version 1: loan approval, card approval, guarantee review. */
export const HARD_REASONS: ReadonlySet<string> = new Set([
  'loan_approval',
  'card_approval',
  'guarantee_review',
  '贷款审批',
  '信用卡审批',
  '担保资格审查',
])

const MICROLOAN_TYPES = new Set(['microloan', 'online'])

export function createQueryStore(): SegmentStore {
  return new SegmentStore(2, 1)
}

/** Adds a bureau query to a borrower's rows. `expired`: rows at or before it can be in no window any more. */
export function insertQuery(
  store: SegmentStore,
  segment: Segment,
  data: EventData<'bureau.queried'>,
  calendar: Calendar,
  ownInstitution: string | undefined,
  expired: number,
): void {
  const institution = hash53(data.institution)
  let traits = 0
  if (HARD_REASONS.has(data.reason) && data.institution !== ownInstitution) {
    if (!hasHardQuery(segment, institution, calendar.dayOf(data.queried_at), calendar)) traits |= QUERY_TRAIT.HARD
  }
  const type = data.institution_type
  if (type !== undefined && type !== 'bank') traits |= QUERY_TRAIT.NON_BANK
  if (type !== undefined && MICROLOAN_TYPES.has(type)) traits |= QUERY_TRAIT.MICROLOAN
  if (calendar.hourOf(data.queried_at) < NIGHT_ENDS_HOUR) traits |= QUERY_TRAIT.NIGHT
  const at = store.insert(segment, data.queried_at, expired)
  const { f64, u32 } = segment.chunk as NonNullable<Segment['chunk']>
  ;(f64[QUERY_F64.INSTITUTION] as Float64Array)[at] = institution
  ;(u32[QUERY_U32.TRAITS] as Uint32Array)[at] = traits
}

/** Whether an institution's query of that date has been counted: one institution on one day counts once. */
function hasHardQuery(segment: Segment, institution: number, day: number, calendar: Calendar): boolean {
  if (segment.chunk === null) return false
  const times = segment.chunk.f64[QUERY_F64.TIME] as Float64Array
  const institutions = segment.chunk.f64[QUERY_F64.INSTITUTION] as Float64Array
  const traits = segment.chunk.u32[QUERY_U32.TRAITS] as Uint32Array
  for (let i = segment.start + segment.length - 1; i >= segment.start; i--) {
    const time = times[i] as number
    // A local day is never longer than two days of UTC away from its own number.
    if (time < (day - 2) * MS_PER_DAY) return false
    const isHard = ((traits[i] as number) & QUERY_TRAIT.HARD) !== 0
    if (isHard && institutions[i] === institution && calendar.dayOf(time) === day) return true
  }
  return false
}
