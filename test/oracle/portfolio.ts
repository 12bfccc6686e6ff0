/** A random portfolio as month-end rows, and how it is drawn. What views must say of it is computed beside it, slowly. */
import fc from 'fast-check'

export type MonthRow = {
  readonly dpd: number
  /** Largest DPD up to here, between month ends too. */
  readonly worst: number
  readonly bucket: string
  readonly balance_minor: number | null
  readonly is_written_off: boolean
}

export type BookLoan = {
  readonly tenant: string
  /** Empty for own loans. */
  readonly dataset: string
  readonly loan: string
  readonly product: string
  readonly channel: string
  readonly principal_minor: number
  /** Months since the start of the book, like all months here. */
  readonly cohort: number
  readonly rows: ReadonlyMap<number, MonthRow>
  readonly end: 'open' | 'closed' | 'written_off'
  /** Month of closing or write-off. */
  readonly end_month: number | null
  /** Largest DPD ever. */
  readonly worst: number
  /** Balance when it was written off. */
  readonly lost_minor: number
  readonly taken_over: number | null
  readonly is_worst_known: boolean
}

export type Book = {
  readonly loans: readonly BookLoan[]
  /** By tenant: the last month whose end is closed for own loans, −1 before the first; rows may lie beyond it. */
  readonly closed: ReadonlyMap<string, number>
}

export const WRITTEN_OFF = 'written_off'
export const TENANTS = ['default', 'other'] as const
const LOWERS = [1, 31, 61, 91, 121, 151, 181]
const TAPE_LOWERS = [1, 30, 60, 90]

/** First day of a month of the book. */
export function monthDate(month: number): string {
  return new Date(Date.UTC(2023, month, 1)).toISOString().slice(0, 10)
}

export function bucketOf(dpd: number): string {
  if (dpd === 0) return 'current'
  const number = LOWERS.filter((lower) => dpd >= lower).length
  return number === LOWERS.length ? `M${number}+` : `M${number}`
}

/** Buckets of a tape that has two for loans that are not past due, by a coin. */
function tapeBucketOf(dpd: number, coin: boolean): string {
  if (dpd === 0) return coin ? 'C' : 'X'
  const number = TAPE_LOWERS.filter((lower) => dpd >= lower).length
  return ['', '1-29', '30-59', '60-89', '90+'][number] as string
}

/** Stage of a bucket: its rank among those past due, 0 for the others, 100 written off. */
export function stageOf(bucket: string): number {
  if (bucket === WRITTEN_OFF) return 100
  const own = /^M(\d+)\+?$/.exec(bucket)
  if (own !== null) return Number(own[1])
  return Math.max(0, ['1-29', '30-59', '60-89', '90+'].indexOf(bucket) + 1)
}

/** The last month that may be looked at: of own loans the last closed one, of a tape the last one it has. */
export function lastMonth(book: Book, tenant: string, dataset: string): number {
  if (dataset === '') return book.closed.get(tenant) ?? -1
  const seen = book.loans.filter((one) => one.tenant === tenant && one.dataset === dataset)
  return Math.max(-1, ...seen.flatMap((one) => [...one.rows.keys()]))
}

export const BOOK_MONTHS = 8

type Draft = {
  readonly tenant: string
  readonly dataset: string
  readonly product: string
  readonly channel: string
  readonly principal_minor: number
  readonly cohort: number
  readonly dpds: readonly number[]
  readonly balances: readonly number[]
  readonly coins: readonly boolean[]
  readonly length: number
  readonly end: BookLoan['end']
  readonly taken_over_after: number
  readonly is_worst_known: boolean
  readonly worse_between: number
}

const draft: fc.Arbitrary<Draft> = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  dataset: fc.constantFrom('', '', '', 'tape', 'bare'),
  product: fc.constantFrom('cash', 'card'),
  channel: fc.constantFrom('app', 'store'),
  principal_minor: fc.integer({ min: 1, max: 1000 }),
  cohort: fc.nat(BOOK_MONTHS - 1),
  dpds: fc.array(fc.constantFrom(0, 0, 0, 1, 12, 29, 30, 31, 60, 61, 90, 200), {
    minLength: BOOK_MONTHS,
    maxLength: BOOK_MONTHS,
  }),
  balances: fc.array(fc.nat(1000), { minLength: BOOK_MONTHS, maxLength: BOOK_MONTHS }),
  coins: fc.array(fc.boolean(), { minLength: BOOK_MONTHS, maxLength: BOOK_MONTHS }),
  length: fc.integer({ min: 1, max: BOOK_MONTHS }),
  end: fc.constantFrom('open', 'open', 'closed', 'written_off'),
  taken_over_after: fc.constantFrom(0, 0, 0, 0, 1, 2),
  is_worst_known: fc.boolean(),
  worse_between: fc.constantFrom(0, 0, 5, 40),
})

/** An own loan has a row at each month end until it is closed; a written-off one stays in that bucket. */
function ownLoan(one: Draft, loan: string): BookLoan {
  const months = BOOK_MONTHS - one.cohort
  const taken_over =
    one.taken_over_after > 0 && one.taken_over_after < months ? one.cohort + one.taken_over_after : null
  const first = taken_over ?? one.cohort
  const seen = one.end === 'open' ? BOOK_MONTHS - first : Math.min(one.length, BOOK_MONTHS - first)
  const rows = new Map<number, MonthRow>()
  let worst = 0
  let lost_minor = 0
  for (let k = 0; k < seen; k++) {
    const dpd = one.dpds[k] as number
    worst = Math.max(worst, dpd)
    const is_written_off = one.end === WRITTEN_OFF && k === seen - 1
    const balance_minor = one.balances[k] as number
    rows.set(first + k, {
      dpd,
      worst,
      bucket: is_written_off ? WRITTEN_OFF : bucketOf(dpd),
      balance_minor,
      is_written_off,
    })
    if (is_written_off) lost_minor = balance_minor
  }
  const last = rows.get(first + seen - 1) as MonthRow
  if (one.end === WRITTEN_OFF) for (let month = first + seen; month < BOOK_MONTHS; month++) rows.set(month, last)
  // A closed loan may have been worse after its last month end than at any.
  if (one.end === 'closed') worst = Math.max(worst, one.worse_between)
  const end_month = one.end === 'open' ? null : first + seen - (one.end === WRITTEN_OFF ? 1 : 0)
  const is_worst_known = taken_over === null || one.is_worst_known
  return { ...one, loan, rows, end_month, worst, lost_minor, taken_over, is_worst_known }
}

/** A tape has what it has: gaps, and in one of them no balances. */
function tapeLoan(one: Draft, loan: string): BookLoan {
  const rows = new Map<number, MonthRow>()
  let worst = 0
  for (let month = one.cohort; month < Math.min(BOOK_MONTHS, one.cohort + one.length); month++) {
    const k = month - one.cohort
    if (month > one.cohort && (one.balances[k] as number) % 5 === 0) continue
    const dpd = one.dpds[k] as number
    worst = Math.max(worst, dpd)
    const balance_minor = one.dataset === 'bare' ? null : (one.balances[k] as number)
    const bucket = tapeBucketOf(dpd, one.coins[k] as boolean)
    rows.set(month, { dpd, worst, bucket, balance_minor, is_written_off: false })
  }
  const none = { end: 'open', end_month: null, lost_minor: 0, taken_over: null, is_worst_known: true } as const
  return { ...one, loan, rows, worst, ...none }
}

/** Loans that every data set has, so that each bucket of a tape is seen and has its rank. */
function ladder(dataset: string): BookLoan[] {
  return TENANTS.flatMap((tenant) =>
    [0, 1, 30, 60, 90].map((dpd) => {
      const loan = `ladder-${dpd}`
      const common = { tenant, dataset, loan, product: 'cash', channel: 'app', principal_minor: 1, cohort: 0 }
      const row = { dpd, worst: dpd, bucket: tapeBucketOf(dpd, true), is_written_off: false }
      const rows = new Map([[0, { ...row, balance_minor: dataset === 'bare' ? null : 7 }]])
      const none = { end: 'open', end_month: null, lost_minor: 0, taken_over: null, is_worst_known: true } as const
      return { ...common, rows, worst: dpd, ...none }
    }),
  )
}

export const book: fc.Arbitrary<Book> = fc
  .record({
    drafts: fc.array(draft, { minLength: 30, maxLength: 90 }),
    closed: fc.tuple(...TENANTS.map(() => fc.constantFrom(BOOK_MONTHS - 1, BOOK_MONTHS - 1, BOOK_MONTHS - 2, -1))),
  })
  .map(({ drafts, closed }) => ({
    loans: [
      // The same names in every data set and tenant: they are different loans.
      ...drafts.map((one, i) => (one.dataset === '' ? ownLoan(one, `L${i % 40}-${i}`) : tapeLoan(one, `L${i}`))),
      ...ladder('tape'),
      ...ladder('bare'),
    ],
    closed: new Map(TENANTS.map((tenant, i) => [tenant, closed[i] as number])),
  }))
