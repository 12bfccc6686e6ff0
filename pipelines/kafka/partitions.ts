import { nameOfPartition } from './membership.ts'
import type { Generation, Position, Progress, TopicPartition } from './port.ts'

/** A partition that this member owns. */
export type Owned = TopicPartition & {
  readonly generation: Generation
  /** Offset of the next record to hand over; undefined until it is known and the partition may be read. */
  position: number | undefined
  /** Counts the times that the position was set from outside, so that a batch in work does not move it then. */
  seeks: number
  highWatermark: number
  caughtUpAtMs: number | undefined
  isPaused: boolean
  /** Since when (performance.now) a batch of it is in work. */
  busySince: number | undefined
  /** What is being done for it: resolved when nothing is. Never rejects. */
  work: Promise<void>
  readonly lose: () => void
}

/** The partitions that this member owns. */
export function createOwnedPartitions(isConfirmed: () => boolean) {
  const owned = new Map<string, Owned>()

  function own(partition: TopicPartition, number: number): Owned {
    const lost = new AbortController()
    const generation: Generation = {
      number,
      lost: lost.signal,
      isCurrent: () => !lost.signal.aborted && isConfirmed(),
    }
    const entry: Owned = {
      ...partition,
      generation,
      position: undefined,
      seeks: 0,
      highWatermark: 0,
      caughtUpAtMs: undefined,
      isPaused: false,
      busySince: undefined,
      work: Promise.resolve(),
      lose: () => lost.abort(),
    }
    owned.set(nameOfPartition(partition), entry)
    return entry
  }

  return {
    all: () => [...owned.values()],
    get: (partition: TopicPartition) => owned.get(nameOfPartition(partition)),

    /** Takes over a new assignment: who has come and who has gone. With `isUnbroken` false all that is held goes first. */
    assign(
      assignment: readonly TopicPartition[],
      number: number,
      isUnbroken: boolean,
    ): { come: Owned[]; gone: Owned[] } {
      const kept = new Set(isUnbroken ? assignment.map(nameOfPartition) : [])
      const gone = [...owned.values()].filter((entry) => !kept.has(nameOfPartition(entry)))
      for (const entry of gone) {
        entry.lose()
        owned.delete(nameOfPartition(entry))
      }
      const come = assignment
        .filter((partition) => !owned.has(nameOfPartition(partition)))
        .map((partition) => own(partition, number))
      return { come, gone }
    },

    setPaused(partitions: readonly TopicPartition[], isPaused: boolean): void {
      for (const partition of partitions) {
        const entry = owned.get(nameOfPartition(partition))
        if (entry !== undefined) entry.isPaused = isPaused
      }
    },

    seek({ offset, ...partition }: Position): void {
      const entry = owned.get(nameOfPartition(partition))
      if (entry === undefined) return
      entry.position = offset
      entry.seeks++
    },

    progress: (): Progress[] =>
      [...owned.values()].flatMap(({ topic, partition, position, highWatermark, caughtUpAtMs }) =>
        position === undefined ? [] : [{ topic, partition, offset: position, highWatermark, caughtUpAtMs }],
      ),
  }
}
