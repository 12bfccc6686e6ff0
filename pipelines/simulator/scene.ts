import type { Agenda } from './agenda.ts'
import type { SimulatedDay } from './calendar.ts'
import type { EventWriter } from './events.ts'

/** What every part of the simulation sees while one borrower lives through one day. */
export type Scene = {
  readonly seed: number
  readonly events: EventWriter
  readonly agenda: Agenda
  day: SimulatedDay
  /** Multiplier of the hazards of trouble this month, the same for all regions. */
  economy: number
}
