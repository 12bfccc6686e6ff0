import { dateOfDay, lastDayOfMonth } from '../../features/time.ts'
import type { Borrower } from './borrower.ts'
import { SOURCE_SIGNALS, timeAtWork } from './events.ts'
import { mix32, Random } from './random.ts'
import type { Item, Scene } from './scene.ts'

/** Financial statements of business borrowers: of a year, at its end and for some at its middle. */

/** A statement is handed in so many months after its period, by the borrower's number. */
const MONTHS_LATE_MIN = 1
const MONTHS_LATE_SPREAD = 3
/** A year of investing looks like trouble and is none. */
const LEAN_YEARS = 0.1
const LEAN = 0.7
const INTEREST_RATE = 0.07
const TAX = 0.15

/** Plans the statement that is handed in this month, if the borrower has a loan. */
export function reportStatement(scene: Scene, borrower: Borrower): void {
  const every = borrower.statement_months
  if (every === 0 || borrower.loans.length === 0) return
  const month = periodMonth(scene, borrower)
  if ((month + 1) % every === 0) scene.agenda.plan(timeAtWork(borrower), handIn)
}

/** The month (since January 1970) that a statement handed in now would end with. */
function periodMonth(scene: Scene, borrower: Borrower): number {
  return scene.day.month - MONTHS_LATE_MIN - (borrower.index % MONTHS_LATE_SPREAD)
}

function handIn(scene: Scene, borrower: Borrower, item: Item): void {
  const month = periodMonth(scene, borrower)
  const figures = figuresOf(scene, borrower, month)
  const text = Object.entries(figures)
    .map(([name, amount]) => `,"${name}_minor":${Math.round(amount)}`)
    .join('')
  scene.events.event(
    borrower,
    item.time,
    SOURCE_SIGNALS,
    'signal.reported',
    `"kind":"financial_statement","reported_at":${scene.events.instant(item.time)},` +
      `"statement":{"period_end":"${dateOfDay(lastDayOfMonth(month))}"${text}}`,
  )
}

/** How far the year shows trouble, 0 to 1: by the strain, or because it is a lean one. */
function troubleOf(borrower: Borrower, month: number): number {
  const year = Math.floor(month / 12)
  const lean = (mix32(borrower.index, mix32(year, 0x1ea4)) >>> 0) / 0x1_0000_0000 < LEAN_YEARS
  return lean ? Math.max(LEAN, borrower.strain) : borrower.strain
}

function figuresOf(scene: Scene, borrower: Borrower, month: number): Record<string, number> {
  // What a firm is like stays; only its years differ.
  const firm = new Random(scene.seed, mix32(borrower.index, 0xf124))
  const random = borrower.random
  const size = borrower.income * 12 * firm.between(3, 8)
  const trouble = troubleOf(borrower, month)
  const revenue = size * Math.min(1.1, 0.4 + 0.6 * borrower.pay_share) * (1 - 0.3 * trouble) * random.logNormal(0.06)
  const margin = firm.between(0.22, 0.4) * (1 - 0.45 * trouble) * random.logNormal(0.04)
  const overhead = size * firm.between(0.08, 0.14)
  const assets = size * firm.between(0.6, 1.1)
  const current = assets * firm.between(0.45, 0.65) * (1 - 0.2 * trouble)
  const currentLiabilities = current / (firm.between(1.2, 2.4) * (1 - 0.6 * trouble) * random.logNormal(0.06))
  const debtRatio = firm.between(0.3, 0.6) * (1 + 0.5 * trouble) * random.logNormal(0.04)
  const liabilities = Math.max(assets * debtRatio, currentLiabilities)
  const operating = revenue * margin - overhead
  const interest = liabilities * INTEREST_RATE
  const before = operating - interest
  return {
    current_assets: current,
    current_liabilities: currentLiabilities,
    total_assets: assets,
    total_liabilities: liabilities,
    receivables: current * firm.between(0.25, 0.4) * (1 + 0.4 * trouble),
    inventory: current * firm.between(0.2, 0.35) * (1 + 0.4 * trouble),
    revenue,
    cost_of_sales: revenue * (1 - margin),
    operating_profit: operating,
    interest_expense: interest,
    net_profit: before > 0 ? before * (1 - TAX) : before,
  }
}
