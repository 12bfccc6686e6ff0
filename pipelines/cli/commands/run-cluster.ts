import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createKey, KEYS_FILE } from '../../../api/keys.ts'
import {
  type ClusterProcess,
  ROLES,
  type RoleName,
  START_STEPS,
  type StartStep,
  startCluster,
} from '../../cluster/cluster.ts'
import { readClusterConfig } from '../../cluster/cluster-config.ts'
import { ClusterFailure } from '../../cluster/role.ts'
import { registerCluster } from '../../cluster/watch-cluster.ts'
import { clusterSecrets } from '../../config.ts'
import { type ApiRole, startApi } from '../../run/cluster-api.ts'
import { readinessOf, startProbes } from '../../run/probes.ts'
import { versionOf } from '../../run/version.ts'
import type { Log } from '../../watch/log.ts'
import { createProcessMetrics } from '../../watch/process-metrics.ts'
import { logTraced } from '../../watch/traces.ts'
import { describeError, Failure, print, UsageError } from '../output.ts'

const ALL = 'all'

export type ClusterRunOptions = {
  readonly config: string
  readonly role: string
  readonly data: string
  readonly host: string
  readonly port: number
  readonly tenant: string
  readonly acceptTopics: readonly string[]
}

/** One process of a cluster, until it is told to stop or one of its roles ends. */
export async function runCluster(options: ClusterRunOptions, log: Log, stop: AbortSignal): Promise<void> {
  const roles = rolesOf(options.role)
  const read = readClusterConfig(options.config)
  if (!read.ok) throw new Failure(read.detail)
  const { host } = options
  const onError = (error: unknown, where: string) => log('error', `${where}: ${describeError(error)}`)
  const watch = createProcessMetrics(versionOf())
  let step: StartStep = 'kafka'
  let cluster: ClusterProcess | undefined
  let api: ApiRole | undefined
  const readiness = () => readinessOf(cluster === undefined ? startingChecks(step) : checksOf(cluster))
  const { metrics } = watch
  const probes = await startProbes({ host, port: options.port, metrics, readiness, onError }).catch(
    (error: unknown) => {
      throw new Failure(describeError(error))
    },
  )
  log('info', `answers probes on ${probes.url}`)
  try {
    const starting = startCluster({
      config: read.config,
      secrets: clusterSecrets(),
      roles,
      logger: log,
      acceptTopics: options.acceptTopics,
      onInsert: watch.onInsert,
      onTraced: logTraced(log),
      onOpened: (partition, detail) => log('info', `partition ${partition}: ${detail}`),
      onStep: (now) => {
        step = now
      },
    })
    // What was told to stop before it had started ends with its process.
    starting.catch(() => {})
    cluster = await Promise.race([starting, untilAborted(stop).then(() => undefined)])
    if (cluster === undefined) return
    registerCluster(metrics, cluster)
    if (roles.includes('api')) {
      await probes.close()
      api = await startApi(cluster.parts, {
        host,
        port: probes.port,
        directory: options.data,
        readiness,
        watch,
        onError,
      })
      welcome(api.url, options)
    }
    log('info', `running as ${roles.join(', ')}`)
    await Promise.race([cluster.finished, untilAborted(stop)])
  } catch (error) {
    throw error instanceof ClusterFailure ? new Failure(error.message) : error
  } finally {
    log('info', 'stopping')
    await api?.stop()
    await cluster?.stop()
    if (api === undefined) await probes.close()
  }
}

/** What a process that starts has and what it waits for. */
function startingChecks(step: StartStep): Record<string, string> {
  const at = START_STEPS.indexOf(step)
  return Object.fromEntries(
    START_STEPS.map((name, i) => [name, i < at ? 'ok' : i === at ? 'waited for' : 'not asked yet']),
  )
}

function checksOf({ parts, workers }: ClusterProcess): Record<string, string> {
  const { outage } = parts.availability
  const clickhouse =
    outage === undefined ? 'ok' : `unavailable since ${new Date(outage.clickhouse_unavailable_since).toISOString()}`
  const since = parts.producer.waitingSince()
  const kafka = since === undefined || performance.now() - since < KAFKA_WAIT_MS_MAX ? 'ok' : 'takes no records'
  const restoring = workers?.restoring() ?? 0
  const checks = { kafka, clickhouse, definitions: 'ok', restoring: restoring === 0 ? 'ok' : `${restoring} partitions` }
  if (parts.config.schema_registry === undefined) return checks
  const { outage: registry } = parts.schemas
  const unavailable = registry && `unavailable since ${new Date(registry.since).toISOString()} (${registry.fault})`
  return { ...checks, schema_registry: unavailable ?? 'ok' }
}

/** A record that waits longer than this for Kafka is a sign that it is away. */
const KAFKA_WAIT_MS_MAX = 5000

function rolesOf(text: string): RoleName[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes(ALL)) return [...ROLES]
  const unknown = names.find((name) => !(ROLES as readonly string[]).includes(name))
  if (unknown !== undefined) throw new UsageError(`--role ${unknown}: choose of ${ROLES.join(', ')} and ${ALL}`)
  return ROLES.filter((role) => names.includes(role))
}

/** The address, and the first start's key. */
function welcome(url: string, { data, tenant }: ClusterRunOptions): void {
  print(`foreshock listens on ${url} (documentation: ${url}/docs)`)
  if (existsSync(join(data, KEYS_FILE))) return
  const { key } = createKey({ directory: data, tenant })
  print(`API key of tenant ${tenant}, shown only now: ${key}`)
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
