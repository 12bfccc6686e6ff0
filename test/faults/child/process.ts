/**
 * A process of a cluster as `foreshock run` starts it, that can be told to kill itself at a named point. The product has no such
 * switch: the points are put around its parts from outside.
 */
import { parseArgs } from 'node:util'
import { type RoleName, startCluster } from '../../../pipelines/cluster/cluster.ts'
import { parseClusterConfig, readClusterConfig } from '../../../pipelines/cluster/cluster-config.ts'
import { openServer } from '../../../sql/server.ts'
import { deadlyDatabase, dieAt, pace } from './points.ts'

const { values } = parseArgs({
  options: {
    config: { type: 'string' },
    role: { type: 'string' },
    /** Below what the configuration allows, so that tests need not wait long for a session to end. */
    'session-ms': { type: 'string' },
    /** Instead of the workers' group, so that whoever is dead need not be waited for. */
    group: { type: 'string' },
    'die-at': { type: 'string' },
    'records-per-batch': { type: 'string' },
    'pause-ms': { type: 'string', default: '0' },
    'flush-ms': { type: 'string' },
    'checkpoint-evaluations': { type: 'string' },
  },
})
const read = values.config === undefined ? parseClusterConfig({}, '--config') : readClusterConfig(values.config)
if (!read.ok) throw new Error(read.detail)
const { kafka } = read.config
const sessionTimeout = Number(values['session-ms'] ?? kafka.session_timeout_ms)
const worker_group = values.group ?? kafka.worker_group
const config = { ...read.config, kafka: { ...kafka, worker_group, session_timeout_ms: sessionTimeout } }

const point = values['die-at'] === undefined ? undefined : dieAt(values['die-at'])
if (values['records-per-batch'] !== undefined) pace(Number(values['records-per-batch']), Number(values['pause-ms']))
const { url, user, database } = config.clickhouse
const server = openServer({ url, user, database })

const cluster = await startCluster({
  config,
  secrets: {},
  roles: (values.role ?? '').split(',') as RoleName[],
  database: point === undefined ? server : deadlyDatabase(server, point),
  logger: (level, message, fields) => {
    if (level !== 'debug')
      console.error(`${Math.round(performance.now())} ${level}: ${message} ${JSON.stringify(fields)}`)
  },
  flushAfterMs: numberOrNone(values['flush-ms']),
  checkpointEvaluations: numberOrNone(values['checkpoint-evaluations']),
  onOpened: (partition, detail) => console.error(`${Math.round(performance.now())} partition ${partition}: ${detail}`),
  ...(point?.onAppended === undefined ? {} : { onAppended: point.onAppended }),
})
console.error('running')
// Whoever started it is gone.
process.stdin.on('end', () => process.exit(1)).resume()
const stop = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve())
})
void (async () => {
  await Promise.race([cluster.finished, stop])
  await cluster.stop()
  process.exit()
})()

function numberOrNone(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}
