import type { FeaturePartition } from '../../features/partition.ts'
import { type DecisionState, isBlank } from '../../models/decision/state.ts'
import type { BorrowerSet } from './borrower-set.ts'
import type { Definitions } from './definitions.ts'

/** What the engine remembers of a partition. */
export type PartitionState = {
  readonly partition: number
  readonly features: FeaturePartition
  /** By borrower's index: those of whom something was decided, the others are blank. */
  readonly decisions: Map<number, DecisionState>
  /** Last number of the feed, by tenant. */
  readonly feedSeqs: Map<string, number>
  /** Borrowers whose state changed since the last checkpoint. */
  dirty: BorrowerSet
  definitions: Definitions | null
  /** Offset of the last record applied, −1 before the first. */
  offset: number
}

/**
 * A snapshot under way. It has its turn after each batch of evaluations: a busy engine lets nobody else come by, and must
 * wait where the file can't follow what was copied.
 */
export type SnapshotUnderWay = { turn(): Promise<void> }

/** Keeps what was decided of a borrower; what has become blank again is forgotten. */
export function keepDecision(state: PartitionState, index: number, decided: DecisionState): void {
  if (isBlank(decided)) state.decisions.delete(index)
  else state.decisions.set(index, decided)
  state.dirty.add(index)
}
