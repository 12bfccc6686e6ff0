import type { Evaluate } from '../../features/catalogue/compile.ts'
import type { FeatureDefinition } from '../../features/catalogue/define.ts'
import type { EventOf } from '../../features/events/contract.ts'
import { FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import type { RebuildRecord } from '../../sql/queries/rebuild.ts'
import type { PlaceOfBorrower, WarningTurn } from '../../sql/queries/stored-ticks.ts'
import { type Coverage, withhold } from '../engine/coverage.ts'
import { withheldColumns } from '../engine/definitions.ts'
import { closeSlice, evaluationMeta, isSwept } from '../engine/steps.ts'
import type { PlaceCursor } from './place-cursor.ts'
import type { BackfillWriter } from './writer.ts'

export type RewriteParts = {
  readonly shape: { readonly partitions: number; readonly slices: number }
  readonly catalogue: readonly FeatureDefinition[]
  /** The catalogue compiled: once for all partitions, as it takes a while to get fast. */
  readonly evaluate: Evaluate
  /** With the features that this backfill brings. */
  readonly coverage: Coverage
  /** Rows below it are there already. */
  readonly fromOffset: number
  readonly ticks: PlaceCursor<PlaceOfBorrower>
  readonly turns: PlaceCursor<WarningTurn>
  readonly writer: BackfillWriter
}

/**
 * The state of one partition, without decisions: it applies the log as the engine does and writes whole rows of
 * `features` again. Which ticks have a row, and whom a tick sweeps for the sake of an open warning, the tables tell, so
 * that nothing is scored.
 */
export class Rewrite {
  readonly #parts: RewriteParts
  readonly #features: FeaturePartition
  readonly #row: Float64Array
  #withheld: Int32Array
  /** Borrowers whose warning is open, as tenant and token. */
  readonly #warned = new Set<string>()

  constructor(parts: RewriteParts) {
    const { shape, catalogue } = parts
    this.#parts = parts
    this.#features = new FeaturePartition(shape.partitions, shape.slices)
    this.#row = new Float64Array(catalogue.length)
    this.#withheld = withheldColumns(catalogue, { features: [] })
  }

  /** Applies one record and hands over its rows. Only a tick has to wait, for what the tables say of it. */
  apply(record: RebuildRecord): Promise<void> | undefined {
    const { event } = record
    if (event.type === 'day.closed') return this.#sweep(record, event)
    if (event.type === 'tenant.configured') this.#features.configure(event)
    else if (event.type === 'definitions.published') {
      this.#withheld = withheldColumns(this.#parts.catalogue, event.data)
    } else {
      const applied = this.#features.apply(event, record.offset)
      if (applied.kind !== 'applied' || record.offset < this.#parts.fromOffset) return undefined
      this.#write(applied.borrower, record, applied.borrower.time - event.time)
    }
    return undefined
  }

  async #sweep(record: RebuildRecord, event: EventOf<'day.closed'>): Promise<void> {
    const { ticks, turns } = this.#parts
    await turns.takeThrough(record.offset - 1, ({ tenant, borrower, isOpen }) => {
      if (isOpen) this.#warned.add(keyOf(tenant, borrower))
      else this.#warned.delete(keyOf(tenant, borrower))
    })
    const stored = new Set<string>()
    await ticks.takeThrough(record.offset, ({ offset, borrower }) => {
      if (offset === record.offset) stored.add(borrower)
    })
    const slice = closeSlice(this.#features, event)
    if (slice === undefined) return
    for (const borrower of slice.borrowers) {
      const isWarned = () => this.#warned.has(keyOf(event.tenant, borrower.token))
      if (!isSwept(borrower, slice.end, isWarned)) continue
      this.#features.advance(borrower, slice.end)
      if (stored.has(borrower.token)) this.#write(borrower, record, 0)
    }
  }

  #write(borrower: Borrower, record: RebuildRecord, lateMs: number): void {
    const { coverage, evaluate, writer } = this.#parts
    evaluate(borrower, this.#row, 0)
    withhold(this.#row, 0, this.#withheld, coverage, record.partition, record.offset)
    writer.append(evaluationMeta(borrower, record, lateMs), this.#row)
  }
}

function keyOf(tenant: string, borrower: string): string {
  return `${tenant}\u0000${borrower}`
}
