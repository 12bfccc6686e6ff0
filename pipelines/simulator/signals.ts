import { monthOfDay } from '../../features/time.ts'
import { type Borrower, CONDITION } from './borrower.ts'
import { SOURCE_SIGNALS, sixDigits, timeAtWork } from './events.ts'
import { dpdOf, type Loan } from './loans.ts'
import { roundTo } from './money.ts'
import { economy, INDUSTRIES, industryHardship, PRODUCTS, REGIONS } from './portfolio.ts'
import { mix32, Random } from './random.ts'
import type { Item, Scene } from './scene.ts'

/** What courts, valuers and statistics offices report. Probabilities are per month. */

/** Suits against anybody, and against those in trouble for a while. */
const SUED = 0.0018
const SUED_IN_TROUBLE = 0.08
const TROUBLE_DAYS = 20
const SUED_BY_LENDER = 0.18
const SUED_BY_LENDER_DPD = 75
const ENFORCED = 0.3
/** The healthy also have suits that end so. */
const ENFORCED_WITHOUT_TROUBLE = 0.04
const ENFORCED_DAYS_FIRST = 20
const ENFORCED_DAYS_LAST = 160
const SUED_AGAIN_DAYS = 200
const GUARANTOR_DEFAULTS = 0.002
const GUARANTOR_DEFAULTS_IN_TROUBLE = 0.05

const VALUATION_MONTHS = 3
/** Value of a collateral over the principal at the start, what it loses a month, and for how long. */
const VALUE_AT_GRANT = 1.35
const VALUE_LOST_MONTHLY = 0.015
const MONTHS_LOSING_MAX = 60
/** Somebody under strain lets it go to ruin; some things lose their value though nothing is wrong. */
const VALUE_LOST_UNDER_STRAIN = 0.35
const DAMAGED_SHARE = 0.08
const VALUE_OF_DAMAGED = 0.65
const DAMAGED_AFTER_MONTHS = 6

/** Plans the month's signals about one borrower. */
export function reportSignals(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const today = scene.day.number
  const plan = (kind: string, amount: number) =>
    scene.agenda.plan(
      timeAtWork(borrower),
      report,
      Math.round(amount),
      0,
      `"${kind}","reference":"case-${borrower.index}-${scene.day.month}"`,
    )
  const sinceSuit = today - borrower.last_litigation_day
  const inTrouble = borrower.condition === CONDITION.distressed || borrower.condition === CONDITION.defaulting
  const enforced = inTrouble ? ENFORCED : ENFORCED_WITHOUT_TROUBLE
  if (sinceSuit > SUED_AGAIN_DAYS) {
    let chance = SUED
    if (inTrouble && today - borrower.condition_since > TROUBLE_DAYS) chance += SUED_IN_TROUBLE * borrower.loudness
    if (borrower.loans.some((loan) => dpdOf(loan, today) > SUED_BY_LENDER_DPD)) chance += SUED_BY_LENDER
    if (random.chance(chance)) {
      borrower.last_litigation_day = today
      plan('litigation', borrower.income * random.between(0.5, 6))
    }
  } else if (sinceSuit >= ENFORCED_DAYS_FIRST && sinceSuit <= ENFORCED_DAYS_LAST && random.chance(enforced)) {
    plan('enforcement', borrower.income * random.between(0.5, 6))
  }
  for (const loan of borrower.loans) {
    const chance = inTrouble ? GUARANTOR_DEFAULTS_IN_TROUBLE : GUARANTOR_DEFAULTS
    if (loan.guarantor > 0 && random.chance(chance)) {
      scene.agenda.plan(timeAtWork(borrower), report, 0, 0, `"guarantor_default","reference":"g-${loan.guarantor}"`)
    }
    const months = monthsOf(loan, scene)
    if (PRODUCTS[loan.product]!.collateral === '' || months === 0 || months % VALUATION_MONTHS !== 0) continue
    scene.agenda.plan(timeAtWork(borrower), revalue, 0, loan.number)
  }
}

function monthsOf(loan: Loan, scene: Scene): number {
  return scene.day.month - monthOfDay(loan.opened_day)
}

/** What stands on the loan as its collateral, and what valuations refer to. */
export function collateralOf(borrower: Borrower, loan: Loan): string {
  return `${PRODUCTS[loan.product]!.collateral}-${sixDigits(borrower.index)}-${loan.number}`
}

/** Reports what a loan's collateral is worth now. */
export function valueCollateral(scene: Scene, borrower: Borrower, time: number, loan: Loan): void {
  const months = monthsOf(loan, scene)
  const lost = VALUE_LOST_MONTHLY * Math.min(MONTHS_LOSING_MAX, months)
  let value = loan.disbursed * (VALUE_AT_GRANT - lost) * borrower.random.between(0.97, 1.03)
  if (months > 0) value *= 1 - VALUE_LOST_UNDER_STRAIN * borrower.strain
  const chance = (mix32(borrower.index, mix32(loan.number, 0xda3a)) >>> 0) / 0x1_0000_0000
  if (months > DAMAGED_AFTER_MONTHS && chance < DAMAGED_SHARE) value *= VALUE_OF_DAMAGED
  const detail = `"collateral_valuation","reference":"${collateralOf(borrower, loan)}"`
  writeSignal(scene, borrower, time, roundTo(value, 100), detail)
}

function revalue(scene: Scene, borrower: Borrower, item: Item): void {
  const loan = borrower.loans.find((one) => one.number === item.which)
  // Paid off earlier today.
  if (loan !== undefined) valueCollateral(scene, borrower, item.time, loan)
}

function report(scene: Scene, borrower: Borrower, item: Item): void {
  writeSignal(scene, borrower, item.time, item.amount, item.detail)
}

/** `kind` is the JSON of the kind, with what follows it. An amount of 0 is none. */
function writeSignal(scene: Scene, borrower: Borrower, time: number, amount: number, kind: string): void {
  const amountText = amount > 0 ? `,"amount_minor":${amount}` : ''
  const data = `"kind":${kind},"reported_at":${scene.events.instant(time)}${amountText}`
  scene.events.event(borrower, time, SOURCE_SIGNALS, 'signal.reported', data)
}

const INDEX_DAY_OF_MONTH = 9
const INDEX_TIME_MS = 10 * 3_600_000
/** Points that an index falls by when hazards double. */
const INDEX_POINTS = 50

/** Writes the monthly indices of industries and regions: around 100, above when times are good. */
export function writeIndices(scene: Scene): void {
  const { day, seed } = scene
  if (day.day_of_month !== INDEX_DAY_OF_MONTH) return
  const random = new Random(seed, mix32(day.month, 0x1d3))
  // Statistics come a month late, and they are blurred.
  const month = day.month - 1
  const hardship = economy(seed, month) - 1
  const names = [
    ...INDUSTRIES.map(({ name }, i) => ['industry_index', name, industryHardship(seed, month, i)] as const),
    ...REGIONS.map(({ name, swing }) => ['region_index', name, hardship * swing] as const),
  ]
  names.forEach(([kind, name, hard], i) => {
    const value = Math.round((100 - INDEX_POINTS * hard + 0.8 * random.normal()) * 10) / 10
    const time = INDEX_TIME_MS + i * 1000
    scene.events.general(
      time,
      `index-${day.month}-${i}`,
      SOURCE_SIGNALS,
      'signal.reported',
      `"kind":"${kind}","reported_at":${scene.events.instant(time)},"value":${value},"reference":"${name}"`,
    )
  })
}
