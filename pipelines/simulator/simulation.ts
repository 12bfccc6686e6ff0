import { dateOfDay, dayOfDate } from '../../features/time.ts'
import { payBills, planBudget } from './bills.ts'
import { type Borrower, createBorrower } from './borrower.ts'
import { askOthers, planReport } from './bureau.ts'
import { simulatedDay, ZONE } from './calendar.ts'
import { planComing } from './coming.ts'
import { changeCondition } from './condition.ts'
import { EventWriter, SOURCE_LOANS } from './events.ts'
import { earn } from './income.ts'
import { inspect } from './inspections.ts'
import { LineSheet } from './lines.ts'
import { applyForLoan, drawOnLine } from './origination.ts'
import { CURRENCY, economy, OWN_INSTITUTION } from './portfolio.ts'
import { repay } from './repayment.ts'
import { Agenda, type Scene } from './scene.ts'
import { reportSignals, writeIndices } from './signals.ts'
import { moveMoney, shop } from './spending.ts'
import { reportStatement } from './statements.ts'

export const BORROWERS_MAX = 5_000_000

export type SimulationOptions = {
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number
  readonly borrowers: number
  /** First business date, `YYYY-MM-DD`. */
  readonly start: string
  /** Written into every event; '' or absent leaves it out, so that whoever takes the events decides. */
  readonly tenant?: string
}

/** One event as it stands in a file: the input of the contract (`features/events/contract.ts`). */
export type SimulatedEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  /** UTC milliseconds. */
  readonly time: number
  readonly tenant?: string
  readonly subject?: string
  readonly data: Readonly<Record<string, unknown>>
}

/** An endless portfolio. Every call of `nextDay` or `writeDay` lets one business date pass. */
export type Simulation = {
  /** The date that passes next, as days since 1970-01-01. */
  readonly day: number
  /** That date's events as objects, in time order. */
  nextDay(): { readonly day: number; readonly events: readonly SimulatedEvent[] }
  /** That date's events as NDJSON, in time order; the same as `nextDay` gives, faster. */
  writeDay(): { readonly day: number; readonly events: number; readonly lines: Buffer }
}

/**
 * Creates a simulation. Equal options give equal bytes; a borrower's events depend on the seed, the start and the
 * borrower's number only, not on how many there are. Throws a RangeError on options out of bounds.
 */
export function createSimulation(options: SimulationOptions): Simulation {
  const { seed, borrowers: count, start } = options
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError('seed must be a whole number from 0 on')
  if (!Number.isInteger(count) || count < 1 || count > BORROWERS_MAX) {
    throw new RangeError(`borrowers must be a whole number from 1 to ${BORROWERS_MAX}`)
  }
  let day = /^\d{4}-\d{2}-\d{2}$/.test(start) ? dayOfDate(start) : Number.NaN
  if (Number.isNaN(day) || dateOfDay(day) !== start) throw new RangeError('start must be a date YYYY-MM-DD')
  const startDay = day
  const sheet = new LineSheet()
  const events = new EventWriter(sheet, options.tenant ?? '')
  const scene: Scene = { seed, events, agenda: new Agenda(), day: simulatedDay(day), economy: 1 }
  const borrowers = Array.from({ length: count }, (_, index) => createBorrower(seed, index, startDay))

  function passDay(): { day: number; events: number; lines: Buffer } {
    scene.day = simulatedDay(day)
    scene.economy = economy(seed, scene.day.month)
    events.startDay(scene.day.start_ms)
    if (day === startDay) configure(events)
    writeIndices(scene)
    for (const borrower of borrowers) liveThroughDay(scene, borrower)
    const written = { day, events: sheet.count, lines: sheet.take() }
    day += 1
    return written
  }

  return {
    get day() {
      return day
    },
    writeDay: passDay,
    nextDay() {
      const written = passDay()
      const text = written.lines.toString('latin1').trimEnd().replaceAll('\n', ',')
      return { day: written.day, events: JSON.parse(`[${text}]`) as readonly SimulatedEvent[] }
    },
  }
}

function configure(events: EventWriter): void {
  const data = `"zone":"${ZONE}","currency":"${CURRENCY}","institution":"${OWN_INSTITUTION}"`
  events.general(0, 'configuration-1', SOURCE_LOANS, 'tenant.configured', data)
}

/** One borrower, one day: everything is planned first and then carried out in time order. */
function liveThroughDay(scene: Scene, borrower: Borrower): void {
  scene.events.startBorrower(borrower)
  if (scene.day.day_of_month === borrower.monthly_day) {
    changeCondition(scene, borrower)
    reportSignals(scene, borrower)
    reportStatement(scene, borrower)
    planBudget(scene, borrower)
    drawOnLine(scene, borrower)
  }
  earn(scene, borrower)
  payBills(scene, borrower)
  planComing(scene, borrower)
  shop(scene, borrower)
  moveMoney(scene, borrower)
  askOthers(scene, borrower)
  planReport(scene, borrower)
  repay(scene, borrower)
  inspect(scene, borrower)
  applyForLoan(scene, borrower)
  scene.agenda.run(scene, borrower)
}
