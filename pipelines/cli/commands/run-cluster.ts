import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createKey, KEYS_FILE } from '../../../api/keys.ts'
import { type ClusterProcess, ROLES, type RoleName, startCluster } from '../../cluster/cluster.ts'
import { type ClusterConfig, readClusterConfig } from '../../cluster/cluster-config.ts'
import { ClusterFailure } from '../../cluster/role.ts'
import { clusterSecrets } from '../../config.ts'
import type { Logger } from '../../kafka/port.ts'
import { type ApiRole, startApi } from '../../run/cluster-api.ts'
import { describeError, Failure, print, say, UsageError } from '../output.ts'

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
export async function runCluster(options: ClusterRunOptions, stop: AbortSignal): Promise<void> {
  const roles = rolesOf(options.role)
  const read = readClusterConfig(options.config)
  if (!read.ok) throw new Failure(read.detail)
  const cluster = await start(read.config, roles, options.acceptTopics)
  let api: ApiRole | undefined
  try {
    if (roles.includes('api')) {
      api = await startApi(cluster.parts, {
        host: options.host,
        port: options.port,
        directory: options.data,
        readiness: () => readinessOf(cluster),
        onError: (error, where) => say(`${where}: ${describeError(error)}`),
      })
      welcome(api.url, options)
    }
    say(`running as ${roles.join(', ')}`)
    await Promise.race([cluster.finished, untilAborted(stop)])
  } catch (error) {
    throw error instanceof ClusterFailure ? new Failure(error.message) : error
  } finally {
    say('stopping')
    await api?.stop()
    await cluster.stop()
  }
}

async function start(
  config: ClusterConfig,
  roles: readonly RoleName[],
  acceptTopics: readonly string[],
): Promise<ClusterProcess> {
  try {
    return await startCluster({
      config,
      secrets: clusterSecrets(),
      roles,
      acceptTopics,
      logger: logLine,
      onOpened: (partition, detail) => say(`partition ${partition}: ${detail}`),
    })
  } catch (error) {
    throw error instanceof ClusterFailure ? new Failure(error.message) : error
  }
}

/** Kafka's own tries again are nobody's business until they last. */
const logLine: Logger = (level, message, fields) => {
  if (level === 'debug') return
  say(
    `${level === 'info' ? '' : `${level}: `}${message}${Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`}`,
  )
}

function readinessOf({ parts }: ClusterProcess) {
  const { outage } = parts.availability
  const clickhouse =
    outage === undefined ? 'ok' : `unavailable since ${new Date(outage.clickhouse_unavailable_since).toISOString()}`
  const since = parts.producer.waitingSince()
  const kafka = since === undefined || performance.now() - since < KAFKA_WAIT_MS_MAX ? 'ok' : 'takes no records'
  return { ready: clickhouse === 'ok' && kafka === 'ok', checks: { clickhouse, kafka } }
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
