import type { Borrower } from './borrower.ts'
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

/** What happens at an item's time; it may post events and change the borrower. */
export type Act = (scene: Scene, borrower: Borrower, item: Item) => void

/** One thing that a borrower will do today. `detail` and `which` mean what the act says. */
export type Item = { time: number; act: Act; amount: number; which: number; detail: string }

/**
 * What one borrower does in one day. Things are planned in any order and carried out in time order, because balances
 * run through them. One agenda serves all borrowers, one after the other, and its items are used again.
 */
export class Agenda {
  private readonly items: Item[] = []
  private used = 0

  /** Plans an act at a time of day (milliseconds). */
  plan(time: number, act: Act, amount = 0, which = 0, detail = ''): void {
    let at = this.used
    const item = this.items[at] ?? { time, act, amount, which, detail }
    item.time = time
    item.act = act
    item.amount = amount
    item.which = which
    item.detail = detail
    // Insertion from the back keeps the day sorted; things planned for the same time keep their order.
    while (at > 0 && this.items[at - 1]!.time > time) {
      this.items[at] = this.items[at - 1]!
      at -= 1
    }
    this.items[at] = item
    this.used += 1
  }

  /** Carries everything out; acts must not plan. */
  run(scene: Scene, borrower: Borrower): void {
    for (let i = 0; i < this.used; i++) {
      const item = this.items[i]!
      item.act(scene, borrower, item)
    }
    this.used = 0
  }
}
