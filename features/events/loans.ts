import { z } from 'zod'
import { paymentMode } from './classification.ts'
import {
  AMOUNT_MINOR_MAX,
  amountMinor,
  businessDate,
  currency,
  DATE_LAST,
  INSTALMENTS_MAX,
  instant,
  label,
  positiveAmountMinor,
  sortedObject,
  token,
} from './fields.ts'

/** The contract of loans and repayments: see `contract.ts`. */

const MS_PER_DAY = 86_400_000
/** No loan is past due for longer than there are dates. */
const DPD_MAX = 65_535

const instalment = sortedObject({
  due_date: businessDate,
  principal_minor: amountMinor,
  interest_minor: amountMinor.default(0),
  fee_minor: amountMinor.default(0),
})
export type Instalment = z.output<typeof instalment>

const schedule = z.array(instalment).min(1).max(INSTALMENTS_MAX)

/** How a loan is paid back: see `features/ledger/make-schedule.ts` for what each of them makes of its terms. */
export const REPAYMENT_METHODS = [
  'equal_instalment',
  'equal_principal',
  'interest_only',
  'bullet',
  'revolving',
] as const
export type RepaymentMethod = (typeof REPAYMENT_METHODS)[number]
/** How the days of a period make a share of the year's interest. */
export const DAY_COUNTS = ['30/360', 'actual/360', 'actual/365'] as const
export type DayCount = (typeof DAY_COUNTS)[number]

/** Terms from which a schedule is made where none is given. */
const scheduleTerms = {
  repayment_method: z.enum(REPAYMENT_METHODS).optional(),
  instalments: z.int().min(1).max(INSTALMENTS_MAX).optional(),
  first_due_date: businessDate.optional(),
  /** As a share: 0.072 is 7.2 % a year. */
  annual_rate: z.number().min(0).max(100).optional(),
  day_count: z.enum(DAY_COUNTS).optional(),
  /** Of a revolving loan: the share of what is owed that a minimum payment asks for, 0.1 where none is given. */
  minimum_share: z.number().min(0.001).max(1).optional(),
}

function checkSchedule(instalments: readonly Instalment[], notBeforeMs: number, fail: (message: string) => void): void {
  // That it must not be empty is said already, and zod goes on to this all the same.
  if (instalments.length === 0) return
  for (let i = 1; i < instalments.length; i++) {
    if (instalments[i - 1]!.due_date >= instalments[i]!.due_date) return fail('due dates must rise')
  }
  // The tenant's zone is not known here, so a day of tolerance on either side of UTC.
  if (Date.parse(instalments[0]!.due_date) < notBeforeMs - 2 * MS_PER_DAY) {
    fail('the first due date lies before the loan')
  }
}

function sumOf(instalments: readonly Instalment[], part: Exclude<keyof Instalment, 'due_date'>): number {
  return instalments.reduce((sum, one) => sum + one[part], 0)
}

/** Without a schedule all must be there that it is made from. */
function checkTerms(terms: Terms, disbursedAt: number, fail: (message: string) => void): void {
  const { repayment_method, instalments, first_due_date, annual_rate, day_count } = terms
  if (
    repayment_method === undefined ||
    instalments === undefined ||
    first_due_date === undefined ||
    annual_rate === undefined ||
    day_count === undefined
  ) {
    return fail('is missing, and so is one of repayment_method, instalments, first_due_date, annual_rate, day_count')
  }
  if (Date.parse(first_due_date) < disbursedAt - 2 * MS_PER_DAY) return fail('the first due date lies before the loan')
  const months = Number(DATE_LAST.slice(0, 4)) * 12 + Number(DATE_LAST.slice(5, 7))
  const first = Number(first_due_date.slice(0, 4)) * 12 + Number(first_due_date.slice(5, 7))
  if (first + instalments > months) return fail(`the last due date lies after ${DATE_LAST}`)
  // One period of at most 31 days more than there are instalments, and no compounding: so much interest at the most.
  const years = (Date.parse(first_due_date) - disbursedAt) / (360 * MS_PER_DAY) + ((instalments + 1) * 31) / 360
  if (terms.principal_minor * annual_rate * years > AMOUNT_MINOR_MAX) fail('would ask for more interest than fits')
}

type Terms = {
  readonly principal_minor: number
  readonly repayment_method?: string | undefined
  readonly instalments?: number | undefined
  readonly first_due_date?: string | undefined
  readonly annual_rate?: number | undefined
  readonly day_count?: string | undefined
}

export const loanDisbursed = sortedObject({
  loan: token,
  product: label.optional(),
  channel: label.optional(),
  region: label.optional(),
  currency,
  principal_minor: positiveAmountMinor,
  disbursed_at: instant,
  ...scheduleTerms,
  schedule: schedule.optional(),
  purpose: label.optional(),
  /** Industry of a business borrower, in the words that an `industry_index` signal refers to. */
  industry: label.optional(),
  collateral: label.optional(),
  guarantor: token.optional(),
  credit_limit_minor: amountMinor.optional(),
  payment_mode: paymentMode.optional(),
}).check((ctx) => {
  const { value } = ctx
  const fail = (message: string) => {
    ctx.issues.push({
      code: 'custom',
      message,
      path: ['schedule'],
      input: value.schedule,
    })
  }
  if (value.schedule === undefined) return checkTerms(value, value.disbursed_at, fail)
  checkSchedule(value.schedule, value.disbursed_at, fail)
  if (sumOf(value.schedule, 'principal_minor') !== value.principal_minor) {
    fail('the instalments do not sum to principal_minor')
  }
})

/**
 * A running loan that is taken over: where it stood at the end of business date `as_of`. `schedule` is what was still to be
 * paid; what `outstanding` has beyond it is one instalment in arrears since `oldest_unpaid_due_date`. Interest and fee
 * outstanding are those due by then. What lies before is not known.
 */
export const loanOpened = sortedObject({
  loan: token,
  product: label.optional(),
  channel: label.optional(),
  region: label.optional(),
  currency,
  /** As it was disbursed. */
  principal_minor: positiveAmountMinor,
  disbursed_at: instant,
  ...scheduleTerms,
  as_of: businessDate,
  outstanding: sortedObject({
    principal_minor: amountMinor,
    interest_minor: amountMinor.default(0),
    fee_minor: amountMinor.default(0),
    penalty_minor: amountMinor.default(0),
  }),
  schedule: schedule.optional(),
  oldest_unpaid_due_date: businessDate.optional(),
  /** Largest number of days past due before `as_of`, where it is known. */
  worst_dpd: z.int().min(0).max(DPD_MAX).optional(),
  purpose: label.optional(),
  industry: label.optional(),
  collateral: label.optional(),
  guarantor: token.optional(),
  credit_limit_minor: amountMinor.optional(),
}).check((ctx) => {
  const flaw = flawOfPosition(ctx.value)
  if (flaw !== undefined) {
    ctx.issues.push({ code: 'custom', message: flaw, path: ['outstanding'], input: ctx.value.outstanding })
  }
})

type Position = {
  readonly disbursed_at: number
  readonly as_of: string
  readonly outstanding: Omit<Instalment, 'due_date'> & { readonly penalty_minor: number }
  readonly schedule?: readonly Instalment[] | undefined
  readonly oldest_unpaid_due_date?: string | undefined
}

/** What is outstanding beyond the schedule: unpaid since the oldest unpaid due date. */
export function arrearsOf({ as_of, outstanding, schedule = [] }: Position): Omit<Instalment, 'due_date'> {
  const due = schedule.filter((one) => one.due_date <= as_of)
  return {
    principal_minor: outstanding.principal_minor - sumOf(schedule, 'principal_minor'),
    interest_minor: outstanding.interest_minor - sumOf(due, 'interest_minor'),
    fee_minor: outstanding.fee_minor - sumOf(due, 'fee_minor'),
  }
}

function flawOfPosition(position: Position): string | undefined {
  const { as_of, disbursed_at, schedule = [], oldest_unpaid_due_date: oldest } = position
  let flaw: string | undefined
  checkSchedule(schedule, disbursed_at, (message) => {
    flaw = message
  })
  if (flaw !== undefined) return flaw
  if (Date.parse(as_of) < disbursed_at - 2 * MS_PER_DAY) return 'as_of lies before the loan'
  const { principal_minor, interest_minor, fee_minor } = arrearsOf(position)
  if (principal_minor < 0) return 'the schedule asks for more principal than is outstanding'
  if (interest_minor < 0 || fee_minor < 0) return 'the schedule has more due by as_of than is outstanding'
  const first = schedule[0]?.due_date
  if (principal_minor + interest_minor + fee_minor === 0) {
    if (oldest === undefined || oldest === first) return undefined
    return 'nothing but the schedule is outstanding: oldest_unpaid_due_date is its first due date'
  }
  if (oldest === undefined) return 'more is outstanding than the schedule asks for: since which due date?'
  if (oldest > as_of) return 'oldest_unpaid_due_date lies after as_of'
  return first !== undefined && first <= oldest ? 'the schedule begins before oldest_unpaid_due_date' : undefined
}

/** A penalty or a fee that the schedule does not know. A fee is due on `due_date`, else on the day it was charged. */
export const loanCharged = sortedObject({
  loan: token,
  currency,
  kind: z.enum(['penalty', 'fee']),
  amount_minor: positiveAmountMinor,
  charged_at: instant,
  due_date: businessDate.optional(),
  reason: label.optional(),
})

/** So much of each part is given up, oldest first. */
export const loanWaived = sortedObject({
  loan: token,
  currency,
  principal_minor: amountMinor.default(0),
  interest_minor: amountMinor.default(0),
  fee_minor: amountMinor.default(0),
  penalty_minor: amountMinor.default(0),
  waived_at: instant,
  reason: label.optional(),
}).check((ctx) => {
  const { principal_minor, interest_minor, fee_minor, penalty_minor } = ctx.value
  if (principal_minor + interest_minor + fee_minor + penalty_minor > 0) return
  ctx.issues.push({ code: 'custom', message: 'nothing is waived', path: ['principal_minor'], input: principal_minor })
})

/**
 * A repayment holiday: what is due from `from_date` on and not paid is put off by so many whole months that nothing of it
 * is due by `until_date`.
 */
export const loanPaused = sortedObject({
  loan: token,
  from_date: businessDate,
  until_date: businessDate,
  reason: label.optional(),
}).check((ctx) => {
  const { from_date, until_date } = ctx.value
  if (until_date >= from_date) return
  ctx.issues.push({ code: 'custom', message: 'lies before from_date', path: ['until_date'], input: until_date })
})

/** Money drawn again on a line of credit; it is owed on the schedule's last due date until a bill asks for it. */
export const loanDrawn = sortedObject({
  loan: token,
  currency,
  amount_minor: positiveAmountMinor,
  drawn_at: instant,
})

/** A bill of a line of credit: the minimum payment. Its principal is taken from what is owed on the last due date. */
export const loanBilled = sortedObject({
  loan: token,
  currency,
  billed_at: instant,
  due_date: businessDate,
  principal_minor: amountMinor.default(0),
  interest_minor: amountMinor.default(0),
  fee_minor: amountMinor.default(0),
}).check((ctx) => {
  const { principal_minor, interest_minor, fee_minor, billed_at, due_date } = ctx.value
  const fail = (message: string) => {
    ctx.issues.push({ code: 'custom', message, path: ['due_date'], input: due_date })
  }
  if (principal_minor + interest_minor + fee_minor === 0) fail('the bill asks for nothing')
  if (Date.parse(due_date) < billed_at - 2 * MS_PER_DAY) fail('lies before the bill')
})

/**
 * From `effective_date` the instalments that are not fully paid are closed and `schedule` takes their place. Days past due
 * begin anew with it (`reset`, where nothing is said), or go on from the oldest unpaid due date until the first new
 * instalment is paid (`carried`).
 */
export const loanRestructured = sortedObject({
  loan: token,
  effective_date: businessDate,
  kind: label.optional(),
  reason: label.optional(),
  dpd: z.enum(['reset', 'carried']).optional(),
  schedule,
}).check((ctx) => {
  checkSchedule(ctx.value.schedule, Date.parse(ctx.value.effective_date), (message) => {
    ctx.issues.push({
      code: 'custom',
      message,
      path: ['schedule'],
      input: ctx.value.schedule,
    })
  })
})

export const loanWrittenOff = sortedObject({
  loan: token,
  written_off_at: instant,
  reason: label.optional(),
})

export const loanClosed = sortedObject({
  loan: token,
  closed_at: instant,
  reason: label.optional(),
})

const repaymentSplit = sortedObject({
  principal_minor: amountMinor.default(0),
  interest_minor: amountMinor.default(0),
  fee_minor: amountMinor.default(0),
  penalty_minor: amountMinor.default(0),
})
export type RepaymentSplit = z.output<typeof repaymentSplit>

export const repaymentReceived = sortedObject({
  loan: token,
  currency,
  amount_minor: positiveAmountMinor,
  split: repaymentSplit.optional(),
  paid_at: instant,
  account: token.optional(),
  payer: token.optional(),
  channel: label.optional(),
}).check((ctx) => {
  const { split, amount_minor } = ctx.value
  if (split === undefined) return
  const sum = split.principal_minor + split.interest_minor + split.fee_minor + split.penalty_minor
  if (sum !== amount_minor) {
    ctx.issues.push({
      code: 'custom',
      message: 'does not sum to amount_minor',
      path: ['split'],
      input: split,
    })
  }
})

export const repaymentReversed = sortedObject({
  loan: token,
  repayment: token,
  reason: label.optional(),
})
