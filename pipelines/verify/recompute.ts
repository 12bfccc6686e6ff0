import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { FeatureDefinition } from '../../features/catalogue/define.ts'
import type { Sql } from '../../sql/client.ts'
import { readLog } from '../../sql/queries/log.ts'
import type { Coverage } from '../engine/coverage.ts'
import { Engine, type Resolve } from '../engine/engine.ts'
import { type RowWatcher, Sink } from '../engine/sink.ts'
import { OnlyTenant } from './only-tenant.ts'

/** Records of one page, and of one call of the engine: events that arrive meanwhile wait for no more than that. */
const LOG_PAGE_ROWS = 2000
const ENGINE_RECORDS = 256

const NOBODY: RowWatcher = { warning() {}, refused() {}, late() {} }

export type RecomputeParts = {
  readonly shape: { readonly partitions: number; readonly slices: number }
  readonly resolve: Resolve
  readonly catalogue: readonly FeatureDefinition[]
  readonly coverage: Coverage
  /** Per partition the first place that is not computed any more. */
  readonly ends: readonly number[]
  readonly tenant: string | undefined
  readonly onRecords: (count: number) => void
  readonly signal: AbortSignal
}

/** Computes all rows again from the log that `log` reads, partition by partition, into the tables that `target` writes. */
export async function recompute(log: Sql, target: Sql, parts: RecomputeParts): Promise<void> {
  const { shape, resolve, catalogue, coverage, ends } = parts
  const sink = new Sink(target, new Map(), NOBODY, { catalogue })
  for (let partition = 0; partition < shape.partitions; partition++) {
    // A partition's state is a function of its own log: one engine for each holds no more than one of them.
    const engine = new Engine(shape, resolve, { catalogue, coverage })
    await recomputePartition(log, engine, sink, partition, ends[partition] ?? 0, parts)
  }
  await sink.flush()
}

async function recomputePartition(
  log: Sql,
  engine: Engine,
  sink: Sink,
  partition: number,
  end: number,
  { tenant, onRecords, signal }: RecomputeParts,
): Promise<void> {
  if (end === 0) return
  for await (const page of readLog(log, partition, 0, LOG_PAGE_ROWS)) {
    for (let at = 0; at < page.length; at += ENGINE_RECORDS) {
      signal.throwIfAborted()
      const records = page.slice(at, at + ENGINE_RECORDS).filter(({ offset }) => offset < end)
      const { outputs } = sink
      await engine.process(records, tenant === undefined ? outputs : new OnlyTenant(tenant, outputs))
      await sink.flushIfDue()
      onRecords(records.length)
      await yieldToOthers()
    }
    if ((page.at(-1)?.offset ?? 0) >= end - 1) return
  }
}
