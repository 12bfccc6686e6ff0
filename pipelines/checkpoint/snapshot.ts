import { join } from 'node:path'
import { NOBODY_ASKS } from '../../features/partition.ts'
import { wordsOfBorrower, writeBorrower } from '../../features/state/serialize.ts'
import type { Tenant } from '../../features/state/tenant.ts'
import type { WordBuffer } from '../../features/state/words.ts'
import { BorrowerSet } from '../engine/borrower-set.ts'
import type { Engine } from '../engine/engine.ts'
import type { PartitionState, SnapshotUnderWay } from '../engine/partition-state.ts'
import { CHUNK_WORDS, ChunkWriter } from './chunk-file.ts'
import { writeDecision } from './decision-words.ts'
import { type Chunk, copyShells, type PartitionShell } from './manifest.ts'

/** What one slice copies at the most, a few milliseconds of work: nothing else is done meanwhile. */
export const SLICE_BORROWERS_MAX = 500
export const SLICE_WORDS_MAX = 512 * 1024
/** Borrowers that are copied for each batch of evaluations: about a tenth of what these take. */
const TURN_BORROWERS = 200
/** Who a borrower is takes far less than what is known of it. */
export const SLICE_NAMES_MAX = 5000
/** Room for a borrower's decision and its few reports; more of them make a chunk larger. */
const REST_WORDS = 1024

/** What is copied of one partition. */
type PartitionCopy = {
  /** Which one of the engine's partitions it is: the file calls it so. */
  readonly number: number
  readonly state: PartitionState
  /** Borrowers whose state is still to be copied: it is as it was at the snapshot's place. */
  readonly pending: BorrowerSet
  /** Nobody before this one is pending. */
  from: number
  /** Borrowers there were, and the next one whose name is to be copied. */
  readonly borrowers: number
  named: number
  /** By tenant: its number, and the last closed day of each slice, −Infinity before any. */
  readonly tenants: ReadonlyMap<Tenant, { readonly number: number; readonly closedDays: readonly number[] }>
}

/**
 * The engine's state at one place in its log, copied to a file slice by slice while the engine goes on: a borrower that
 * is about to change is copied first.
 */
export class Snapshot implements SnapshotUnderWay {
  readonly name: string
  readonly isBase: boolean
  readonly shells: readonly PartitionShell[]
  readonly #engine: Engine
  readonly #copies: readonly PartitionCopy[]
  readonly #turnBorrowers: number
  readonly #writer: ChunkWriter
  #names: WordBuffer
  #states: WordBuffer

  /**
   * Begins the file `name`. The engine must be between two calls, with no other snapshot under way. `named` borrowers of each partition are in
   * the files that this one comes after; null where it is a base, which holds all.
   */
  constructor(
    engine: Engine,
    folder: string,
    name: string,
    named: readonly number[] | null,
    turnBorrowers = TURN_BORROWERS,
  ) {
    if (engine.snapshot !== null) throw new Error('another snapshot is under way')
    this.name = name
    this.isBase = named === null
    this.#engine = engine
    this.#turnBorrowers = turnBorrowers
    for (const { features } of engine.partitions) features.book.save()
    this.shells = copyShells(engine)
    this.#writer = new ChunkWriter(join(folder, name))
    this.#names = this.#writer.take()
    this.#states = this.#writer.take()
    this.#copies = engine.partitions.map((state, number) => {
      const { features, dirty } = state
      state.dirty = new BorrowerSet()
      const borrowers = features.borrowers.length
      const copy: PartitionCopy = {
        number,
        state,
        pending: this.isBase ? new BorrowerSet(borrowers) : dirty,
        from: 0,
        borrowers,
        named: named?.[number] ?? 0,
        tenants: new Map(
          [...features.tenants.values()].map(({ tenant, slices }, of) => [
            tenant,
            { number: of, closedDays: slices.map((slice) => slice.closed_day) },
          ]),
        ),
      }
      features.beforeChange = (index) => {
        if (copy.pending.has(index)) this.#copyState(copy, index)
      }
      return copy
    })
    engine.snapshot = this
  }

  /** Copies some more, in a few milliseconds. False when there is nothing more to copy. */
  copySlice(borrowersMax = SLICE_BORROWERS_MAX): boolean {
    if (this.#engine.snapshot !== this) return false
    let names = 0
    let borrowers = 0
    let words = 0
    for (const copy of this.#copies) {
      for (; copy.named < copy.borrowers; copy.named++) {
        if (names++ === SLICE_NAMES_MAX) return true
        this.#copyName(copy, copy.named)
      }
      for (let index = copy.pending.next(copy.from); index >= 0; index = copy.pending.next(index)) {
        copy.from = index
        if (borrowers++ === borrowersMax || words > SLICE_WORDS_MAX) return true
        words += this.#copyState(copy, index)
      }
      copy.from = copy.borrowers
    }
    this.#detach()
    this.#writer.add('names', this.#names)
    this.#writer.add('states', this.#states)
    return false
  }

  async turn(): Promise<void> {
    this.copySlice(this.#turnBorrowers)
    await this.room()
  }

  /** Chunks that wait to be written. */
  get waiting(): number {
    return this.#writer.waiting
  }

  async room(): Promise<void> {
    await this.#writer.room()
  }

  /** Makes the file durable, once all is copied. */
  async finish(): Promise<Chunk[]> {
    return this.#writer.finish()
  }

  /** Lets engine and file go, finished or not. */
  async close(): Promise<void> {
    this.#detach()
    await this.#writer.close()
  }

  #detach(): void {
    if (this.#engine.snapshot !== this) return
    this.#engine.snapshot = null
    for (const { state } of this.#copies) state.features.beforeChange = NOBODY_ASKS
  }

  #copyName({ number, state, tenants }: PartitionCopy, index: number): void {
    const { tenant, token } = state.features.borrowers[index] as PartitionState['features']['borrowers'][number]
    if (this.#names.at + REST_WORDS > CHUNK_WORDS) {
      this.#writer.add('names', this.#names)
      this.#names = this.#writer.take()
    }
    const to = this.#names
    to.put(number)
    to.put(tenants.get(tenant)?.number as number)
    to.putText(token, 'latin1')
  }

  /** Copies a borrower that is pending and returns the words that it took. */
  #copyState({ number, state, pending, tenants }: PartitionCopy, index: number): number {
    pending.delete(index)
    const { tenant, slice } = state.features.borrowers[index] as PartitionState['features']['borrowers'][number]
    const room = wordsOfBorrower(index, state.features) + REST_WORDS
    if (this.#states.at > 0 && this.#states.at + room > CHUNK_WORDS) {
      this.#writer.add('states', this.#states)
      this.#states = this.#writer.take()
    }
    const to = this.#states
    const start = to.at
    to.reserve(room)
    to.put(0)
    to.put(number)
    to.put(index)
    to.putDouble(tenants.get(tenant)?.closedDays[slice] ?? Number.NEGATIVE_INFINITY)
    writeBorrower(index, state.features, to)
    writeDecision(state.decisions.get(index), to)
    to.words[start] = to.at - start
    return to.at - start
  }
}
