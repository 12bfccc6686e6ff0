import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Bucket, BucketCopies } from '../checkpoint/bucket.ts'
import { checkpointFolder } from '../checkpoint/files.ts'
import { checkpointCache } from '../config.ts'
import type { Logger } from '../kafka/port.ts'
import { type ClusterConfig, checkpointBucket } from './cluster-config.ts'
import type { Ownership } from './ownership.ts'

/** What a process that ends may still spend on a copy: the next owner is waiting, and can do without. */
export const CLOSING_MS_MAX = 4000

/** Where a process keeps checkpoints, and where they are copied to. */
export type CheckpointPlace = {
  /** Folder of the checkpoints of all partitions, local or shared. */
  readonly folder: string
  readonly copiesOf?: ((partition: number, ownership: Ownership) => PartitionCopies) | undefined
  close(): void
}

/** Opens what the configuration says. */
export async function openCheckpointPlace(config: ClusterConfig, logger: Logger): Promise<CheckpointPlace> {
  const place = checkpointBucket(config)
  if (place === undefined) return { folder: config.checkpoints, close() {} }
  const { checkpoint_endpoint, checkpoint_region, checkpoint_path_style, checkpoint_cache } = config
  // Most clusters have none, and the client is large.
  const { openBucket } = await import('../checkpoint/bucket.ts')
  const bucket = openBucket({
    ...place,
    endpoint: checkpoint_endpoint,
    region: checkpoint_region,
    pathStyle: checkpoint_path_style,
  })
  const which = createHash('sha256').update(JSON.stringify([checkpoint_endpoint ?? '', place]))
  return bucketPlace(bucket, checkpoint_cache ?? checkpointCache(which.digest('hex').slice(0, 16)), logger)
}

export function bucketPlace(bucket: Bucket, folder: string, logger: Logger): CheckpointPlace {
  const outages = new Outages(logger)
  return {
    folder,
    copiesOf: (partition, ownership) => {
      const copies = bucket.copiesOf(partition, checkpointFolder(join(folder, String(partition))))
      return new PartitionCopies(copies, { partition, ownership, outages })
    },
    close: () => bucket.close(),
  }
}

/** Says once that the bucket does not answer, and once that it does again: a checkpoint is taken every few seconds. */
class Outages {
  readonly #logger: Logger
  #isOut = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  note(partition: number, { kind, ...outcome }: { readonly kind: string; readonly message?: string }): void {
    if (kind === 'CheckpointBucketUnavailable') {
      const level = this.#isOut ? 'debug' : 'warn'
      this.#isOut = true
      this.#logger(level, 'the checkpoint bucket is not available: going on without', { partition, ...outcome })
      return
    }
    if (kind !== 'stopped' && this.#isOut) {
      this.#isOut = false
      this.#logger('info', 'the checkpoint bucket answers again', { partition })
    }
    this.#logger('debug', `checkpoint copy: ${kind}`, { partition, ...outcome })
  }
}

type Parts = { readonly partition: number; readonly ownership: Ownership; readonly outages: Outages }

/** A partition's copies in the bucket, for as long as this process owns it. What fails is tried again with the next one. */
export class PartitionCopies {
  readonly #copies: BucketCopies
  readonly #parts: Parts
  readonly #stopping = new AbortController()
  readonly #signal: AbortSignal
  #deadline: NodeJS.Timeout | undefined
  #busy: Promise<void> = Promise.resolve()

  constructor(copies: BucketCopies, parts: Parts) {
    this.#copies = copies
    this.#parts = parts
    this.#signal = AbortSignal.any([this.#stopping.signal, parts.ownership.lost])
  }

  /** Before the local checkpoint is used. */
  async pull(identity: string): Promise<void> {
    const { partition, outages } = this.#parts
    outages.note(partition, await this.#copies.pull(identity, this.#signal))
  }

  /** After a checkpoint was written, and before the next one is. */
  async push(): Promise<void> {
    this.#busy = this.#push()
    await this.#busy
  }

  /** From now on there is not much time. */
  hurry(): void {
    this.#deadline ??= setTimeout(() => this.#stopping.abort(), CLOSING_MS_MAX).unref()
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    clearTimeout(this.#deadline)
    this.#stopping.abort()
    await this.#busy.catch(() => {})
  }

  async #push(): Promise<void> {
    const { partition, ownership, outages } = this.#parts
    outages.note(partition, await this.#copies.push(async () => ownership.isCurrent(), this.#signal))
  }
}
