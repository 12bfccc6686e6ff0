import { quoteIdentifier, quoteString, SINGLE, type Topology } from './client.ts'

/**
 * How the migrations look on one node and on a cluster. On one node a statement stands as it is written. On a cluster each
 * table with a partition of the log is one `…_local` table on every shard, replicated there, and a Distributed table of the
 * plain name over them: reads and views keep their names, and the owner of a partition writes to its shard's local table.
 * Tables without a partition are small and the same on all nodes.
 */

/** Tables of the schema without a partition. */
const UNSHARDED: ReadonlySet<string> = new Set(['source_files', 'schema_migrations', 'job_runs'])

export function isSharded(table: string): boolean {
  return !UNSHARDED.has(table)
}

export function localTable(table: string): string {
  return `${table}_local`
}

const CREATE_TABLE = /^CREATE TABLE IF NOT EXISTS ([a-z_]+) \(/
const CREATE_VIEW = /^CREATE OR REPLACE VIEW ([a-z0-9_]+) AS\b/
/** Columns are added to a table that is there, in each of its forms. */
const ADD_COLUMNS = /^ALTER TABLE ([a-z_]+)\s+(ADD COLUMN IF NOT EXISTS [\s\S]+)$/
const ENGINE = /\bENGINE = ReplacingMergeTree(?:\(([a-z_]+)\))?(?=\s)/
const COMMENT = /\bCOMMENT ('(?:[^'\\]|\\.)*')\s*$/
/** A column's line; rows that come from before the log have none of it. */
const PARTITION_COLUMN = /^\s*`partition` (UInt16|Nullable\(UInt16\))/m

/** The statements that a statement of a migration becomes. Throws on one whose form on a cluster is not known. */
export function renderMigration(statement: string, topology: Topology = SINGLE): string[] {
  if (topology.kind === 'single') return [statement]
  const { cluster } = topology
  const view = CREATE_VIEW.exec(statement)
  if (view !== null) return [statement.replace(CREATE_VIEW, `CREATE OR REPLACE VIEW $1 ${onCluster(cluster)} AS`)]
  const added = ADD_COLUMNS.exec(statement)
  if (added !== null) return renderAlter(added[1] as string, added[2] as string, topology)
  const table = CREATE_TABLE.exec(statement)?.[1]
  if (table === undefined || !ENGINE.test(statement)) {
    throw new Error(`this statement has no form for a cluster: ${statement.slice(0, 80)}`)
  }
  if (!isSharded(table)) return [replicated(statement, table, cluster, 'all', '{shard}-{replica}')]
  const local = localTable(table)
  return [replicated(statement, local, cluster, '{shard}', '{replica}'), distributed(statement, table, local, cluster)]
}

/** `ALTER TABLE table …` for the table in all of its forms; the local ones come first, as the other one asks them. */
export function renderAlter(table: string, change: string, topology: Topology = SINGLE): string[] {
  if (topology.kind === 'single') return [`ALTER TABLE ${table} ${change}`]
  const names = isSharded(table) ? [localTable(table), table] : [table]
  return names.map((name) => `ALTER TABLE ${name} ${onCluster(topology.cluster)} ${change}`)
}

export function onCluster(cluster: string): string {
  return `ON CLUSTER ${quoteIdentifier(cluster)}`
}

function replicated(statement: string, table: string, cluster: string, shard: string, replica: string): string {
  const path = `/clickhouse/tables/${shard}/{database}/${table}`
  return statement
    .replace(CREATE_TABLE, () => `CREATE TABLE IF NOT EXISTS ${table} ${onCluster(cluster)} (`)
    .replace(ENGINE, (_, version: string | undefined) => {
      const places = `${quoteString(path)}, ${quoteString(replica)}`
      return `ENGINE = ReplicatedReplacingMergeTree(${places}${version === undefined ? '' : `, ${version}`})`
    })
}

function distributed(statement: string, table: string, local: string, cluster: string): string {
  const type = PARTITION_COLUMN.exec(statement)?.[1]
  if (type === undefined)
    throw new Error(`${table} has no partition: it belongs to those that are the same on all nodes`)
  const key = type === 'UInt16' ? '`partition`' : 'ifNull(`partition`, 0)'
  const comment = COMMENT.exec(statement)?.[1]
  return (
    `CREATE TABLE IF NOT EXISTS ${table} ${onCluster(cluster)} AS ${local}\n` +
    `ENGINE = Distributed(${quoteString(cluster)}, currentDatabase(), ${quoteString(local)}, ${key})` +
    (comment === undefined ? '' : `\nCOMMENT ${comment}`)
  )
}
