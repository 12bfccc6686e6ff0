import type { EventData } from '../events/contract.ts'
import { hash48 } from '../hash.ts'
import { RunStore } from '../state/runs.ts'
import { type Calendar, isWeekend, MS_PER_DAY } from '../time.ts'
import type { Segment } from '../window/segment.ts'
import { NIGHT_ENDS_HOUR } from './transactions.ts'

/** What a bureau query is, as bits. */
export const QUERY_TRAIT = {
  /** Counts as a search for credit, see `HARD_REASONS`; the first of an institution on a date only. */
  HARD: 1 << 0,
  NON_BANK: 1 << 1,
  MICROLOAN: 1 << 2,
  NIGHT: 1 << 3,
  BANK: 1 << 4,
  CONSUMER_FINANCE: 1 << 5,
  /** Microloan alone, where MICROLOAN takes online lenders in. */
  MICROLOAN_ONLY: 1 << 6,
  ONLINE: 1 << 7,
  WEEKEND: 1 << 8,
  DEBT_CONSOLIDATION: 1 << 9,
} as const

/** Columns of a query row: the axis is the instant of the query, not of its report. */
export const QUERY_F64 = { TIME: 0, INSTITUTION: 1 } as const
export const QUERY_U32 = { TRAITS: 0 } as const

/** Queries further back than this before the report count in no window. */
export const QUERY_RETENTION_DAYS = 366

/** Version of `HARD_REASONS`: another table is a new version of every feature that reads it. */
export const HARD_REASONS_VERSION = 1
/** Reasons that count as a search for credit: loan approval, card approval, guarantee review. */
export const HARD_REASONS: ReadonlySet<string> = new Set([
  'loan_approval',
  'card_approval',
  'guarantee_review',
  '贷款审批',
  '信用卡审批',
  '担保资格审查',
])

const MICROLOAN_TYPES = new Set(['microloan', 'online'])
const TRAIT_OF_TYPE: ReadonlyMap<string, number> = new Map([
  ['bank', QUERY_TRAIT.BANK],
  ['consumer_finance', QUERY_TRAIT.CONSUMER_FINANCE],
  ['microloan', QUERY_TRAIT.MICROLOAN_ONLY],
  ['online', QUERY_TRAIT.ONLINE],
  ['debt_consolidation', QUERY_TRAIT.DEBT_CONSOLIDATION],
])

/** At rest a row is four words: time ÷ 2^16; its low 16 bits and the high 16 of the institution; its low 32; traits. */
const STRIDE = 4
const CHUNK_SHIFT = 11
const CAPACITY_FIRST = 256
const TWO_POW_16 = 65_536
const TWO_POW_32 = 4_294_967_296
const NOBODY = -1

/** Plain columns of one borrower's queries, sorted by the instant of the query, ties in log order. */
export class QueryColumns implements Segment {
  chunk: { f64: Float64Array[]; u32: Uint32Array[] }
  start = 0
  length = 0
  capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
    this.chunk = {
      f64: [new Float64Array(capacity), new Float64Array(capacity)],
      u32: [new Uint32Array(capacity)],
    }
  }

  get times(): Float64Array {
    return this.chunk.f64[QUERY_F64.TIME] as Float64Array
  }
  get institutions(): Float64Array {
    return this.chunk.f64[QUERY_F64.INSTITUTION] as Float64Array
  }
  get traits(): Uint32Array {
    return this.chunk.u32[QUERY_U32.TRAITS] as Uint32Array
  }
}

/** Bureau queries of all borrowers of a partition, packed at rest and opened like transactions. */
export class QueryRows {
  readonly runs = new RunStore(CHUNK_SHIFT)
  #columns = new QueryColumns(CAPACITY_FIRST)
  #opened = NOBODY

  /** Rows of a borrower. */
  count(borrower: number): number {
    return this.runs.length(borrower) / STRIDE
  }

  /** A borrower's queries as plain columns, valid until another borrower's are opened. */
  open(borrower: number): QueryColumns {
    if (this.#opened !== borrower) this.#unpack(borrower)
    return this.#columns
  }

  /** Forgets what is unpacked, for whoever has written to the runs. */
  forget(): void {
    this.#opened = NOBODY
  }

  /** Adds a bureau query. `expired`: rows at or before it can be in no window any more. */
  insert(
    borrower: number,
    data: EventData<'bureau.queried'>,
    calendar: Calendar,
    ownInstitution: string | undefined,
    expired: number,
  ): void {
    this.open(borrower)
    this.#dropExpired(borrower, expired)
    this.#reserve(this.#columns.length + 1)
    const columns = this.#columns
    const institution = hash48(data.institution)
    const day = calendar.dayOf(data.queried_at)
    let traits = queryTraits(data, day, calendar)
    if (HARD_REASONS.has(data.reason) && data.institution !== ownInstitution) {
      if (!hasHardQuery(columns, institution, day, calendar)) traits |= QUERY_TRAIT.HARD
    }
    const end = columns.length
    let at = end
    while (at > 0 && (columns.times[at - 1] as number) > data.queried_at) at--
    for (const values of columns.chunk.f64) values.copyWithin(at + 1, at, end)
    for (const values of columns.chunk.u32) values.copyWithin(at + 1, at, end)
    columns.length++
    columns.times[at] = data.queried_at
    columns.institutions[at] = institution
    columns.traits[at] = traits
    this.#pack(borrower, at)
  }

  #dropExpired(borrower: number, expired: number): void {
    const columns = this.#columns
    let rows = 0
    while (rows < columns.length && (columns.times[rows] as number) <= expired) rows++
    if (rows === 0) return
    for (const values of columns.chunk.f64) values.copyWithin(0, rows, columns.length)
    for (const values of columns.chunk.u32) values.copyWithin(0, rows, columns.length)
    columns.length -= rows
    this.runs.drop(borrower, 0, rows * STRIDE)
  }

  #reserve(rows: number): void {
    if (rows <= this.#columns.capacity) return
    const larger = new QueryColumns(rows * 2)
    larger.length = this.#columns.length
    this.#columns.chunk.f64.forEach((values, k) => larger.chunk.f64[k]?.set(values))
    this.#columns.chunk.u32.forEach((values, k) => larger.chunk.u32[k]?.set(values))
    this.#columns = larger
  }

  #pack(borrower: number, fromRow: number): void {
    const { times, institutions, traits, length } = this.#columns
    this.runs.resize(borrower, length * STRIDE)
    const { words, at } = this.runs
    for (let i = fromRow, k = at + fromRow * STRIDE; i < length; i++, k += STRIDE) {
      const time = times[i] as number
      const institution = institutions[i] as number
      words[k] = Math.floor(time / TWO_POW_16)
      words[k + 1] = (time % TWO_POW_16) + Math.floor(institution / TWO_POW_32) * TWO_POW_16
      words[k + 2] = institution
      words[k + 3] = traits[i] as number
    }
  }

  #unpack(borrower: number): void {
    this.#opened = borrower
    const rows = this.runs.locate(borrower) / STRIDE
    this.#columns.length = 0
    this.#reserve(rows)
    this.#columns.length = rows
    const { times, institutions, traits } = this.#columns
    const { words, at } = this.runs
    for (let i = 0, k = at; i < rows; i++, k += STRIDE) {
      const low = words[k + 1] as number
      times[i] = (words[k] as number) * TWO_POW_16 + (low & 0xffff)
      institutions[i] = (low >>> 16) * TWO_POW_32 + (words[k + 2] as number)
      traits[i] = words[k + 3] as number
    }
  }
}

function queryTraits(data: EventData<'bureau.queried'>, day: number, calendar: Calendar): number {
  let traits = 0
  const type = data.institution_type
  if (type !== undefined) {
    if (type !== 'bank') traits |= QUERY_TRAIT.NON_BANK
    if (MICROLOAN_TYPES.has(type)) traits |= QUERY_TRAIT.MICROLOAN
    traits |= TRAIT_OF_TYPE.get(type) ?? 0
  }
  if (calendar.hourOf(data.queried_at) < NIGHT_ENDS_HOUR) traits |= QUERY_TRAIT.NIGHT
  if (isWeekend(day)) traits |= QUERY_TRAIT.WEEKEND
  return traits
}

/** Whether an institution's query of that date has been counted: one institution on one day counts once. */
function hasHardQuery(columns: QueryColumns, institution: number, day: number, calendar: Calendar): boolean {
  const { times, institutions, traits, length } = columns
  for (let i = length - 1; i >= 0; i--) {
    const time = times[i] as number
    // A local day is never longer than two days of UTC away from its own number.
    if (time < (day - 2) * MS_PER_DAY) return false
    const isHard = ((traits[i] as number) & QUERY_TRAIT.HARD) !== 0
    if (isHard && institutions[i] === institution && calendar.dayOf(time) === day) return true
  }
  return false
}
