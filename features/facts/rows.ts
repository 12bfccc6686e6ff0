/** Row numbers of some rows of the open columns, oldest first: the first `length` count. */
export class RowList {
  rows = new Int32Array(1024)
  length = 0

  /** Empties the list and makes room for so many. */
  reset(count: number): Int32Array {
    this.length = 0
    if (this.rows.length < count) this.rows = new Int32Array(count * 2)
    return this.rows
  }
}

/** Index of the first of the ascending `times[from … end)` that lies after `time`; `end` where none does. */
export function firstAfter(times: Float64Array, from: number, end: number, time: number): number {
  let low = from
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] as number) > time) high = middle
    else low = middle + 1
  }
  return low
}
