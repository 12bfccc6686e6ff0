import type { Segment } from '../window/segment.ts'
import { TRANSACTION_F64, TRANSACTION_U32 } from './transactions.ts'

const NO_ROW = -1
/** Parties that are noted before those of rows long gone are looked for. */
const PARTIES_FIRST = 2048

/**
 * The time of each party's latest row of one kind, for a borrower with thousands of rows: that row itself carries the bit
 * `last`, and is found by its time.
 */
export class LastRows {
  readonly #last: number
  readonly #times = new Map<number, number>()
  #partiesMax = PARTIES_FIRST

  constructor(rows: Segment, last: number) {
    this.#last = last
    const { times, traits, parties } = columnsOf(rows)
    for (let i = rows.start; i < rows.start + rows.length; i++)
      if (((traits[i] as number) & last) !== 0) this.#times.set(parties[i] as number, times[i] as number)
  }

  /**
   * Takes note of a new row of the kind. Gives back the row itself where a later one of its party stands, otherwise the row
   * that was the party's latest, −1 where there is none.
   */
  replace(rows: Segment, at: number): number {
    const { times, traits, parties } = columnsOf(rows)
    const time = times[at] as number
    const party = parties[at] as number
    const before = this.#times.get(party)
    if (before !== undefined && before > time) return at
    this.#times.set(party, time)
    if (before === undefined) {
      if (this.#times.size > this.#partiesMax) this.#forgetBefore(times[rows.start] as number)
      return NO_ROW
    }
    // Of its time it need not be the only one; the new row, which carries no bit yet, stands behind them all.
    let i = lastUpTo(times, rows.start, at, before)
    for (; i >= rows.start && times[i] === before; i--)
      if (((traits[i] as number) & this.#last) !== 0 && parties[i] === party) return i
    return NO_ROW
  }

  #forgetBefore(time: number): void {
    for (const [party, last] of this.#times) if (last < time) this.#times.delete(party)
    this.#partiesMax = Math.max(PARTIES_FIRST, this.#times.size * 2)
  }
}

function columnsOf({ chunk }: Segment) {
  if (chunk === null) throw new Error('a segment without rows has no last one')
  return {
    times: chunk.f64[TRANSACTION_F64.TIME] as Float64Array,
    parties: chunk.f64[TRANSACTION_F64.PARTY] as Float64Array,
    traits: chunk.u32[TRANSACTION_U32.TRAITS] as Uint32Array,
  }
}

/** The last of the ascending `times[from … end)` that does not lie after `time`; `from − 1` where all do. */
function lastUpTo(times: Float64Array, from: number, end: number, time: number): number {
  let low = from
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] as number) > time) high = middle
    else low = middle + 1
  }
  return low - 1
}
