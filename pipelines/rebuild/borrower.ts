import { compileCatalogue } from '../../features/catalogue/compile.ts'
import type { FeatureDefinition } from '../../features/catalogue/define.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { FeaturePartition } from '../../features/partition.ts'
import { closeSlice, isSwept } from '../engine/steps.ts'
import type { LogShape } from '../intake/items.ts'

/** Where a borrower's warning was opened or cleared. */
export type Turn = { readonly offset: number; readonly isOpen: boolean }

export type RebuildParts = {
  readonly shape: LogShape
  readonly tenant: string
  readonly borrower: string
  /** T, UTC milliseconds. */
  readonly time: number
  /** By offset: a tick sweeps a borrower without a loan only for the sake of an open warning. */
  readonly turns: readonly Turn[]
}

/**
 * One borrower's state, rebuilt from the log alone, and its values at a time T of which the log need have no record. What
 * was received but is dated after T does not count yet: nobody had booked it, and its day had not ended.
 */
export class BorrowerRebuild {
  readonly #parts: RebuildParts
  readonly #features: FeaturePartition
  #turn = 0
  #isWarned = false
  /** The last record that counted. */
  last: LogRecord | undefined

  constructor(parts: RebuildParts) {
    this.#parts = parts
    this.#features = new FeaturePartition(parts.shape.partitions, parts.shape.slices)
  }

  /** Applies a record of the borrower's, or one of its tenant that concerns nobody in particular; in log order. */
  apply(record: LogRecord): void {
    const { event, offset } = record
    if (event.type === 'definitions.published') return
    if (event.type === 'tenant.configured') {
      this.#features.configure(event)
      return
    }
    if (event.time > this.#parts.time) return
    if (event.type !== 'day.closed') {
      this.#features.apply(event, offset)
      this.last = record
      return
    }
    const slice = closeSlice(this.#features, event)
    for (const borrower of slice?.borrowers ?? []) {
      this.last = record
      if (isSwept(borrower, slice?.end ?? 0, () => this.#isWarnedBefore(offset))) {
        this.#features.advance(borrower, slice?.end ?? 0)
      }
    }
  }

  /** Values in the catalogue's order, NaN where missing; undefined for a borrower of whom nothing was taken by then. */
  evaluate(catalogue: readonly FeatureDefinition[]): Float64Array | undefined {
    const borrower = this.#features.tenants.get(this.#parts.tenant)?.byToken.get(this.#parts.borrower)
    if (borrower === undefined || !Number.isFinite(borrower.time)) return undefined
    this.#features.advance(borrower, this.#parts.time)
    const values = new Float64Array(catalogue.length)
    compileCatalogue(catalogue)(borrower, values, 0)
    return values
  }

  #isWarnedBefore(offset: number): boolean {
    const { turns } = this.#parts
    for (let turn = turns[this.#turn]; turn !== undefined && turn.offset < offset; turn = turns[++this.#turn]) {
      this.#isWarned = turn.isOpen
    }
    return this.#isWarned
  }
}
