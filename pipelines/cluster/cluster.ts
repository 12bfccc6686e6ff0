import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { Database, Sql } from '../../sql/client.ts'
import { ensureFeatureColumns, migrate } from '../../sql/migrate.ts'
import { type Availability, createAvailability, patient } from '../../sql/patient.ts'
import { openServer } from '../../sql/server.ts'
import { currentDefinitions } from '../engine/definitions.ts'
import type { RowWatcher } from '../engine/sink.ts'
import type { LogShape } from '../intake/items.ts'
import { openKafka } from '../kafka/open.ts'
import type { Admin, Kafka, Logger, PartitionReader, Producer } from '../kafka/port.ts'
import type { SchemaSource } from '../registry/schemas.ts'
import { loadModels } from '../run/models.ts'
import { type OnInsert, watchInserts } from '../watch/inserts.ts'
import type { OnTracedWarning } from '../watch/traces.ts'
import { LogAppender } from './appender.ts'
import { type CheckpointPlace, openCheckpointPlace } from './checkpoint-copies.ts'
import { type ClusterConfig, configuredTenants, type TopicNames, topicNames } from './cluster-config.ts'
import { type KnownTopic, seenRecord } from './control-state.ts'
import { startDeadLetters } from './dead-role.ts'
import { type IntakeCounts, type IntakeRole, startIntake } from './intake-role.ts'
import { featureColumns, openPartition } from './open-partition.ts'
import { openSchemas } from './open-schemas.ts'
import { type OwnerRole, startOwner } from './owner-role.ts'
import type { Ownership } from './ownership.ts'
import { createWorkerCounts, type WorkerCounts } from './partition-worker.ts'
import { ClusterFailure, type Role } from './role.ts'
import { ensureTopics, knownTopic, putControl, readControl } from './topics.ts'
import { startWorkers, type WorkerRole } from './worker-role.ts'

export const ROLES = ['intake', 'worker', 'api'] as const
export type RoleName = (typeof ROLES)[number]

/** What an operator's environment says, and no file. */
export type Secrets = {
  readonly clickhousePassword?: string | undefined
  readonly kafkaUser?: string | undefined
  readonly kafkaPassword?: string | undefined
  readonly schemaRegistryPassword?: string | undefined
}

/** What all roles of a process share. */
export type ClusterParts = {
  readonly config: ClusterConfig
  readonly names: TopicNames
  readonly shape: LogShape
  readonly topics: ReadonlyMap<string, KnownTopic>
  readonly kafka: Kafka
  readonly producer: Producer
  readonly admin: Admin
  readonly reader: PartitionReader
  readonly appender: LogAppender
  readonly database: Database
  readonly schemas: SchemaSource
  readonly availability: Availability
  readonly patiently: (sql: Sql) => Sql
}

/** One process of a cluster: the roles that it was given, over one Kafka and one ClickHouse. */
export type ClusterProcess = {
  readonly parts: ClusterParts
  readonly intake: IntakeCounts
  readonly counts: WorkerCounts
  readonly rows: RowCounts
  readonly workers: WorkerRole | undefined
  readonly reader: IntakeRole | undefined
  readonly owner: OwnerRole | undefined
  /** Rejects with what ended a role that nobody had asked to end. */
  readonly finished: Promise<void>
  stop(): Promise<void>
}

/** What is counted of rows as they are made. */
export type RowCounts = { late: number; warnings: Record<string, number>; dead_letters: Record<string, number> }

/** What a process that starts waits for, in this order. */
export const START_STEPS = ['kafka', 'clickhouse', 'definitions'] as const
export type StartStep = (typeof START_STEPS)[number]

export type ClusterOptions = {
  readonly config: ClusterConfig
  readonly secrets: Secrets
  readonly roles: readonly RoleName[]
  readonly logger: Logger
  /** Input topics that were made again, or have other partitions, and are to be read as they are now. */
  readonly acceptTopics?: readonly string[] | undefined
  readonly watcher?: RowWatcher
  readonly onInsert?: OnInsert
  readonly onTraced?: OnTracedWarning
  /** Told what is waited for now. */
  readonly onStep?: (step: StartStep) => void
  readonly checkpointEvaluations?: number | undefined
  readonly flushAfterMs?: number | undefined
  readonly onOpened?: (partition: number, detail: string) => void
  /** Instead of the one that the configuration names; closed with the process. */
  readonly database?: Database
  /** Called between what intake appends and the commit of what that came from. */
  readonly onAppended?: () => void
}

/** How often it is looked whether definitions are in force. */
const DEFINITIONS_RETRY_MS = 200
const NOBODY_WATCHES: RowWatcher = { warning() {}, refused() {}, late() {} }

/** Connects, makes what is missing, and starts the roles. Throws `ClusterFailure` with what to do. */
export async function startCluster(options: ClusterOptions): Promise<ClusterProcess> {
  const { config, roles } = options
  const loaded = await loadModels(CATALOGUE)
  if (!loaded.ok) throw new ClusterFailure(loaded.detail)
  const stopping = new AbortController()
  const parts = await connect(options, stopping.signal)
  const { kafka, producer, admin, reader, appender, names, shape, topics, database, schemas, patiently } = parts
  const started: Role[] = []
  const intake: IntakeCounts = { batches: 0, accepted: 0, dropped_fields: 0, refused: {} }
  const counts = createWorkerCounts()
  const rows: RowCounts = { late: 0, warnings: {}, dead_letters: {} }
  let owner: OwnerRole | undefined
  let inputs: IntakeRole | undefined
  let workers: WorkerRole | undefined
  let checkpoints: CheckpointPlace | undefined
  if (roles.includes('worker')) {
    checkpoints = await openCheckpointPlace(config, options.logger)
    const partition = {
      database,
      patiently,
      shape,
      models: loaded.models,
      catalogue: CATALOGUE,
      checkpoints,
      watcher: countRows(rows, options.watcher),
      counts,
      onTraced: options.onTraced,
      partitionsAtOnce: shape.partitions,
      flushAfterMs: options.flushAfterMs,
      checkpointEvaluations: options.checkpointEvaluations,
      onOpened: options.onOpened,
    }
    const topic = knownTopic(topics, names.log)
    const open = (number: number, owner: Ownership) => openPartition(partition, number, owner)
    workers = startWorkers({ kafka, config, names, topic, open })
    started.push(workers)
  }
  if (roles.includes('intake')) {
    const definitions = currentDefinitions(loaded.models.at(-1) ?? null, CATALOGUE)
    owner = startOwner({ kafka, producer, admin, reader, appender, config, names, shape, topics, definitions })
    started.push(owner)
    options.onStep?.('definitions')
    await definitionsInForce(parts)
    if (config.inputs.length > 0) {
      const { onAppended } = options
      const hooks = onAppended === undefined ? {} : { onAppended }
      inputs = startIntake({
        kafka,
        producer,
        admin,
        appender,
        config,
        names,
        topics,
        schemas,
        counts: intake,
        ...hooks,
      })
      started.push(inputs)
      const sql = patiently(database.session({ partition: 0 }))
      started.push(startDeadLetters({ kafka, config, names, schemas, sql }))
    }
  }
  return {
    parts,
    intake,
    counts,
    rows,
    workers,
    reader: inputs,
    owner,
    finished: Promise.race(started.map(({ finished }) => finished)),
    async stop() {
      // Intake first, so that nothing is appended that this process's workers do not see.
      for (const role of started.toReversed()) await role.stop()
      stopping.abort()
      checkpoints?.close()
      await disconnect(parts)
    },
  }
}

function countRows(rows: RowCounts, watcher = NOBODY_WATCHES): RowWatcher {
  return {
    warning(row) {
      const key = `${row.type} ${row.severity}`
      rows.warnings[key] = (rows.warnings[key] ?? 0) + 1
      watcher.warning(row)
    },
    refused(reason, event) {
      rows.dead_letters[reason] = (rows.dead_letters[reason] ?? 0) + 1
      watcher.refused(reason, event)
    },
    late() {
      rows.late++
      watcher.late()
    },
  }
}

/** Waits until whoever owns the control topic has put definitions into the log: no event may come before them. */
async function definitionsInForce({ reader, admin, names }: ClusterParts): Promise<void> {
  for (;;) {
    const { state } = await readControl(reader, admin, names)
    if (state.definitions !== undefined) return
    await sleep(DEFINITIONS_RETRY_MS)
  }
}

/** Connects a command for as long as its work takes. */
export async function withCluster<Result>(
  options: ConnectOptions,
  work: (parts: ClusterParts) => Promise<Result>,
): Promise<Result> {
  const stopping = new AbortController()
  const parts = await connect(options, stopping.signal)
  try {
    return await work(parts)
  } finally {
    stopping.abort()
    await disconnect(parts)
  }
}

async function disconnect({ producer, reader, admin, database, schemas }: ClusterParts): Promise<void> {
  schemas.close()
  await producer.close()
  await reader.close()
  await admin.close()
  await database.close()
}

type ConnectOptions = Pick<
  ClusterOptions,
  'config' | 'secrets' | 'logger' | 'acceptTopics' | 'database' | 'onInsert' | 'onStep'
>

async function connect(options: ConnectOptions, stopping: AbortSignal): Promise<ClusterParts> {
  const { config, secrets, logger, onInsert } = options
  options.onStep?.('kafka')
  const names = topicNames(config.kafka.prefix)
  const { sasl } = config.kafka
  const kafka = openKafka({
    brokers: config.kafka.brokers,
    clientId: `foreshock-${randomUUID().slice(0, 8)}`,
    logger,
    ...(config.kafka.ssl ? { ssl: true as const } : {}),
    ...(sasl === undefined
      ? {}
      : {
          sasl: { mechanism: sasl, username: secrets.kafkaUser ?? '', password: secrets.kafkaPassword ?? '' },
        }),
  })
  const producer = kafka.producer()
  const admin = kafka.admin()
  const reader = kafka.reader()
  const ready = await ensureTopics({ admin, producer, reader }, config, names, options.acceptTopics ?? [])
  const { shape } = ready
  const database = options.database ?? openDatabase(config, secrets)
  const availability = createAvailability((outage) => {
    if (outage === undefined) logger('info', 'ClickHouse answers again', {})
    else logger('warn', 'ClickHouse does not answer: waiting for it', { reason: outage.reason })
  })
  const patiently = (sql: Sql) =>
    patient(onInsert === undefined ? sql : watchInserts(sql, onInsert), { availability, signal: stopping })
  options.onStep?.('clickhouse')
  const sql = patiently(database.session())
  await migrate(sql, database.topology)
  await ensureFeatureColumns(sql, featureColumns(CATALOGUE), database.topology)
  await sql.close()
  const appender = new LogAppender({
    topic: names.log,
    shape,
    configured: configuredTenants(config),
    send: async (topic, messages) => {
      await producer.append(topic, messages)
    },
    onTenant: (tenant, configuration, since) => putControl(producer, names, [seenRecord(tenant, configuration, since)]),
  })
  const schemas = openSchemas(config, secrets, logger)
  return {
    config,
    names,
    ...ready,
    kafka,
    producer,
    admin,
    reader,
    appender,
    database,
    schemas,
    availability,
    patiently,
  }
}

/** The database of a configuration; nothing is asked of it yet. */
export function openDatabase({ clickhouse }: ClusterConfig, { clickhousePassword }: Secrets): Database {
  const { url, user, database, cluster, shards } = clickhouse
  return openServer({
    url,
    user,
    database,
    ...(clickhousePassword === undefined ? {} : { password: clickhousePassword }),
    ...(cluster === undefined ? {} : { cluster: { name: cluster, shard_urls: shards ?? [url] } }),
  })
}
