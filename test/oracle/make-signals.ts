import type { Draw } from './draw.ts'
import { AMOUNTS, type Book, clamp, date, envelope, maybe, type RawEvent } from './make.ts'
import { INDUSTRIES, REGIONS } from './make-loans.ts'

/** Random signals: of courts and guarantors, of collateral, statements and indices. */

const KINDS = [
  'litigation litigation enforcement enforcement guarantor_default guarantor_default collateral_valuation',
  'financial_statement industry_index region_index',
].flatMap((line) => line.split(' '))
const REFERENCES = ['flat', 'car', 'same-token']
const FIGURES = [0, 1, 2, 3, 7, 10, 100, 120_000, 123_456, 10_000_000_000_000]
/** The year between two statements, in days, and what is just not one. */
export const YEARS = [334, 334, 333, 365, 366]

/** One about the borrower; an index that names a borrower is one too, and tells nothing of the industry. */
export function signal(book: Book, time: number, draw: Draw, kind = draw.of(KINDS)): RawEvent {
  return envelope(book, 'signal.reported', time, draw, {
    kind,
    reported_at: clamp(time),
    ...maybe(draw, 0.6, () => ({ amount_minor: draw.of([...AMOUNTS, 0, -500, 10_000_000_000_000]) })),
    ...maybe(draw, 0.2, () => ({ value: 1.5 })),
    ...maybe(draw, 0.3, () => ({ reference: draw.of(REFERENCES) })),
  })
}

export function valuation(book: Book, time: number, draw: Draw, reference?: string): RawEvent {
  return envelope(book, 'signal.reported', time, draw, {
    kind: 'collateral_valuation',
    reported_at: clamp(time),
    ...maybe(draw, 0.95, () => ({ amount_minor: draw.of([...AMOUNTS, 0]) })),
    ...(reference === undefined ? maybe(draw, 0.8, () => ({ reference: draw.of(REFERENCES) })) : { reference }),
  })
}

/** A statement of the year that ended some days before `time`. */
export function statement(book: Book, time: number, draw: Draw, daysBefore: number): RawEvent {
  const figure = (name: string, values: readonly number[] = FIGURES) =>
    maybe(draw, 0.85, () => ({ [`${name}_minor`]: draw.of(values) }))
  const signed = [...FIGURES, -1, -5, -100_000]
  const figures = {
    period_end: date(book.calendar.dayOf(time) - daysBefore),
    ...figure('current_assets'),
    ...figure('current_liabilities'),
    ...figure('total_assets'),
    ...figure('total_liabilities'),
    ...figure('receivables'),
    ...figure('inventory'),
    ...figure('revenue'),
    ...figure('cost_of_sales'),
    ...figure('operating_profit', signed),
    ...figure('interest_expense'),
    ...figure('net_profit', signed),
  }
  return envelope(book, 'signal.reported', time, draw, {
    kind: draw.chance(0.95) ? 'financial_statement' : 'annual_report',
    reported_at: clamp(time),
    ...maybe(draw, 0.95, () => ({ statement: figures })),
  })
}

/** What an index is about; now and then a signal about nobody in particular is no index at all. */
export function aboutIndex(draw: Draw): { readonly kind: string; readonly reference: string } {
  return draw.of([
    { kind: 'industry_index', reference: draw.of(INDUSTRIES) },
    { kind: 'industry_index', reference: draw.of(INDUSTRIES) },
    { kind: 'region_index', reference: draw.of(REGIONS) },
    { kind: 'region_index', reference: draw.of(REGIONS) },
    { kind: 'litigation', reference: 'retail' },
  ])
}

/** A signal about nobody in particular. */
export function index(book: Book, time: number, draw: Draw, about: ReturnType<typeof aboutIndex>): RawEvent {
  const { subject: _, ...raw } = envelope(book, 'signal.reported', time, draw, {
    kind: about.kind,
    reported_at: clamp(time),
    ...maybe(draw, 0.95, () => ({ value: draw.of([100, 100, 95.5, 110.25, 0.1, 0, -3]) })),
    ...maybe(draw, 0.95, () => ({ reference: about.reference })),
  })
  return raw
}
