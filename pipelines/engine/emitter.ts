import type { Emit } from '../../models/decision/decide.ts'
import type { SignalRow, WarningRow } from '../../models/decision/rows.ts'
import type { Outputs, Place } from './outputs.ts'
import type { PartitionState } from './partition-state.ts'

/** Gives the rows of one decision their place and hands them on. */
export class Emitter implements Emit {
  changes = 0
  #state: PartitionState | undefined
  #place: Place | undefined
  #outputs: Outputs | undefined

  begin(state: PartitionState, place: Place, outputs: Outputs): void {
    this.changes = 0
    this.#state = state
    this.#place = place
    this.#outputs = outputs
  }

  signal(row: SignalRow): void {
    this.changes++
    if (this.#place !== undefined) this.#outputs?.signal(row, this.#place, row.seq)
  }

  warning(row: WarningRow): void {
    this.changes++
    const state = this.#state
    const place = this.#place
    if (state === undefined || place === undefined) return
    const feed_seq = (state.feedSeqs.get(row.tenant) ?? 0) + 1
    state.feedSeqs.set(row.tenant, feed_seq)
    this.#outputs?.warning({ ...row, partition: place.partition, offset: place.offset, feed_seq })
  }
}
