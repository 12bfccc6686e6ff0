import { firstDayOfMonth, MS_PER_DAY, monthOfDay } from '../../time.ts'
import { firstAfter } from '../rows.ts'
import { OrderedSums } from './ordered-sums.ts'
import { TimedValues } from './timed-values.ts'

const SHORT_DAYS = 30
const LONG_DAYS = 90

/** Stated balances of the lookback, and of each date the last one, oldest first. */
export class BalanceSteps {
  readonly #steps = new TimedValues()
  readonly #sums30 = new OrderedSums()
  readonly #sums90 = new OrderedSums()
  /** What lies at or before this time is outside the lookback. */
  #after = Number.NEGATIVE_INFINITY
  readonly #days: number[] = []
  readonly #dayTimes: number[] = []
  readonly #closings: number[] = []

  clear(): void {
    this.#steps.clear()
    this.#stepsChanged(0)
    this.#after = Number.NEGATIVE_INFINITY
    this.#days.length = 0
    this.#dayTimes.length = 0
    this.#closings.length = 0
  }

  /** Adds a step behind those of the same time. */
  add(time: number, day: number, balance: number): void {
    if (time <= this.#after) return
    const place = this.#steps.add(time, balance, 0)
    if (place + 1 < this.#steps.end) this.#stepsChanged(place + this.#steps.moved)
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

  #stepsChanged(from: number): void {
    this.#sums30.changed(from)
    this.#sums90.changed(from)
  }

  /** Mean over (time − 30 days, time], see below. */
  mean30(time: number): number {
    return this.#meanSince(time, time - SHORT_DAYS * MS_PER_DAY, this.#sums30)
  }

  mean90(time: number): number {
    return this.#meanSince(time, time - LONG_DAYS * MS_PER_DAY, this.#sums90)
  }

  /** Mean over (since, time], or from the oldest step on where that is later, weighted by how long each balance stood. */
  #meanSince(time: number, since: number, sums: OrderedSums): number {
    const { times, values, first: oldest, end } = this.#steps
    const from = Math.max(since, times[oldest] as number)
    if (time === from) return Number.NaN
    const next = firstAfter(times, oldest, end, from)
    const balance = values[next - 1] as number
    // A first −0 is none.
    if (next === end) return (0 + balance * (time - from)) / (time - from)
    const first = 0 + balance * ((times[next] as number) - from)
    const sum = sums.add(first, this.#steps, next + 1)
    return (sum + (values[end - 1] as number) * (time - (times[end - 1] as number))) / (time - from)
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
