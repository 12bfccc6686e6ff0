import type { Borrower } from './borrower.ts'
import { SOURCE_LOANS } from './events.ts'
import { dpdOf, type Loan } from './loans.ts'
import { PRODUCTS } from './portfolio.ts'
import { mix32 } from './random.ts'
import type { Item, Scene } from './scene.ts'

/**
 * What the lender's officers do about running loans: a first check after the money went out, further ones about twice a
 * year and monthly while a loan is long overdue; and now and then a category that is worse than its days past due. Their
 * choices come from hashes, so that the borrowers' own dice fall as they do without them.
 */

const FIRST_DAYS = 7
const FIRST_DAYS_SELF_DIRECTED = 3
/** Of 100 first checks so many come late, by up to so many days. */
const LATE_OF_100 = 8
const LATE_DAYS_MAX = 20
const ROUTINE_DAYS = 175
const ROUTINE_DAYS_SPREAD = 15
const OVERDUE_DPD = 31
const OVERDUE_DAYS = 30
const MISSED_OF_100 = 15
const JUDGED_DPD = 40
const JUDGED_OF_100 = 12
const HOUR_MS = 3_600_000
const OFFICE_FROM_MS = 9 * HOUR_MS
const OFFICE_MS = 8 * HOUR_MS

/** Plans today's inspections of the borrower's loans. */
export function inspect(scene: Scene, borrower: Borrower): void {
  const today = scene.day.number
  for (const loan of borrower.loans) {
    const die = dieOf(scene, borrower, loan)
    const dpd = dpdOf(loan, today)
    const time = OFFICE_FROM_MS + (die(today) % OFFICE_MS)
    if (dpd === JUDGED_DPD && !loan.is_judged && die(1) % 100 < JUDGED_OF_100)
      scene.agenda.plan(time, judge, 1, loan.number)
    const isRoutine = isRoutineDay(loan, today, die)
    if (loan.is_judged && dpd === 0 && isRoutine) scene.agenda.plan(time, judge, 0, loan.number)
    const isOverdueCheck =
      dpd >= OVERDUE_DPD && (dpd - OVERDUE_DPD) % OVERDUE_DAYS === 0 && die(today) % 100 >= MISSED_OF_100
    if (isRoutine || isOverdueCheck || today === firstDay(loan, die)) scene.agenda.plan(time, check, dpd, loan.number)
  }
}

type Die = (salt: number) => number

/** The same numbers for the same loan and salt. */
function dieOf({ seed }: Scene, borrower: Borrower, loan: Loan): Die {
  const own = mix32(mix32(seed, borrower.index), loan.number)
  return (salt) => mix32(own, salt) >>> 0
}

function firstDay(loan: Loan, die: Die): number {
  const days = PRODUCTS[loan.product]!.paid_out ? FIRST_DAYS_SELF_DIRECTED : FIRST_DAYS
  const late = die(2) % 100 < LATE_OF_100 ? 1 + (die(3) % LATE_DAYS_MAX) : 0
  return loan.opened_day + (late > 0 ? days + late : 1 + (die(4) % days))
}

function isRoutineDay(loan: Loan, today: number, die: Die): boolean {
  const age = today - firstDay(loan, die)
  return age > 0 && age % (ROUTINE_DAYS + (die(5) % ROUTINE_DAYS_SPREAD)) === 0
}

function check(scene: Scene, borrower: Borrower, item: Item): void {
  const { events } = scene
  // Written off earlier today.
  if (!borrower.loans.some(({ number }) => number === item.which)) return
  const data =
    `"loan":"${events.loan(item.which)}","kind":"${item.amount > 0 ? 'visit' : 'call'}",` +
    `"result":"${item.amount > 0 ? 'attention' : 'nothing_found'}","inspected_at":${events.instant(item.time)}`
  events.event(borrower, item.time, SOURCE_LOANS, 'inspection.recorded', data)
}

/** `amount` is 1 for worse, 0 for all well again. */
function judge(scene: Scene, borrower: Borrower, item: Item): void {
  const { events } = scene
  const loan = borrower.loans.find(({ number }) => number === item.which)
  if (loan === undefined) return
  loan.is_judged = item.amount === 1
  const [category, reason] = loan.is_judged ? ['substandard', 'repayment_ability'] : ['pass', 'recovered']
  const data =
    `"loan":"${events.loan(item.which)}","category":"${category}","reason":"${reason}",` +
    `"classified_at":${events.instant(item.time)}`
  events.event(borrower, item.time, SOURCE_LOANS, 'loan.classified', data)
}
