import { type Borrower, ODDITY } from './borrower.ts'
import { addComing, COMING } from './coming.ts'
import { SOURCE_BUREAU } from './events.ts'
import { FEN_PER_YUAN, roundTo } from './money.ts'
import { CONSOLIDATOR, FAST_LENDER_SHARES, LENDER_SHARES, LENDERS, OWN_INSTITUTION } from './portfolio.ts'
import { cumulate } from './random.ts'
import type { Item, Scene } from './scene.ts'

/**
 * The bureau: others ask about the borrower on any day, but the lender learns of it only from the report it orders once
 * a month (post-loan management) and at an application.
 */

const QUERIES_PER_DAY = 0.0055
const STRAINED_QUERIES_PER_DAY = 0.05
const SPIRAL_QUERIES_PER_DAY = 0.13
const REFINANCE_QUERIES_PER_DAY = 0.07
/** On days off the offices are closed, and the phone is at hand. */
const DAY_OFF_OFFICES = 0.6
const DAY_OFF_UNDER_STRAIN = 1.5
/** Of those who refinance or are under strain, how many ask somebody who turns several debts into one. */
const CONSOLIDATES = 0.2
/** Mean number of queries in the half year before the first application. */
const EARLIER_QUERIES = 0.9
const EARLIER_DAYS = 180
/** Older queries than these many are in no report any more. */
const QUERIES_KEPT_MAX = 40

const REASONS = ['loan_approval', 'card_approval', 'guarantee_review', 'post_loan_management', 'self']
const REASON_SHARES = cumulate([0.62, 0.17, 0.04, 0.12, 0.05])
const LOAN_APPROVAL = 0
const CARD_APPROVAL = 1
const SELF = 4

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Lets other institutions ask about the borrower today, and some of them lend. */
export function askOthers(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const { strain } = borrower
  const refinances = borrower.oddity === ODDITY.refinance
  const { working } = scene.day
  const rate =
    (QUERIES_PER_DAY + (refinances ? REFINANCE_QUERIES_PER_DAY : 0)) * (working ? 1 : DAY_OFF_OFFICES) +
    strain *
      (borrower.spiralling ? SPIRAL_QUERIES_PER_DAY : STRAINED_QUERIES_PER_DAY) *
      (working ? 1 : DAY_OFF_UNDER_STRAIN)
  if (random.uniform() >= rate) return
  const consolidates = random.chance(CONSOLIDATES * (refinances ? 1 : strain))
  const lender = consolidates ? CONSOLIDATOR : random.pick(strain > 0.3 ? FAST_LENDER_SHARES : LENDER_SHARES)
  const reason = random.pick(REASON_SHARES)
  remember(borrower, scene.events.instant(timeOfQuery(borrower, lender)), lender, reason)
  if (reason > CARD_APPROVAL || !random.chance(borrower.spiralling ? 0.5 : 0.22)) return
  if (reason === LOAN_APPROVAL) borrowElsewhere(scene, borrower, lender)
}

function timeOfQuery(borrower: Borrower, lender: number): number {
  const random = borrower.random
  const night = LENDERS[lender]!.nightly && random.chance(0.1 + 0.25 * borrower.strain)
  return Math.floor((night ? random.between(0, 5) : random.between(8.5, 21.5)) * HOUR_MS)
}

function borrowElsewhere(scene: Scene, borrower: Borrower, lender: number): void {
  const random = borrower.random
  const amount = roundTo(borrower.income * random.between(0.3, borrower.spiralling ? 1.2 : 2), 100)
  const months = random.whole(3, 12)
  addComing(borrower, scene.day.number + random.whole(1, 3), COMING.proceeds, amount, lender)
  owe(borrower, amount, months, lender)
}

/** Money from a fast lender, to have enough on the account for a payment on `day`. */
export function borrowToPay(scene: Scene, borrower: Borrower, day: number, amount: number): void {
  const random = borrower.random
  const lender = random.pick(FAST_LENDER_SHARES)
  remember(borrower, scene.events.instant(timeOfQuery(borrower, lender)), lender, LOAN_APPROVAL)
  const borrowed = Math.ceil((amount * random.between(1.05, 1.6)) / (100 * FEN_PER_YUAN)) * 100 * FEN_PER_YUAN
  addComing(borrower, day, COMING.proceeds, borrowed, lender)
  owe(borrower, borrowed, random.whole(3, 6), lender)
}

function owe(borrower: Borrower, amount: number, months: number, lender: number): void {
  const left = borrower.other_payment * borrower.other_months
  borrower.other_months = Math.max(months, Math.min(24, borrower.other_months))
  borrower.other_payment = Math.round((left + amount * 1.12) / borrower.other_months)
  borrower.other_lender = lender
}

function remember(borrower: Borrower, ms: number, lender: number, reason: number): void {
  const queries = borrower.queries ?? []
  queries.push(ms, lender, reason)
  if (queries.length > 3 * QUERIES_KEPT_MAX) queries.splice(0, 3)
  borrower.queries = queries
}

/** Queries from before the simulation began, which the first application brings to light. */
export function rememberEarlierQueries(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const days: number[] = []
  for (let left = random.poisson(EARLIER_QUERIES * borrower.risk); left > 0; left--)
    days.push(random.below(EARLIER_DAYS) + 1)
  const later = borrower.queries ?? []
  borrower.queries = null
  for (const day of days.sort((a, b) => b - a)) {
    const lender = random.pick(LENDER_SHARES)
    const ms = scene.day.start_ms - day * DAY_MS + timeOfQuery(borrower, lender)
    remember(borrower, ms, lender, random.pick(REASON_SHARES))
  }
  for (let i = 0; i < later.length; i += 3) remember(borrower, later[i]!, later[i + 1]!, later[i + 2]!)
}

/** Plans the monthly post-loan report of a borrower with an open loan. */
export function planReport(scene: Scene, borrower: Borrower): void {
  if (scene.day.day_of_month !== borrower.report_day || borrower.loans.length === 0) return
  scene.agenda.plan(Math.floor(borrower.random.between(2, 6) * HOUR_MS), orderReport, 0, 0, 'post_loan_management')
}

/** Orders a report (`detail` is the reason): the lender's own query, then those of others since the last report. */
export function orderReport(scene: Scene, borrower: Borrower, item: Item): void {
  const reportMs = scene.events.instant(item.time)
  const reportDate = `"report_date":"${scene.day.date}"`
  let time = scene.events.event(
    borrower,
    item.time,
    SOURCE_BUREAU,
    'bureau.queried',
    `"institution":"${OWN_INSTITUTION}","institution_type":"consumer_finance","reason":"${item.detail}",` +
      `"queried_at":${reportMs},${reportDate}`,
  )
  const queries = borrower.queries
  if (queries === null) return
  const left: number[] = []
  for (let i = 0; i < queries.length; i += 3) {
    const ms = queries[i]!
    const lender = LENDERS[queries[i + 1]!]!
    const reason = queries[i + 2]!
    if (ms >= reportMs) {
      left.push(ms, queries[i + 1]!, reason)
      continue
    }
    const institution =
      reason === SELF
        ? '"bureau-counter","institution_type":"other"'
        : `"${lender.token}","institution_type":"${lender.type}"`
    const data = `"institution":${institution},"reason":"${REASONS[reason]!}","queried_at":${ms},${reportDate}`
    time = scene.events.event(borrower, time + 1, SOURCE_BUREAU, 'bureau.queried', data)
  }
  borrower.queries = left.length === 0 ? null : left
}
