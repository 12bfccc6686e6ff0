/** What a loan's money is: its parts, and the ways in which each of them changes. */
export const PARTS = ['principal', 'interest', 'fee', 'penalty'] as const
export type Part = (typeof PARTS)[number]

/**
 * closing = opening + disbursed + taken_over + accrued − allocated + reversed − waived − written_off + capitalised, for every
 * loan, business date and part. `capitalised` has a sign: it is what a restructuring made of the part.
 */
export const FLOWS = [
  'disbursed',
  'taken_over',
  'accrued',
  'allocated',
  'reversed',
  'waived',
  'written_off',
  'capitalised',
] as const

/** One running total for each part and flow, part by part. */
export type Totals = Float64Array
export const TOTALS_LENGTH = PARTS.length * FLOWS.length

export const PRINCIPAL = 0
export const INTEREST = FLOWS.length
export const FEE = 2 * FLOWS.length
export const PENALTY = 3 * FLOWS.length
/** To be added to a part's first place. */
export const DISBURSED = 0
export const TAKEN_OVER = 1
export const ACCRUED = 2
export const ALLOCATED = 3
export const REVERSED = 4
export const WAIVED = 5
export const WRITTEN_OFF = 6
export const CAPITALISED = 7
