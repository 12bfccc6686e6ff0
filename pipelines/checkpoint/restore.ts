import type { TenantBorrowers } from '../../features/partition.ts'
import { readBorrower, runMemory } from '../../features/state/serialize.ts'
import type { WordBuffer } from '../../features/state/words.ts'
import { BorrowerSet } from '../engine/borrower-set.ts'
import type { Engine } from '../engine/engine.ts'
import type { PartitionState } from '../engine/partition-state.ts'
import { readChunks, readsOf } from './chunk-reader.ts'
import { readDecision } from './decision-words.ts'
import { type Manifest, restoreShells } from './manifest.ts'

/**
 * Brings a new engine to where the files are. Throws `DamagedFile` when one is not as it was written: the engine is then
 * of no use any more.
 */
export async function restoreEngine(engine: Engine, folder: string, manifest: Manifest): Promise<void> {
  restoreShells(engine, manifest.partitions)
  const groups = engine.partitions.map(({ features }) => [...features.tenants.values()])
  const names = manifest.files.flatMap((file) => readsOf(file, 'names'))
  // The newest copy of a borrower counts, so the files are looked through from the last to the first.
  const states = manifest.files.toReversed().flatMap((file) => readsOf(file, 'states'))
  const memory = engine.partitions.flatMap(({ features }) => runMemory(features))
  const reader = readChunks(folder, manifest.files, [...names, ...states], memory)
  try {
    for (const _ of names) restoreNames(engine, groups, await reader.next())
    manifest.partitions.forEach(({ borrowers }, partition) => {
      const restored = engine.partitions[partition]?.features.borrowers.length
      if (restored !== borrowers) throw new Error(`partition ${partition} has ${restored} borrowers, not ${borrowers}`)
    })
    const restored = engine.partitions.map(() => new BorrowerSet())
    for (const _ of states) restoreStates(engine, restored, await reader.next())
  } finally {
    await reader.close()
  }
}

function restoreNames(engine: Engine, groups: readonly TenantBorrowers[][], from: WordBuffer): void {
  while (from.at < from.words.length) {
    const partition = from.get()
    const group = groups[partition]?.[from.get()] as TenantBorrowers
    engine.partitions[partition]?.features.borrowerOf(group, from.getText('latin1'))
  }
}

function restoreStates(engine: Engine, restored: readonly BorrowerSet[], from: WordBuffer): void {
  for (let start = 0; start < from.words.length; ) {
    from.at = start
    start += from.get()
    const partition = from.get()
    const index = from.get()
    const done = restored[partition] as BorrowerSet
    if (done.has(index)) continue
    done.add(index)
    restoreState(engine.partitions[partition] as PartitionState, index, from)
  }
}

function restoreState(state: PartitionState, index: number, from: WordBuffer): void {
  const closedWhenCopied = from.getDouble()
  readBorrower(index, state.features, from)
  const decision = readDecision(from)
  if (decision !== undefined) state.decisions.set(index, decision)
  // A quiet day's sweep moves the as-of time and nothing else, so it leaves no copy behind. Days that were closed before
  // the copy are part of it, or swept a borrower who was not exposed yet.
  const borrower = state.features.borrowers[index] as PartitionState['features']['borrowers'][number]
  const { tenant, slice } = borrower
  const closed = state.features.tenantOf(tenant.name).slices[slice]?.closed_day ?? Number.NEGATIVE_INFINITY
  if (closed > closedWhenCopied && (borrower.isExposed() || (decision?.warning ?? null) !== null)) {
    borrower.time = Math.max(borrower.time, tenant.calendar.endOfDay(closed))
  }
}
