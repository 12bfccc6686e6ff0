import { type Borrower, LIVELIHOOD, NEVER, ODDITY } from './borrower.ts'
import { sixDigits, timeAtWork, timeAwake } from './events.ts'
import { FEN_PER_YUAN } from './money.ts'
import type { Item, Scene } from './scene.ts'

/** Salaries, pensions and takings; what the hidden condition changes is in `condition.ts`. */

const BENEFIT_DAY_OF_MONTH = 15
/** A self-employed borrower's takings come so often a day. */
const TAKINGS_PER_DAY = 0.13
const DAYS_PER_MONTH = 30.44
/** An employer who cut the pay of somebody in trouble pays late in so many months. */
const LATE_AFTER_CUT = 0.35

/** Plans the day's income. */
export function earn(scene: Scene, borrower: Borrower): void {
  const { day, agenda } = scene
  const random = borrower.random
  if (day.number >= borrower.late_pay_day && day.working) {
    borrower.late_pay_day = NEVER
    agenda.plan(timeAtWork(borrower), paySalary, payOf(borrower))
  }
  if (borrower.livelihood === LIVELIHOOD.self_employed) {
    if (random.uniform() < TAKINGS_PER_DAY) {
      const share = borrower.pay_share * random.logNormal(0.5)
      const amount = Math.round((borrower.income * share * 0.9) / (TAKINGS_PER_DAY * DAYS_PER_MONTH))
      if (amount >= FEN_PER_YUAN) agenda.plan(timeAwake(borrower), takings, amount, random.below(12))
    }
    return
  }
  if (!day.pays[borrower.payday]) {
    if (day.day_of_month === BENEFIT_DAY_OF_MONTH && day.number < borrower.employed_from) benefit(scene, borrower)
    return
  }
  if (borrower.livelihood === LIVELIHOOD.pensioner) {
    agenda.plan(timeAtWork(borrower), payPension, borrower.income)
    return
  }
  if (day.number < borrower.employed_from) return
  if (borrower.oddity === ODDITY.late_pay && random.chance(0.7)) {
    borrower.late_pay_day = day.number + random.whole(6, 18)
    return
  }
  if (borrower.pay_share < 0.86 && borrower.strain > 0 && random.chance(LATE_AFTER_CUT)) {
    borrower.late_pay_day = day.number + random.whole(4, 14)
    return
  }
  agenda.plan(timeAtWork(borrower), paySalary, payOf(borrower))
  // Now and then the bonus is gone without anything being wrong.
  if (day.bonus_season && borrower.bonus_incomes > 0 && borrower.oddity !== ODDITY.late_pay && random.chance(0.85)) {
    const amount = borrower.income * borrower.pay_share * borrower.bonus_incomes * random.between(0.6, 1.2)
    agenda.plan(timeAtWork(borrower), paySalary, Math.round(amount))
  }
}

function payOf(borrower: Borrower): number {
  const noise = borrower.livelihood === LIVELIHOOD.gig ? 0.22 : 0.025
  return Math.round(borrower.income * borrower.pay_share * borrower.random.logNormal(noise))
}

function benefit(scene: Scene, borrower: Borrower): void {
  // Who has not paid in long enough gets none; the same person always gets the same answer.
  if (borrower.employer % 5 < 2) scene.agenda.plan(timeAtWork(borrower), payBenefit, Math.round(borrower.income * 0.25))
}

function paySalary(scene: Scene, borrower: Borrower, item: Item): void {
  scene.events.credit(
    borrower,
    item.time,
    item.amount,
    `,"counterparty":"e-${borrower.employer}","counterparty_kind":"employer","channel":"transfer","category":"salary"`,
  )
}

function payPension(scene: Scene, borrower: Borrower, item: Item): void {
  const detail = `,"counterparty":"g-pension","counterparty_kind":"government","channel":"transfer","category":"pension"`
  scene.events.credit(borrower, item.time, item.amount, detail)
}

function payBenefit(scene: Scene, borrower: Borrower, item: Item): void {
  const detail = `,"counterparty":"g-employment","counterparty_kind":"government","channel":"transfer","category":"benefit"`
  scene.events.credit(borrower, item.time, item.amount, detail)
}

function takings(scene: Scene, borrower: Borrower, item: Item): void {
  const customer = sixDigits((borrower.index * 31 + item.which * 7) % 1_000_000)
  const detail = `,"counterparty":"p-${customer}","counterparty_kind":"person","channel":"app","category":"transfer"`
  scene.events.credit(borrower, item.time, item.amount, detail)
}
