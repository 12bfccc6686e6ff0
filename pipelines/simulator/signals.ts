import { type Borrower, CONDITION } from './borrower.ts'
import { SOURCE_SIGNALS, timeAtWork } from './events.ts'
import { dpdOf } from './loans.ts'
import { roundTo } from './money.ts'
import { economy, INDUSTRIES, PRODUCTS, REGIONS } from './portfolio.ts'
import { mix32, Random } from './random.ts'
import type { Item, Scene } from './scene.ts'

/** What courts, valuers and statistics offices report. Probabilities are per month. */

/** Suits against anybody, and against those in trouble for a while. */
const SUED = 0.0009
const SUED_IN_TROUBLE = 0.045
const TROUBLE_DAYS = 30
const SUED_BY_LENDER = 0.18
const SUED_BY_LENDER_DPD = 75
const ENFORCED = 0.2
const ENFORCED_DAYS_FIRST = 40
const ENFORCED_DAYS_LAST = 160
const SUED_AGAIN_DAYS = 200
const GUARANTOR_DEFAULTS = 0.001
const GUARANTOR_DEFAULTS_IN_TROUBLE = 0.008
const VALUATION_MONTHS = 6

/** Plans the month's signals about one borrower. */
export function reportSignals(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const today = scene.day.number
  const plan = (kind: string, amount: number) =>
    scene.agenda.plan(timeAtWork(borrower), report, Math.round(amount), 0, kind)
  const sinceSuit = today - borrower.last_litigation_day
  const inTrouble = borrower.condition === CONDITION.distressed || borrower.condition === CONDITION.defaulting
  if (sinceSuit > SUED_AGAIN_DAYS) {
    let chance = SUED
    if (inTrouble && today - borrower.condition_since > TROUBLE_DAYS) chance += SUED_IN_TROUBLE * borrower.loudness
    if (borrower.loans.some((loan) => dpdOf(loan, today) > SUED_BY_LENDER_DPD)) chance += SUED_BY_LENDER
    if (random.chance(chance)) {
      borrower.last_litigation_day = today
      plan('litigation', borrower.income * random.between(0.5, 6))
    }
  } else if (
    inTrouble &&
    sinceSuit >= ENFORCED_DAYS_FIRST &&
    sinceSuit <= ENFORCED_DAYS_LAST &&
    random.chance(ENFORCED)
  ) {
    plan('enforcement', borrower.income * random.between(0.5, 6))
  }
  for (const loan of borrower.loans) {
    if (PRODUCTS[loan.product]!.collateral === '') continue
    const months = Math.round((today - loan.opened_day) / 30.44)
    if (months > 0 && months % VALUATION_MONTHS === 0) {
      plan(
        'collateral_valuation',
        roundTo(loan.principal * (1.35 - 0.015 * Math.min(60, months)) * random.between(0.92, 1.08), 100),
      )
    }
    if (random.chance(inTrouble ? GUARANTOR_DEFAULTS_IN_TROUBLE : GUARANTOR_DEFAULTS)) plan('guarantor_default', 0)
  }
}

function report(scene: Scene, borrower: Borrower, item: Item): void {
  const amount = item.amount > 0 ? `,"amount_minor":${item.amount}` : ''
  scene.events.event(
    borrower,
    item.time,
    SOURCE_SIGNALS,
    'signal.reported',
    `"kind":"${item.detail}","reported_at":${scene.events.instant(item.time)}${amount},"reference":"c-${borrower.index}-${scene.day.month}"`,
  )
}

const INDEX_DAY_OF_MONTH = 9
const INDEX_TIME_MS = 10 * 3_600_000

/** Writes the monthly indices of industries and regions: around 100, above when times are good. */
export function writeIndices(scene: Scene): void {
  const { day, seed } = scene
  if (day.day_of_month !== INDEX_DAY_OF_MONTH) return
  const random = new Random(seed, mix32(day.month, 0x1d3))
  // Statistics come a month late, and they are blurred.
  const hardship = economy(seed, day.month - 1) - 1
  const names = [
    ...INDUSTRIES.map((name) => ['industry_index', name, 1] as const),
    ...REGIONS.map((region) => ['region_index', region.name, region.swing] as const),
  ]
  names.forEach(([kind, name, swing], i) => {
    const value = Math.round((100 - 20 * hardship * swing + 1.5 * random.normal()) * 10) / 10
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
