import type { EventData } from '../events/contract.ts'
import type { Loan } from '../ledger/loan.ts'
import type { LoanDay } from '../ledger/loan-day.ts'
import type { Borrower } from '../state/borrower.ts'
import type { Tenant } from '../state/tenant.ts'
import { dayOfDate } from '../time.ts'
import { Assessment, type Restructuring } from './assessment.ts'
import { isCured, isObserved, isStillNonPerforming } from './payments.ts'
import { type LoanKind, NO_VERDICT, type Verdict } from './rules.ts'
import { ALL_BANKS_SHARE_MAX, CATEGORIES, DEBTOR_SHARE_MAX, PASS, SPECIAL_MENTION, SUBSTANDARD } from './tables.ts'

/**
 * The category of a loan at the end of a business date: the worst that any clause makes of it, and the first clause that
 * does. It follows from the ledger as of that date, from judgements and signals dated not after it, and from the debtor's
 * other loans; nothing is remembered from one date to the next.
 */

/** `loan.restructured` with this reason, of a loan that is nothing worse than pass, is no restructuring in the sense of article 17. */
const WITHOUT_DIFFICULTY = 'no_difficulty'

export function kindOf(tenant: Tenant, loan: Loan): LoanKind {
  return tenant.classification.kindOf(loan.names.textOf(loan.product))
}

/**
 * Adds its category to what is said of the end of business date `day`. The loan must be allocated as of that day, as the
 * books have it; `debtor` is null where no loan of the borrower is bound.
 */
export function classifyDay(borrower: Borrower, loan: Loan, day: number, debtor: Debtor | null, into: LoanDay): void {
  const verdict = classify(borrower, loan, day, into, debtor)
  into.category = CATEGORIES[verdict.category] ?? ''
  into.category_clause = verdict.clause
}

function classify(
  borrower: Borrower,
  loan: Loan,
  day: number,
  { status, dpd }: LoanDay,
  debtor: Debtor | null,
): Verdict {
  if (status === 'closed') return NO_VERDICT
  const kind = kindOf(borrower.tenant, loan)
  if (status === 'written_off') return kind.written_off
  const own = ownVerdict(borrower, loan, kind, day, dpd)
  return debtor === null || !kind.isBound ? own : debtor.bind(own, kind)
}

/** What the loan is by itself. */
function ownVerdict(borrower: Borrower, loan: Loan, kind: LoanKind, day: number, dpd: number): Verdict {
  const { tenant } = borrower
  let verdict = kind.overdue(dpd)
  if (verdict.category === SPECIAL_MENTION && isTechnical(borrower, loan, kind, day, dpd)) verdict = kind.technical
  const daysPastDue = (raw: number) => tenant.daysPastDue(raw)
  if (!kind.isRetail && dpd === 0 && isStillNonPerforming(loan, day, kind.substandardAbove, daysPastDue)) {
    verdict = worse(verdict, kind.cured)
  }
  const { assessment } = loan
  if (assessment === null) return verdict
  const restructuring = assessment.restructuringAt(day)
  if (restructuring !== undefined && isObserved(loan, restructuring, day, daysPastDue)) {
    const isHeld = restructuring.floor >= SUBSTANDARD && !isCured(loan, restructuring.day, day, daysPastDue)
    const floor = isHeld ? restructuring.floor : SPECIAL_MENTION
    verdict = worse(verdict, kind.restructured(floor, isHeld && restructuring.is_again))
  }
  const judgement = assessment.judgementAt(day)
  if (judgement === undefined || judgement.category <= verdict.category) return verdict
  return kind.judgement(judgement.category, loan.names.textOf(judgement.reason))
}

function worse(verdict: Verdict, other: Verdict): Verdict {
  return other.category > verdict.category ? other : verdict
}

/** An overdue of few days by a technical cause: it was reported while it lasted, or the tenant has chosen to assume so. */
function isTechnical(borrower: Borrower, loan: Loan, kind: LoanKind, day: number, dpd: number): boolean {
  const { classification, calendar } = borrower.tenant
  if (!kind.exemptsTechnical || dpd > classification.technicalDays) return false
  if (classification.assumesTechnical) return true
  const due = day - loan.rawDaysPastDue(day)
  const reported = borrower.reports?.technical_overdue ?? []
  return reported.some((one) => {
    const reportDay = calendar.dayOf(one.time)
    return reportDay >= due && reportDay <= day && loan.isOf(one.loan)
  })
}

/** What a borrower's loans and its debts elsewhere come to at the end of a day, for those that are bound by them. */
export class Debtor {
  /** Unpaid principal of open loans, all and non-performing, minor units. */
  #claims = 0
  #nonPerforming = 0
  #isAnyNonPerforming = false
  /** Share of the debts at all banks that is over 90 days overdue, NaN where nobody told. */
  readonly #shareElsewhere: number

  constructor(borrower: Borrower, day: number) {
    const { calendar } = borrower.tenant
    const reports = borrower.reports?.debts_overdue ?? []
    this.#shareElsewhere = reports.findLast((one) => calendar.dayOf(one.time) <= day)?.value ?? Number.NaN
  }

  /** Counts an open loan that is allocated as of the day. */
  add(borrower: Borrower, loan: Loan, day: number): void {
    const { tenant } = borrower
    const dpd = tenant.daysPastDue(loan.rawDaysPastDue(day))
    const { category } = ownVerdict(borrower, loan, kindOf(tenant, loan), day, dpd)
    const claim = loan.outstandingPrincipal()
    this.#claims += claim
    if (category < SUBSTANDARD) return
    this.#nonPerforming += claim
    this.#isAnyNonPerforming = true
  }

  /** A bound loan's verdict with what the debtor's other debts make of it: articles 7, 10(4) and 11(4). */
  bind(own: Verdict, kind: LoanKind): Verdict {
    let verdict = own
    if (this.#nonPerforming * DEBTOR_SHARE_MAX.of > this.#claims * DEBTOR_SHARE_MAX.parts)
      verdict = worse(verdict, kind.debtor)
    if (this.#shareElsewhere > ALL_BANKS_SHARE_MAX) verdict = worse(verdict, kind.all_banks)
    if (this.#isAnyNonPerforming || this.#shareElsewhere > 0) verdict = worse(verdict, kind.contagion)
    if (Number.isNaN(this.#shareElsewhere) && verdict.category < SUBSTANDARD) return kind.inconclusive(verdict)
    return verdict
  }
}

/**
 * What the borrower's open loans come to at the end of `day`, null where none of them is bound by that. They must be allocated
 * as of the business date of the borrower's time, unless `isElsewhere`, and are left so.
 */
export function debtorAt(borrower: Borrower, day: number, isElsewhere = false): Debtor | null {
  const { tenant } = borrower
  if (!tenant.classification.mayBeBound) return null
  const { loans } = borrower
  const open = loans.filter((loan) => loan.start_day <= day && loan.statusAsOf(day) === 'open')
  if (!open.some((loan) => kindOf(tenant, loan).isBound)) return null
  const debtor = new Debtor(borrower, day)
  for (const loan of open) {
    const isAway = isElsewhere || isAsOfAnotherDay(borrower, loan, day)
    if (isAway) loan.reallocate(day, true)
    debtor.add(borrower, loan, day)
    if (isAway) loan.reallocate(borrower.day)
  }
  return debtor
}

/** Whether the books as of the end of `day` may be others than the allocation as of the borrower's time. */
function isAsOfAnotherDay(borrower: Borrower, loan: Loan, day: number): boolean {
  if (loan.hasBooksOfItsOwn(day)) return true
  return borrower.day > day ? loan.hasPaymentAfter(day) : borrower.day < day && loan.future_day <= day
}

/** Takes note of a judgement. */
export function noteJudgement(loan: Loan, data: EventData<'loan.classified'>, day: number): void {
  loan.assessment ??= new Assessment()
  const category = CATEGORIES.indexOf(data.category)
  loan.assessment.judge({ day, category, reason: loan.names.numberOf(data.reason) })
}

/** Takes note of a new schedule, before it is in force; `day` is the business date of its place. */
export function noteRestructuring(
  borrower: Borrower,
  loan: Loan,
  { schedule, effective_date, reason }: EventData<'loan.restructured'>,
  day: number,
): void {
  const { tenant } = borrower
  const dpd = tenant.daysPastDue(loan.rawDaysPastDue(day))
  const { category } = ownVerdict(borrower, loan, kindOf(tenant, loan), day, dpd)
  if (reason === WITHOUT_DIFFICULTY && category === PASS) return
  const before = loan.assessment?.restructurings.at(-1)
  const is_again = before !== undefined && isObserved(loan, before, day, (raw) => tenant.daysPastDue(raw))
  const noted: Restructuring = {
    day: dayOfDate(effective_date),
    first_due_day: dayOfDate(schedule[0]?.due_date ?? effective_date),
    floor: is_again ? Math.max(category, SUBSTANDARD) : category,
    is_again,
  }
  loan.assessment ??= new Assessment()
  loan.assessment.restructurings.push(noted)
}

/** Whether the category may change at the end of a coming day though no event comes and nothing falls past due. */
export function isCategoryMoving(borrower: Borrower, loan: Loan, day: number): boolean {
  const { tenant } = borrower
  const daysPastDue = (raw: number) => tenant.daysPastDue(raw)
  const kind = kindOf(tenant, loan)
  if (!kind.isRetail && isStillNonPerforming(loan, day, kind.substandardAbove, daysPastDue)) return true
  const reports = borrower.reports?.debts_overdue ?? []
  if (kind.isBound && reports.some((one) => tenant.calendar.dayOf(one.time) > day)) return true
  const { assessment } = loan
  if (assessment === null) return false
  if (assessment.judgements.some((one) => one.day > day)) return true
  const last = assessment.restructurings.at(-1)
  return last !== undefined && (last.day > day || isObserved(loan, last, day, daysPastDue))
}
