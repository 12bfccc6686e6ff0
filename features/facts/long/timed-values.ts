import { firstAfter } from '../rows.ts'

const ROOM_FIRST = 256

/** A value and a whole number per instant, ascending, those of one instant in the order in which they came; the oldest go. */
export class TimedValues {
  times = new Float64Array(ROOM_FIRST)
  values = new Float64Array(ROOM_FIRST)
  keys = new Int32Array(ROOM_FIRST)
  /** Half-open range of what is kept. */
  first = 0
  end = 0
  /** By how much all places have moved down since the beginning. */
  moved = 0

  clear(): void {
    this.first = 0
    this.end = 0
  }

  /** Adds behind those of the same time; returns the place. */
  add(time: number, value: number, key: number): number {
    if (this.end === this.times.length) this.#makeRoom()
    const { times, values, keys, first, end } = this
    let at = end
    if (end > first && (times[end - 1] as number) > time) {
      at = firstAfter(times, first, end, time)
      times.copyWithin(at + 1, at, end)
      values.copyWithin(at + 1, at, end)
      keys.copyWithin(at + 1, at, end)
    }
    times[at] = time
    values[at] = value
    keys[at] = key
    this.end = end + 1
    return at
  }

  /** Whether the oldest lies at or before `time`. */
  hasUpTo(time: number): boolean {
    return this.first < this.end && (this.times[this.first] as number) <= time
  }

  /** Lets go what lies at or before `time`. */
  dropUpTo(time: number): void {
    while (this.hasUpTo(time)) this.first++
  }

  /** Half of the room is free at the front, or there is twice as much. */
  #makeRoom(): void {
    const { first, end } = this
    const grows = first * 2 < end
    const move = <Values extends Float64Array | Int32Array>(values: Values, larger: Values): Values => {
      larger.set(values.subarray(first, end))
      return larger
    }
    const room = this.times.length * 2
    this.times = move(this.times, grows ? new Float64Array(room) : this.times)
    this.values = move(this.values, grows ? new Float64Array(room) : this.values)
    this.keys = move(this.keys, grows ? new Int32Array(room) : this.keys)
    this.end = end - first
    this.moved += first
    this.first = 0
  }
}
