import { join } from 'node:path'
import { canonicalData } from '../../../features/events/decode.ts'
import { startCluster } from '../../../pipelines/cluster/cluster.ts'
import { toMessage } from '../../../pipelines/cluster/log-message.ts'
import { prepare } from '../../../pipelines/intake/prepare.ts'
import type { NewRecord } from '../../../pipelines/kafka/port.ts'
import { openEmbedded } from '../../../sql/embedded.ts'
import { readLog } from '../../../sql/queries/log.ts'
import { readProgress } from '../../../sql/queries/progress.ts'
import { runCliMeasured, type Usage } from '../child.ts'
import { type Context, number, type Outcome, spread, tableHead, tableRow } from '../part.ts'
import { simulateFile } from '../throughput.ts'
import {
  type Bed,
  clusterConfig,
  cpuOf_s,
  PARTITIONS,
  produceAll,
  type Store,
  startBed,
  startMember,
  startStore,
  untilTrue,
} from './bed.ts'

const PREFIX = `workers-${process.pid}`
const OF_FILE_MIN = 0.9
const TWO_OF_ONE_MIN = 0.9

type FileRun = { readonly events: number; readonly evaluations: number; readonly usage: Usage }
type Run = {
  readonly workers: number
  readonly evaluations: number
  readonly seconds: number
  /** Of all workers, from their start until everything is durable. */
  readonly worker_s: number
  readonly broker_s: number
  readonly clickhouse_s: number
}

/** The log that `ingest` makes of a file is put into Kafka as it is, so that workers compute the same from it. */
export async function measureWorkers({ folder, isQuick }: Context): Promise<Outcome> {
  const file = await simulateFile(folder, isQuick ? { borrowers: 200, months: 6 } : { borrowers: 1000, months: 12 })
  const data = join(folder, 'file-data')
  const bed = await startBed()
  const files: FileRun[] = []
  const runs: Run[] = []
  try {
    files.push(await ingest(data, file))
    await fillLog(bed, folder, data)
    for (let round = 0; round < (isQuick ? 1 : 3); round++) {
      if (round > 0) files.push(await ingest(join(folder, `again-${round}`), file))
      for (const workers of round % 2 === 0 ? [1, 2] : [2, 1]) {
        runs.push(await runWorkers(bed, join(folder, `run-${round}-${workers}`), workers))
      }
    }
  } finally {
    await bed.close()
  }
  return describe(files, runs)
}

async function ingest(data: string, file: string): Promise<FileRun> {
  const { out, usage } = await runCliMeasured(['ingest', file, '--data', data, '--json'])
  return { ...(JSON.parse(out) as { events: number; evaluations: number }), usage }
}

/** Makes the topics of a cluster, and appends the records of a data directory's log to the same partitions and offsets. */
async function fillLog(bed: Bed, folder: string, data: string): Promise<void> {
  const store = await startStore(join(folder, 'setup-data'))
  const { config } = clusterConfig(join(folder, 'setup'), bed, store, PREFIX)
  const [input] = config.inputs
  if (input !== undefined) await bed.admin.createTopic({ topic: input.topic, partitions: 1 })
  const secrets = { clickhousePassword: store.gateway.password }
  const cluster = await startCluster({ config, secrets, roles: [], logger: () => undefined })
  await cluster.stop()
  await store.close()
  const database = await openEmbedded(data)
  if ('locked' in database) throw new Error(`${data} is in use`)
  const sql = database.session()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for await (const page of readLog(sql, partition, 0)) {
      const records = page.map((record): NewRecord => {
        const { event, received_at, source_partition, source_position } = record
        const { hashes } = prepare({ ok: true, event, dropped_fields: 0 })
        const entry = { event, data: canonicalData(event), hashes, received_at, source_partition, source_position }
        return toMessage(entry, partition)
      })
      await produceAll(bed.producer, `${PREFIX}.log`, records)
    }
  }
  await database.close()
}

/** Workers with an empty store read the log to its end. */
async function runWorkers(bed: Bed, folder: string, workers: number): Promise<Run> {
  const store = await startStore(join(folder, 'data'))
  const { file } = clusterConfig(folder, bed, store, PREFIX)
  const ends = await bed.admin.watermarks(`${PREFIX}.log`)
  const started = performance.now()
  const broker_s = bed.brokerCpu_s()
  const members = Array.from({ length: workers }, () => startMember(file, 'worker', store))
  await untilTrue(() => isDurable(store, ends), 'everything is durable', members)
  const run = {
    workers,
    evaluations: await countOf(store, 'features'),
    seconds: (performance.now() - started) / 1000,
    worker_s: members.reduce((sum, { pid }) => sum + cpuOf_s(pid), 0),
    broker_s: bed.brokerCpu_s() - broker_s,
    clickhouse_s: cpuOf_s(store.gateway.pid),
  }
  await Promise.all(members.map((member) => member.stop()))
  await store.close()
  return run
}

async function isDurable({ sql }: Store, ends: readonly { readonly high: number }[]): Promise<boolean> {
  if ((await sql.query("SELECT name FROM system.tables WHERE name = 'progress'")).length === 0) return false
  const progress = await readProgress(sql)
  return ends.every(
    ({ high }, partition) => (progress.find((row) => row.partition === partition)?.offset ?? -1) >= high - 1,
  )
}

async function countOf({ sql }: Store, table: string): Promise<number> {
  return (await sql.query<{ n: number }>(`SELECT count() AS n FROM ${table}`))[0]?.n ?? 0
}

function describe(files: readonly FileRun[], runs: readonly Run[]): Outcome {
  const { events, evaluations } = files[0] as FileRun
  const wrong = runs.find((run) => run.evaluations !== evaluations)
  if (wrong !== undefined)
    throw new Error(`${wrong.evaluations} evaluations from the log, ${evaluations} from the file`)
  const file = files.map(({ usage }) => evaluations / usage.cpu_s)
  const of = (workers: number) => runs.filter((run) => run.workers === workers)
  const rate = (run: Run) => evaluations / run.worker_s
  const row = (workers: number) => {
    const some = of(workers)
    return tableRow([
      `${workers} ${workers === 1 ? 'worker' : 'workers'}`,
      spread(some.map(rate)),
      spread(some.map(({ worker_s }) => events / worker_s)),
      spread(some.map(({ seconds }) => evaluations / seconds)),
      spread(
        some.map(({ clickhouse_s, worker_s }) => clickhouse_s / worker_s),
        2,
      ),
      spread(
        some.map(({ broker_s, worker_s }) => broker_s / worker_s),
        2,
      ),
    ])
  }
  const ratio = { unit: 'times', digits: 2, bound: 'at least', scaling: 'none' } as const
  return {
    lines: [
      `${number(events)} events, ${number(evaluations)} evaluations: the log of \`ingest\` of a file, put into Kafka as it is. Processor`,
      'time of the whole process with its start; `ingest` has its ClickHouse within, workers have theirs in a process of its',
      'own, which is reported apart.',
      '',
      ...tableHead([
        '',
        'evaluations/core-second',
        'events/core-second',
        'evaluations/s',
        'ClickHouse, CPU s per CPU s of workers',
        'broker, the same',
      ]),
      tableRow(['`ingest`', spread(file), spread(files.map(({ usage }) => events / usage.cpu_s)), '', 'within', '']),
      row(1),
      row(2),
    ],
    targets: [
      {
        what: 'log to durable rows, evaluations per core-second of one worker against `ingest` of a file',
        values: of(1).map((run, i) => rate(run) / (file[i] as number)),
        limit: OF_FILE_MIN,
        ...ratio,
      },
      {
        what: 'the same of two workers against one',
        values: of(2).map((run, i) => rate(run) / rate(of(1)[i] as Run)),
        limit: TWO_OF_ONE_MIN,
        ...ratio,
      },
    ],
  }
}
