import { type Borrower, CONDITION } from './borrower.ts'
import { SOURCE_COLLECTION, SOURCE_LOANS, timeAtWork } from './events.ts'
import { allocate, dpdOf, type Loan, newLoan, remainingPrincipal, STEP, scheduleText, setPaid } from './loans.ts'
import type { Item, Scene } from './scene.ts'

/**
 * What the lender does about an overdue loan: contacts, another schedule for a few, write-off in the end.
 * Rows of parameters run over the conditions stable, stretched, distressed, defaulting, recovering.
 */

/** Parameters at each decision (every five days or so). */
const RESTRUCTURES = 0.012
const RESTRUCTURE_DPD_FIRST = 15
const RESTRUCTURE_DPD_LAST = 100
const HELPED_BY_IT = 0.55
const RATE_AFTER = 0.06
/** An extension moves what is left by so many months; a rescheduling is longer and at a lower rate. */
const EXTENSION_MONTHS_MAX = 3
const EXTENDED_ONLY = 0.5
/** Days from the due date to the first contact, and from one to the next. */
const CONTACT_DAY_FIRST = 2
const CONTACT_DAY_LAST = 12
const CONTACT_AGAIN_DAYS_MIN = 3
const CONTACT_AGAIN_DAYS_MAX = 9
const MESSAGES_DPD_MAX = 4
const VISITS_DPD = 45
const VISITS = 0.15
const ANSWERS: readonly number[] = [0.8, 0.65, 0.5, 0.3, 0.65]
const PROMISES: readonly number[] = [0.85, 0.75, 0.55, 0.25, 0.75]
/** A promise brings a payment planned for later forward this often. */
const KEEPS_PROMISE: readonly number[] = [0.35, 0.2, 0.1, 0.02, 0.2]
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
  const longer = borrower.random.whole(1, EXTENSION_MONTHS_MAX)
  if (borrower.random.chance(EXTENDED_ONLY)) scene.agenda.plan(timeAtWork(borrower), restructure, longer, loan.number)
  else scene.agenda.plan(timeAtWork(borrower), restructure, longer + EXTENSION_MONTHS_MAX, loan.number)
  return true
}

/** Gives somebody who asks before the due date more time; false where the loan is not one to extend. */
export function extend(scene: Scene, borrower: Borrower, loan: Loan): boolean {
  if (loan.restructured || loan.terms - loan.settled < 2) return false
  const longer = borrower.random.whole(1, EXTENSION_MONTHS_MAX)
  scene.agenda.plan(timeAtWork(borrower), restructure, longer, loan.number)
  // The new schedule plans anew; until it stands nothing else is to be decided.
  loan.action_day = scene.day.number + 1
  return true
}

/** Plans today's contact about an overdue loan, if there is to be one. */
export function getInTouch(scene: Scene, borrower: Borrower, loan: Loan): void {
  const random = borrower.random
  if (loan.contact_day <= loan.next_due) {
    loan.contact_day = loan.next_due + random.whole(CONTACT_DAY_FIRST, CONTACT_DAY_LAST)
  }
  if (scene.day.number < loan.contact_day) return
  loan.contact_day = scene.day.number + random.whole(CONTACT_AGAIN_DAYS_MIN, CONTACT_AGAIN_DAYS_MAX)
  scene.agenda.plan(timeAtWork(borrower), contact, 0, loan.number)
}

function contact(scene: Scene, borrower: Borrower, item: Item): void {
  const { events, day } = scene
  const random = borrower.random
  const loan = borrower.loans.find((one) => one.number === item.which)
  const dpd = loan === undefined ? 0 : dpdOf(loan, day.number)
  // Paid or written off earlier today.
  if (loan === undefined || dpd === 0) return
  const channel = dpd <= MESSAGES_DPD_MAX ? 'message' : dpd >= VISITS_DPD && random.chance(VISITS) ? 'visit' : 'call'
  let result = 'no_answer'
  if (random.chance(ANSWERS[borrower.condition]!)) {
    result = random.chance(PROMISES[borrower.condition]!) ? 'promised' : 'refused'
  }
  if (result === 'promised' && loan.step === STEP.pay && random.chance(KEEPS_PROMISE[borrower.condition]!)) {
    loan.action_day = Math.min(loan.action_day, day.number + random.whole(1, 3))
  }
  events.event(
    borrower,
    item.time,
    SOURCE_COLLECTION,
    'contact.recorded',
    `"loan":"${events.loan(loan.number)}","channel":"${channel}","result":"${result}",` +
      `"contacted_at":${events.instant(item.time)}`,
  )
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

/**
 * The instalments that are not settled are spread over `amount` more months, at the same rate for an extension; what was
 * paid of them counts on.
 */
function restructure(scene: Scene, borrower: Borrower, item: Item): void {
  const loan = borrower.loans.find((one) => one.number === item.which)!
  const { events, day } = scene
  const random = borrower.random
  const paid = loan.paid_into
  const principal = remainingPrincipal(loan)
  const terms = loan.terms - loan.settled + item.amount
  const extension = item.amount <= EXTENSION_MONTHS_MAX
  const fresh = newLoan(
    loan.number,
    loan.product,
    principal,
    terms,
    day.number,
    loan.due_day_of_month,
    loan.write_off_dpd,
    loan.guarantor,
  )
  loan.principal = principal
  loan.terms = terms
  loan.first_due_month = fresh.first_due_month
  if (!extension) loan.annual_rate = RATE_AFTER
  loan.fee = 0
  loan.restructured = true
  setPaid(loan, 0, 0)
  if (paid > 0) {
    const parts = allocate(loan, paid)
    setPaid(loan, parts.settled, parts.paid_into)
  }
  loan.step = STEP.plan
  loan.action_day = loan.next_due - 5
  if (borrower.condition !== CONDITION.stable && random.chance(HELPED_BY_IT)) borrower.condition = CONDITION.recovering
  events.event(
    borrower,
    item.time,
    SOURCE_LOANS,
    'loan.restructured',
    `"loan":"${events.loan(loan.number)}","effective_date":"${day.date}","kind":"${extension ? 'extension' : 'rescheduling'}",` +
      `"reason":"${random.chance(0.5) ? 'hardship' : 'income_loss'}","schedule":${scheduleText(loan)}`,
  )
}
