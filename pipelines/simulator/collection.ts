import { type Borrower, CONDITION } from './borrower.ts'
import { SOURCE_LOANS, timeAtWork } from './events.ts'
import { allocate, type Loan, newLoan, remainingPrincipal, STEP, scheduleText, setPaid } from './loans.ts'
import type { Item, Scene } from './scene.ts'

/** What the lender does about an overdue loan: another schedule for a few, write-off in the end. */

/** Parameters at each decision (every five days or so). */
const RESTRUCTURES = 0.012
const RESTRUCTURE_DPD_FIRST = 15
const RESTRUCTURE_DPD_LAST = 100
const HELPED_BY_IT = 0.55
const RATE_AFTER = 0.06
const EXCLUDED_DPD = 30
const EXCLUDED_DAYS = 540
const EXCLUDED_DAYS_WRITTEN_OFF = 1_100

/** The lender's move at a decision; true when it takes the place of the borrower's. */
export function collect(scene: Scene, borrower: Borrower, loan: Loan, dpd: number): boolean {
  const today = scene.day.number
  if (dpd >= EXCLUDED_DPD) borrower.excluded_until = Math.max(borrower.excluded_until, today + EXCLUDED_DAYS)
  if (dpd >= loan.write_off_dpd) {
    scene.agenda.plan(timeAtWork(borrower), writeOff, 0, loan.number)
    return true
  }
  if (dpd < RESTRUCTURE_DPD_FIRST || dpd > RESTRUCTURE_DPD_LAST || loan.restructured) return false
  // A single instalment left is not worth a schedule, and what is paid of it could be more than the new one asks for.
  if (loan.terms - loan.settled < 2) return false
  if (borrower.condition === CONDITION.defaulting || !borrower.random.chance(RESTRUCTURES)) return false
  scene.agenda.plan(timeAtWork(borrower), restructure, 0, loan.number)
  return true
}

function writeOff(scene: Scene, borrower: Borrower, item: Item): void {
  const { events } = scene
  const data =
    `"loan":"${events.loan(item.which)}","written_off_at":${events.instant(item.time)},` +
    `"reason":"${borrower.random.chance(0.06) ? 'sold' : 'uncollectible'}"`
  events.event(borrower, item.time, SOURCE_LOANS, 'loan.written_off', data)
  borrower.loans = borrower.loans.filter((loan) => loan.number !== item.which)
  borrower.excluded_until = scene.day.number + EXCLUDED_DAYS_WRITTEN_OFF
  borrower.next_loan_day = borrower.excluded_until
}

/** The instalments that are not settled are spread over more months; what was paid of them counts on. */
function restructure(scene: Scene, borrower: Borrower, item: Item): void {
  const loan = borrower.loans.find((one) => one.number === item.which)!
  const { events, day } = scene
  const random = borrower.random
  const paid = loan.paid_into
  const principal = remainingPrincipal(loan)
  const terms = loan.terms - loan.settled + random.whole(3, 12)
  const fresh = newLoan(
    loan.number,
    loan.product,
    principal,
    terms,
    day.number,
    loan.due_day_of_month,
    loan.write_off_dpd,
  )
  loan.principal = principal
  loan.terms = terms
  loan.first_due_month = fresh.first_due_month
  loan.annual_rate = RATE_AFTER
  loan.fee = 0
  loan.restructured = true
  setPaid(loan, 0, 0)
  if (paid > 0) {
    const parts = allocate(loan, paid)
    setPaid(loan, parts.settled, parts.paid_into)
  }
  loan.step = STEP.plan
  loan.action_day = loan.next_due - 5
  if (random.chance(HELPED_BY_IT)) borrower.condition = CONDITION.recovering
  events.event(
    borrower,
    item.time,
    SOURCE_LOANS,
    'loan.restructured',
    `"loan":"${events.loan(loan.number)}","effective_date":"${day.date}","kind":"extension",` +
      `"reason":"${random.chance(0.5) ? 'hardship' : 'income_loss'}","schedule":${scheduleText(loan)}`,
  )
}
