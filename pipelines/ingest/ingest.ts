import { dayOfDate } from '../../features/time.ts'
import type { Incoming } from '../intake/items.ts'
import type { Pipeline } from '../run/pipeline.ts'
import { mergeSources } from '../sources/merge.ts'
import { openSources } from '../sources/open.ts'
import { BATCH_ITEMS_MAX, type SourceFailure } from '../sources/source.ts'
import { createFileRegistry } from './file-registry.ts'

export type IngestProgress = {
  /** Lines read in this run. */
  readonly lines: number
  readonly consumed_bytes: number
  /** Stored size of all files; undefined with standard input. */
  readonly size_bytes: number | undefined
}

export type IngestOptions = {
  readonly tenant: string
  /** Paths, `-` for standard input. */
  readonly files: readonly string[]
  readonly sort: boolean
  /** Date through which the tenant's days are closed at the end, by somebody who knows that nothing more will come. */
  readonly closeThrough?: string
  /** Lines that are appended at once. */
  readonly batchItemsMax?: number
  readonly onProgress?: (progress: IngestProgress) => void
  /** Stops between two batches when aborted. */
  readonly signal?: AbortSignal
}

/** How it ended; `failures` are files that could not be read to their end. */
export type Ingested =
  | { readonly ok: true; readonly failures: readonly string[]; readonly contained: readonly string[] }
  | { readonly ok: false; readonly detail: string }

/** Puts files through the whole pipeline and waits until everything they hold is in the tables. */
export async function ingest(pipeline: Pipeline, options: IngestOptions): Promise<Ingested> {
  const sql = pipeline.database.session()
  try {
    const registry = createFileRegistry(sql)
    const standardInput = { stream: process.stdin, n: pipeline.intake.nextStream('stdin') }
    const resumeAfter = (partition: string) => Math.max(0, pipeline.intake.positionOf(options.tenant, partition))
    const opened = await openSources(options.files, registry, { sort: options.sort, resumeAfter }, standardInput)
    if (!opened.ok) return { ok: false, detail: opened.detail }
    const { sources, contained } = opened
    const sizes = sources.map((source) => source.size_bytes)
    const size = sizes.some((one) => one === undefined)
      ? undefined
      : sizes.reduce<number>((sum, one) => sum + (one as number), 0)
    const merged = mergeSources(sources, options.tenant)
    const failures: string[] = []
    let lines = 0
    try {
      while (options.signal?.aborted !== true) {
        const outcome = await merged.read(options.batchItemsMax ?? BATCH_ITEMS_MAX)
        if (outcome.kind === 'end') {
          for (const entry of merged.progressEntries()) await registry.put(entry)
          break
        }
        if (outcome.kind === 'failed') {
          failures.push(describeFailure(outcome.name, outcome))
          // The other files' later items would find their place before this one's, were they read on now.
          break
        }
        const items = outcome.items.map((item): Incoming => ({ ...item, tenant: options.tenant, item: 0 }))
        for (const entry of merged.progressEntries()) await registry.put(entry)
        await pipeline.take(items, undefined)
        lines += items.length
        const consumed = sources.reduce((sum, source) => sum + source.consumedBytes(), 0)
        options.onProgress?.({ lines, consumed_bytes: consumed, size_bytes: size })
      }
    } finally {
      await merged.close()
    }
    if (options.closeThrough !== undefined) await closeThrough(pipeline, options.tenant, options.closeThrough)
    await pipeline.drain()
    return { ok: true, failures, contained }
  } finally {
    await sql.close()
  }
}

async function closeThrough(pipeline: Pipeline, tenant: string, date: string): Promise<void> {
  while (await pipeline.closeThrough(tenant, dayOfDate(date))) {
    // One day after the other, each an insert of its own.
  }
}

function describeFailure(name: string, failure: SourceFailure): string {
  return `${name}: ${failure.detail}`
}
