import { firstDayOfMonth, monthOfDay } from '../../time.ts'
import { firstAfter } from '../rows.ts'
import { TimedValues } from './timed-values.ts'

/** Stated balances of the lookback, and of each date the last one, oldest first. */
export class BalanceSteps {
  readonly #steps = new TimedValues()
  /** What lies at or before this time is outside the lookback. */
  #after = Number.NEGATIVE_INFINITY
  readonly #days: number[] = []
  readonly #dayTimes: number[] = []
  readonly #closings: number[] = []

  clear(): void {
    this.#steps.clear()
    this.#after = Number.NEGATIVE_INFINITY
    this.#days.length = 0
    this.#dayTimes.length = 0
    this.#closings.length = 0
  }

  /** Adds a step behind those of the same time. */
  add(time: number, day: number, balance: number): void {
    if (time <= this.#after) return
    this.#steps.add(time, balance, 0)
    const days = this.#days
    let at = days.length
    while (at > 0 && (days[at - 1] as number) > day) at--
    if (at > 0 && days[at - 1] === day) {
      if (time < (this.#dayTimes[at - 1] as number)) return
      this.#dayTimes[at - 1] = time
      this.#closings[at - 1] = balance
      return
    }
    days.splice(at, 0, day)
    this.#dayTimes.splice(at, 0, time)
    this.#closings.splice(at, 0, balance)
  }

  /** Moves the lookback's begin on: what lies at or before `time` leaves it. */
  moveTo(time: number): void {
    this.#after = time
    this.#steps.dropUpTo(time)
    while (this.#dayTimes.length > 0 && (this.#dayTimes[0] as number) <= time) {
      this.#days.shift()
      this.#dayTimes.shift()
      this.#closings.shift()
    }
  }

  get isEmpty(): boolean {
    return this.#steps.first === this.#steps.end
  }

  /** Mean over (since, time], or from the oldest step on where that is later, weighted by how long each balance stood. */
  meanSince(time: number, since: number): number {
    const { times, values, first, end } = this.#steps
    const from = Math.max(since, times[first] as number)
    if (time === from) return Number.NaN
    const next = firstAfter(times, first, end, from)
    let balance = values[next - 1] as number
    let begin = from
    let sum = 0
    for (let i = next; i < end; i++) {
      const at = times[i] as number
      sum += balance * (at - begin)
      begin = at
      balance = values[i] as number
    }
    sum += balance * (time - begin)
    return sum / (time - from)
  }

  /** Dates from `oldest` to `day` whose closing balance is known and below `limit`. */
  daysBelow(limit: number, oldest: number, day: number): number {
    let below = 0
    let until = day + 1
    for (let k = this.#days.length - 1; k >= 0 && until > oldest; k--) {
      const from = Math.max(this.#days[k] as number, oldest)
      if ((this.#closings[k] as number) < limit) below += until - from
      until = from
    }
    return below
  }

  /** Fills `closings` with those of the months before that of `day`, the latest first; returns how many are known. */
  monthClosings(day: number, closings: Float64Array): number {
    const current = monthOfDay(day)
    let known = 0
    let after = firstDayOfMonth(current)
    for (let k = this.#days.length - 1; k >= 0 && known < closings.length; k--) {
      const closed = this.#days[k] as number
      while (known < closings.length && closed < after) {
        closings[known++] = this.#closings[k] as number
        after = firstDayOfMonth(current - known)
      }
    }
    return known
  }
}
