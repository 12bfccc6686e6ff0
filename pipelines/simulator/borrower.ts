import type { Loan } from './loans.ts'
import { FEN_PER_YUAN } from './money.ts'
import { INDUSTRIES, REGION_SHARES, REGIONS } from './portfolio.ts'
import { cumulate, Random } from './random.ts'

/** Hidden condition of a borrower. Nothing of it stands in any event. */
export const CONDITION = { stable: 0, stretched: 1, distressed: 2, defaulting: 3, recovering: 4 } as const

export const LIVELIHOOD = { salaried: 0, gig: 1, self_employed: 2, pensioner: 3 } as const

/** What a healthy borrower does for a while that looks like trouble. */
export const ODDITY = {
  none: 0,
  late_pay: 1,
  holiday: 2,
  moving: 3,
  refinance: 4,
  nights: 5,
  family: 6,
  wedding: 7,
  job_change: 8,
} as const

/** No day ever: later than any that is simulated. */
export const NEVER = 0x3fff_ffff

/** Everything that is kept of a borrower: plain numbers, so that a million of them fit into memory. */
export type Borrower = {
  readonly index: number
  readonly random: Random
  /** Events so far; numbers the event ids. */
  events: number

  // Traits.
  readonly region: number
  readonly industry: number
  /** Runs a business: its industry stands on the loans. */
  readonly business: boolean
  /** Months between two financial statements: 6, 12, or 0 for none. */
  readonly statement_months: number
  readonly livelihood: number
  /** The borrower's own multiplier of the hazard of trouble. */
  readonly quality: number
  /** `quality` times that of the last loan: circumstances then, cohort, product and channel. */
  risk: number
  /** How often things are bought, 1 on average; what one costs falls accordingly. */
  readonly activity: number
  readonly forgetful: boolean
  readonly autopay: boolean
  /** Shares of purchases by night and of round amounts that are this person's habit. */
  readonly night_habit: number
  readonly trader: boolean
  readonly gambler: boolean
  readonly has_card: boolean
  readonly monthly_day: number

  // Hidden condition.
  condition: number
  condition_since: number
  /** How far this episode of trouble shows in what the borrower does, 0 to 1. */
  loudness: number
  /** `loudness` times how bad it is: 0 for the stable. */
  strain: number
  spiralling: boolean
  oddity: number
  oddity_until: number

  // Income, in fen a month.
  income: number
  employer: number
  readonly payday: number
  readonly bonus_incomes: number
  employed_from: number
  pay_share: number
  late_pay_day: number

  // Account and bills, in fen.
  balance: number
  readonly overdraft: number
  /** Spent on the credit card and not paid back yet. */
  card_owed: number
  readonly rent: number
  readonly utilities: number
  readonly insurance: number
  readonly mortgage: number
  readonly mortgage_lender: number
  readonly saving: number
  /** What is left to live on in a month, as the borrower sees it now. */
  budget: number
  other_payment: number
  other_months: number
  other_lender: number

  // Loans of the own lender.
  loans: Loan[]
  loan_count: number
  next_loan_day: number
  /** Until then the lender grants nothing: somebody was 30 days past due or written off. */
  excluded_until: number
  last_litigation_day: number

  // Bureau: day of the monthly report, and what others asked since (triples: ms, lender, reason).
  readonly report_day: number
  queries: number[] | null
  // Transactions to come (triples: day, kind, fen).
  coming: number[] | null
}

/** How the portfolio fills: share of borrowers whose first loan is granted within so many days. */
const FIRST_LOAN_WAVES = cumulate([0.45, 0.35, 0.2])
const FIRST_LOAN_DAYS: readonly (readonly [number, number])[] = [
  [3, 100],
  [100, 365],
  [365, 730],
]
const LIVELIHOOD_SHARES = cumulate([0.68, 0.13, 0.13, 0.06])
const PAYDAYS = [5, 8, 10, 10, 15, 15, 20, 25, 28]

/** A new borrower of a portfolio that starts on a day. Depends on (seed, index, start) alone. */
export function createBorrower(seed: number, index: number, startDay: number): Borrower {
  const random = new Random(seed, index)
  const region = random.pick(REGION_SHARES)
  const livelihood = random.pick(LIVELIHOOD_SHARES)
  const income = Math.round(7_000 * FEN_PER_YUAN * REGIONS[region]!.income * random.logNormal(0.4))
  const quality = random.logNormal(0.4)
  const business = livelihood === LIVELIHOOD.self_employed && random.chance(0.85)
  const wave = FIRST_LOAN_DAYS[random.pick(FIRST_LOAN_WAVES)]!
  const firstLoanDay = startDay + random.whole(wave[0], wave[1])
  const borrower: Borrower = {
    index,
    random,
    events: 0,
    region,
    industry: random.below(INDUSTRIES.length),
    business,
    statement_months: business && random.chance(0.8) ? (random.chance(0.5) ? 6 : 12) : 0,
    livelihood,
    quality,
    risk: quality,
    activity: 0.55 + 0.9 * random.uniform(),
    forgetful: random.chance(0.13),
    autopay: random.chance(0.62),
    night_habit: random.chance(0.12) ? random.between(0.1, 0.35) : random.between(0, 0.03),
    trader: livelihood === LIVELIHOOD.self_employed && random.chance(0.6),
    gambler: random.chance(0.05),
    has_card: random.chance(0.4),
    monthly_day: random.whole(1, 28),
    condition: CONDITION.stable,
    condition_since: startDay,
    loudness: 0,
    strain: 0,
    spiralling: false,
    oddity: ODDITY.none,
    oddity_until: 0,
    income,
    employer: random.below(4000),
    payday: PAYDAYS[random.below(PAYDAYS.length)]!,
    bonus_incomes: random.chance(0.55) ? random.between(0.5, 2.2) : 0,
    employed_from: 0,
    pay_share: 1,
    late_pay_day: NEVER,
    balance: Math.round(income * random.between(0.25, 2.2)),
    overdraft: random.chance(0.2) ? Math.round((income * random.between(0.1, 0.4)) / 10_000) * 10_000 : 0,
    card_owed: 0,
    rent: random.chance(0.55) ? Math.round((income * random.between(0.12, 0.26)) / 10_000) * 10_000 : 0,
    utilities: random.whole(120, 420) * FEN_PER_YUAN,
    insurance: random.chance(0.3) ? random.whole(90, 480) * FEN_PER_YUAN : 0,
    mortgage: random.chance(0.22) ? Math.round(income * random.between(0.12, 0.26)) : 0,
    mortgage_lender: random.below(10),
    saving: random.chance(0.3) ? Math.round((income * random.between(0.03, 0.1)) / 10_000) * 10_000 : 0,
    budget: Math.round(income * 0.5),
    other_payment: 0,
    other_months: 0,
    other_lender: 0,
    loans: [],
    loan_count: 0,
    next_loan_day: firstLoanDay,
    excluded_until: 0,
    last_litigation_day: -NEVER,
    report_day: random.whole(1, 28),
    queries: null,
    coming: null,
  }
  if (random.chance(0.18)) {
    // Some bring a running loan of another lender along.
    borrower.other_payment = Math.round(income * random.between(0.05, 0.12))
    borrower.other_months = random.whole(3, 24)
    borrower.other_lender = random.below(18)
  }
  return borrower
}
