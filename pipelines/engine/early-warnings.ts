import type { Sql } from '../../sql/client.ts'
import { createWarningsBlock, type WarningsBlock } from '../../sql/tables/warnings.ts'

/** How warnings get ahead of the block that they belong to. */
export type EarlyWarningsOptions = {
  /** A session of their own: on the sink's they would wait behind wide blocks. */
  readonly sql: Sql
  /** A warning is written at most so long after it was made, where neither engine nor tables hold it up. */
  readonly afterMs: number
  /** Asked before each write. Where it says no, the warnings stay with their block. */
  readonly mayWrite: () => boolean
}

/**
 * Writes warnings by themselves, without waiting for the wide rows made with them. Rows are keyed by their place and
 * `progress` comes last all the same, so that a start which makes them again makes the same.
 */
export class EarlyWarnings {
  readonly #options: EarlyWarningsOptions
  readonly #take: (spare: WarningsBlock) => WarningsBlock
  #spare = createWarningsBlock()
  #writing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  /** `take` gives the warnings that wait, and puts the empty block in their place. */
  constructor(options: EarlyWarningsOptions, take: (spare: WarningsBlock) => WarningsBlock) {
    this.#options = options
    this.#take = take
  }

  /** Takes note that a warning was made: it is written soon, with those that are made until then. */
  made(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.writeNow()
    }, this.#options.afterMs).unref()
  }

  /** Starts writing what waits, after what is being written. */
  writeNow(): void {
    this.#writing = this.#writing.then(() => this.#write())
    // Whoever waits for it next sees the failure; until then it must not count as unhandled.
    this.#writing.catch(() => {})
  }

  /** Resolves when all that went ahead so far is durable; rejects where that failed, now or earlier. */
  written(): Promise<void> {
    return this.#writing
  }

  /** Writes no more, and waits for what is under way, well or badly. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#writing.catch(() => {})
  }

  async #write(): Promise<void> {
    if (!this.#options.mayWrite()) return
    const block = this.#take(this.#spare)
    if (block.rows > 0) await this.#options.sql.insertBlock('warnings', block)
    block.clear()
    this.#spare = block
  }
}
