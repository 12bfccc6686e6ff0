import type { PublishedDefinitions } from '../../../features/events/contract.ts'
import type { LogRecord } from '../../../features/events/record.ts'
import type { Model } from '../../../models/model.ts'
import { type Definitions, resolveDefinitions } from '../../../pipelines/engine/definitions.ts'
import { Engine } from '../../../pipelines/engine/engine.ts'
import type { LogShape } from '../../../pipelines/intake/items.ts'
import type { Database } from '../../../sql/client.ts'
import { readLog } from '../../../sql/queries/log.ts'
import { CollectedRows } from './collected.ts'

/** The log of a data directory, partition by partition. */
export async function readWholeLog(database: Database, shape: LogShape): Promise<LogRecord[][]> {
  const sql = database.session()
  const log: LogRecord[][] = []
  for (let partition = 0; partition < shape.partitions; partition++) {
    const records: LogRecord[] = []
    for await (const page of readLog(sql, partition, 0)) records.push(...page)
    log.push(records)
  }
  await sql.close()
  return log
}

/** The records of all partitions as they might have arrived: each partition's in order, the partitions taking turns. */
export function interleave(log: readonly (readonly LogRecord[])[]): LogRecord[] {
  return log.flat().sort((a, b) => a.offset - b.offset || a.partition - b.partition)
}

export function newEngine(shape: LogShape, models: readonly Model[] = []): Engine {
  return new Engine(shape, (published) => resolved(published, models))
}

function resolved(published: PublishedDefinitions, models: readonly Model[]): Definitions {
  const outcome = resolveDefinitions(published, models)
  if (!outcome.ok) throw new Error(outcome.detail)
  return outcome.definitions
}

/** Hands records to an engine, so many at a time. */
export async function process(
  engine: Engine,
  records: readonly LogRecord[],
  batch = Number.POSITIVE_INFINITY,
  rows = new CollectedRows(),
): Promise<CollectedRows> {
  const size = Math.min(batch, Math.max(1, records.length))
  for (let at = 0; at < records.length; at += size) await engine.process(records.slice(at, at + size), rows)
  return rows
}

/** The log with another model in its definitions. */
export function withModel(records: readonly LogRecord[], model: string | null): LogRecord[] {
  return records.map((record) => {
    const { event } = record
    return event.type === 'definitions.published'
      ? { ...record, event: { ...event, data: { ...event.data, model } } }
      : record
  })
}
