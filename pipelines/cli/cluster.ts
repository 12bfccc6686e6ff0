import type { ClusterParts } from '../cluster/cluster.ts'
import { type ClusterConfig, readClusterConfig } from '../cluster/cluster-config.ts'
import { ClusterFailure } from '../cluster/role.ts'
import { clusterSecrets } from '../config.ts'
import { Failure, say } from './output.ts'
import { localStatements, type Statements } from './statements.ts'

/**
 * Commands that work on a cluster, given the configuration file that its processes have. The clients of Kafka and
 * ClickHouse take a while to load, so they are loaded when such a command is given.
 */

export const CONFIG_HELP = 'cluster: its configuration, instead of a data directory'

/** Does something with a cluster's Kafka and ClickHouse. */
export async function inCluster<Result>(path: string, work: (parts: ClusterParts) => Promise<Result>): Promise<Result> {
  const logger = (level: string, message: string) => {
    if (level === 'warn' || level === 'error') say(`${level}: ${message}`)
  }
  const { withCluster } = await import('../cluster/cluster.ts')
  try {
    return await withCluster({ config: configOf(path), secrets: clusterSecrets(), logger }, work)
  } catch (error) {
    throw error instanceof ClusterFailure ? new Failure(error.message) : error
  }
}

/** Reads a cluster's tables. */
export async function withClusterStatements<Result>(
  path: string,
  use: (statements: Statements) => Promise<Result>,
): Promise<Result> {
  const { openDatabase } = await import('../cluster/cluster.ts')
  const database = openDatabase(configOf(path), clusterSecrets())
  const sql = database.session()
  try {
    return await use(localStatements(sql))
  } finally {
    await sql.close()
    await database.close()
  }
}

function configOf(path: string): ClusterConfig {
  const read = readClusterConfig(path)
  if (!read.ok) throw new Failure(read.detail)
  return read.config
}
