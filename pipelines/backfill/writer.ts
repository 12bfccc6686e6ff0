import type { Sql } from '../../sql/client.ts'
import { type BackfillRow, createBackfillsBlock } from '../../sql/tables/backfills.ts'
import { createFeaturesBlock, type FeaturesBlock } from '../../sql/tables/features.ts'
import type { EvaluationMeta } from '../engine/outputs.ts'

/** Rows of one block: few enough to be filled while the one before is written, many enough for few parts. */
export const BACKFILL_ROWS_PER_BLOCK = 40_000
/** A block is full only after a record, and a tick's rows are many: room for them saves a copy of all columns. */
const ROOM_PER_ROW = 1.25

/**
 * Writes one generation's rows, partition after partition, block by block, and after each the place that it reaches to: a start
 * after a kill goes on from there, and what was written beyond it is written again to the same bits.
 */
export class BackfillWriter {
  readonly #sql: Sql
  /** What is on record for the generation and partition being written. */
  #rows: readonly BackfillRow[] = []
  #generation = 0
  readonly #rowsPerBlock: number
  readonly #record = createBackfillsBlock()
  #filling: FeaturesBlock
  #spare: FeaturesBlock
  #writing: Promise<void> = Promise.resolve()
  rows_written = 0

  constructor(sql: Sql, featureColumns: readonly string[], rowsPerBlock = BACKFILL_ROWS_PER_BLOCK) {
    this.#sql = sql
    this.#rowsPerBlock = rowsPerBlock
    const room = Math.ceil(rowsPerBlock * ROOM_PER_ROW)
    this.#filling = createFeaturesBlock(featureColumns, room)
    this.#spare = createFeaturesBlock(featureColumns, room)
  }

  /** Goes on to a partition: `rows` are those of `backfills` for it and the generation. The one before must be finished. */
  begin(rows: readonly BackfillRow[]): void {
    this.#rows = rows
    this.#generation = (rows[0] as BackfillRow).generation
  }

  append(meta: EvaluationMeta, matrix: Float64Array): void {
    this.#filling.append({ ...meta, generation: this.#generation }, matrix, 0)
  }

  get isFull(): boolean {
    return this.#filling.rows >= this.#rowsPerBlock
  }

  /** Starts writing what there is: all rows of places below `next_offset`. Waits while the block before is written. */
  async write(next_offset: number): Promise<void> {
    await this.#writing
    const block = this.#filling
    this.#filling = this.#spare
    this.#spare = block
    this.#writing = this.#writeBlock(block, next_offset)
    // Whoever waits for it next sees the failure; until then it must not count as unhandled.
    this.#writing.catch(() => {})
  }

  async finish(next_offset: number): Promise<void> {
    await this.write(next_offset)
    await this.#writing
  }

  async #writeBlock(block: FeaturesBlock, next_offset: number): Promise<void> {
    await this.#sql.insertBlock('features', block)
    this.rows_written += block.rows
    block.clear()
    this.#record.clear()
    for (const row of this.#rows) this.#record.append({ ...row, next_offset })
    await this.#sql.insertBlock('backfills', this.#record)
  }
}
