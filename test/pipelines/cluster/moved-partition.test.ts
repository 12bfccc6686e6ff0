import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import { canonicalData } from '../../../features/events/decode.ts'
import type { LogRecord } from '../../../features/events/record.ts'
import { openBucket } from '../../../pipelines/checkpoint/bucket.ts'
import { bucketPlace, type CheckpointPlace } from '../../../pipelines/cluster/checkpoint-copies.ts'
import { toMessage } from '../../../pipelines/cluster/log-message.ts'
import { featureColumns, openPartition } from '../../../pipelines/cluster/open-partition.ts'
import { OWN_SOURCE, prepare } from '../../../pipelines/intake/prepare.ts'
import type { KafkaRecord } from '../../../pipelines/kafka/port.ts'
import type { Database } from '../../../sql/client.ts'
import { openEmbedded } from '../../../sql/embedded.ts'
import { ensureFeatureColumns, migrate } from '../../../sql/migrate.ts'
import { type S3Server, startS3 } from '../checkpoint/s3-server.ts'
import { stateOf } from '../checkpoint/support.ts'
import { interleave, readWholeLog } from '../engine/replay.ts'
import { toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const folder = temporaryFolder()
const shape = { partitions: 1, slices: 2 }

function toKafka({ event, offset, received_at, source_partition, source_position }: LogRecord): KafkaRecord {
  const { data, hashes } =
    event.subject === ''
      ? { data: canonicalData(event), hashes: new Uint32Array(4) }
      : prepare({ ok: true, event, dropped_fields: 0 })
  const isOwn = source_partition === OWN_SOURCE
  const position = isOwn ? undefined : source_position
  const message = toMessage({ event, data, hashes, received_at, source_partition, source_position: position }, 0)
  return { offset, key: null, value: Buffer.from(message.value), headers: message.headers, timestampMs: received_at }
}

async function readLog(): Promise<KafkaRecord[]> {
  const records = await withPipeline(
    join(folder, 'log'),
    async (pipeline) => {
      const lines = historyLines({ borrowers: 10, days: 30, seed: 6 })
      await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:history' }), undefined)
      await pipeline.drain()
      return interleave(await readWholeLog(pipeline.database, shape))
    },
    { shape, withoutModel: true },
  )
  return records.map(toKafka)
}

async function openTables(): Promise<Database> {
  const database = await openEmbedded(join(folder, 'tables'))
  if ('locked' in database) throw new Error('the tables are locked')
  const sql = database.session()
  await migrate(sql)
  await ensureFeatureColumns(sql, featureColumns(CATALOGUE))
  await sql.close()
  return database
}

function placeOf(s3: S3Server, name: string): CheckpointPlace {
  const credentials = { accessKeyId: 'someone', secretAccessKey: 'secret' }
  const bucket = openBucket({ bucket: 'bucket', prefix: 'p', endpoint: s3.url, pathStyle: true, credentials })
  return bucketPlace(bucket, join(folder, name), () => undefined)
}

it('a partition that moves to another machine goes on from its checkpoint in the bucket', async () => {
  const log = await readLog()
  const database = await openTables()
  const s3 = await startS3()
  const details: string[] = []
  const open = (machine: string, number: number) =>
    openPartition(
      {
        database,
        patiently: (sql) => sql,
        shape,
        models: [],
        catalogue: CATALOGUE,
        checkpoints: placeOf(s3, machine),
        watcher: { warning() {}, refused() {}, late() {} },
        partitionsAtOnce: 1,
        checkpointEvaluations: 100,
        onOpened: (_, detail) => details.push(detail),
      },
      0,
      { number, isCurrent: () => true, lost: new AbortController().signal },
    )
  const half = Math.floor(log.length / 2)
  const one = await open('one', 1)
  await one.take(log.slice(0, half - 200))
  const closing = one.close()
  // A batch that comes while the process ends is in the checkpoint and the tables, or in neither.
  await Promise.all([closing, one.take(log.slice(half - 200, half))])
  rmSync(join(folder, 'one'), { recursive: true })
  const two = await open('two', 2)
  expect(details).toEqual(['no checkpoint', expect.stringMatching(/^\d+ borrowers$/)])
  expect(await stateOf(two.engine)).toEqual(await stateOf(one.engine))
  // Without the bucket the worker goes on, and the next one rebuilds.
  await s3.close()
  await two.take(log.slice(half))
  await two.close()
  expect(two.durable).toBe(log.length)
  rmSync(join(folder, 'two'), { recursive: true })
  const three = await open('three', 3)
  expect(details[2]).toBe('no checkpoint')
  expect(await stateOf(three.engine)).toEqual(await stateOf(two.engine))
  await three.abandon()
  await database.close()
}, 120_000)
