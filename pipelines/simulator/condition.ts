import { type Borrower, CONDITION, LIVELIHOOD, ODDITY } from './borrower.ts'
import { addComing, COMING } from './coming.ts'
import { industryHardship, REGIONS } from './portfolio.ts'
import type { Scene } from './scene.ts'

/** The hidden condition: once a month it may change, driven by shocks. All parameters are monthly probabilities. */

const STABLE_TO_STRETCHED = 0.034
const STABLE_TO_DISTRESSED = 0.0017
/** Falls without a sign: disputes, fraud, the unwilling. Nothing shows but the missed payment. */
const STABLE_TO_DEFAULTING = 0.0013
const STRETCHED_TO_DISTRESSED = 0.13
const STRETCHED_TO_STABLE = 0.22
const DISTRESSED_TO_DEFAULTING = 0.26
const DISTRESSED_TO_RECOVERING = 0.2
const DEFAULTING_TO_RECOVERING = 0.09
const RECOVERING_TO_STABLE = 0.24
const RECOVERING_TO_DISTRESSED = 0.07

/** How much an industry's hard times add to the hazard of a business borrower. */
const INDUSTRY_WEIGHT = 2

/** How much of an episode shows, by condition. */
const STRAIN_OF_CONDITION: readonly number[] = [0, 0.55, 1, 0.9, 0.35]

const ODDITY_STARTS = 0.05
const JOB_LOST_WITHOUT_TROUBLE = 0.003

/** One monthly step of the hidden condition. */
export function changeCondition(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const swing = 1 + (scene.economy - 1) * REGIONS[borrower.region]!.swing
  const trade = borrower.business
    ? Math.max(0.2, 1 + INDUSTRY_WEIGHT * industryHardship(scene.seed, scene.day.month, borrower.industry))
    : 1
  const hazard = borrower.risk * swing * trade
  // One draw decides; the thresholds are the parameters above.
  const at = random.uniform()
  const before = borrower.condition
  switch (before) {
    case CONDITION.stable:
      if (at < STABLE_TO_DEFAULTING * hazard) fall(borrower, CONDITION.defaulting, 0.05)
      else if (at < (STABLE_TO_DEFAULTING + STABLE_TO_DISTRESSED) * hazard) fallByShock(scene, borrower, true)
      else if (at < (STABLE_TO_DEFAULTING + STABLE_TO_DISTRESSED + STABLE_TO_STRETCHED) * hazard) {
        fallByShock(scene, borrower, false)
      } else behaveOddly(scene, borrower)
      break
    case CONDITION.stretched:
      if (at < STRETCHED_TO_DISTRESSED * Math.min(2, hazard)) borrower.condition = CONDITION.distressed
      else if (at > 1 - STRETCHED_TO_STABLE) recover(borrower, CONDITION.stable)
      break
    case CONDITION.distressed:
      if (at < DISTRESSED_TO_DEFAULTING) borrower.condition = CONDITION.defaulting
      else if (at > 1 - DISTRESSED_TO_RECOVERING) recover(borrower, CONDITION.recovering)
      break
    case CONDITION.defaulting:
      if (at > 1 - DEFAULTING_TO_RECOVERING) recover(borrower, CONDITION.recovering)
      break
    default:
      if (at < RECOVERING_TO_DISTRESSED) borrower.condition = CONDITION.distressed
      else if (at > 1 - RECOVERING_TO_STABLE) recover(borrower, CONDITION.stable)
  }
  if (borrower.condition !== before) borrower.condition_since = scene.day.number
  borrower.strain = borrower.loudness * STRAIN_OF_CONDITION[borrower.condition]!
  if (scene.day.number >= borrower.oddity_until) borrower.oddity = ODDITY.none
  if (scene.day.number >= borrower.employed_from && borrower.pay_share < 1 && random.chance(0.15))
    borrower.pay_share = 1
}

function fall(borrower: Borrower, condition: number, loudness: number): void {
  borrower.condition = condition
  borrower.loudness = loudness
  borrower.oddity = ODDITY.none
}

/** A shock: job lost, pay cut, illness or family, overspending, or borrowing from one to pay another. */
function fallByShock(scene: Scene, borrower: Borrower, hard: boolean): void {
  const random = borrower.random
  fall(borrower, hard ? CONDITION.distressed : CONDITION.stretched, Math.max(random.uniform(), random.uniform()))
  const kind = random.uniform()
  const earns = borrower.livelihood !== LIVELIHOOD.pensioner
  if (kind < 0.22 && earns) loseJob(scene, borrower, random.whole(40, 170))
  else if (kind < 0.45 && earns) borrower.pay_share = random.between(0.45, 0.85)
  else if (kind < 0.6)
    addComing(borrower, scene.day.number + random.whole(1, 12), COMING.hospital, borrower.income * 0.6)
  else if (kind < 0.82) borrower.spiralling = true
}

function recover(borrower: Borrower, condition: number): void {
  borrower.condition = condition
  borrower.spiralling = false
  if (condition === CONDITION.stable) borrower.loudness = 0
}

function loseJob(scene: Scene, borrower: Borrower, days: number): void {
  if (borrower.livelihood === LIVELIHOOD.self_employed) {
    borrower.pay_share = 0.3
    return
  }
  borrower.employed_from = scene.day.number + days
  borrower.employer = borrower.random.below(4000)
  borrower.pay_share = borrower.random.between(0.8, 1.05)
}

/** The healthy do strange things too, with the same signs and no consequence. */
function behaveOddly(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const today = scene.day.number
  if (borrower.oddity !== ODDITY.none) return
  if (random.chance(JOB_LOST_WITHOUT_TROUBLE)) {
    loseJob(scene, borrower, random.whole(30, 120))
    return
  }
  if (!random.chance(ODDITY_STARTS)) return
  borrower.oddity = random.whole(ODDITY.late_pay, ODDITY.job_change)
  borrower.oddity_until = today + random.whole(25, 90)
  switch (borrower.oddity) {
    case ODDITY.moving:
      addComing(borrower, today + random.whole(1, 6), COMING.deposit, borrower.income * random.between(0.3, 0.9))
      addComing(borrower, today + random.whole(5, 15), COMING.furniture, borrower.income * random.between(0.3, 1.1))
      addComing(borrower, today + random.whole(5, 20), COMING.cash, borrower.income * 0.2)
      break
    case ODDITY.wedding:
      addComing(borrower, today + random.whole(1, 15), COMING.jewellery, borrower.income * random.between(0.5, 1.8))
      addComing(borrower, today + random.whole(5, 25), COMING.banquet, borrower.income * random.between(0.5, 1.5))
      break
    case ODDITY.job_change:
      if (borrower.livelihood === LIVELIHOOD.salaried) loseJob(scene, borrower, random.whole(15, 40))
      break
    default:
  }
}
