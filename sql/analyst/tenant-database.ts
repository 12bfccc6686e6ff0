import { createHash } from 'node:crypto'
import { type Database, quoteIdentifier, quoteString, type Sql, type Topology } from '../client.ts'
import { listViews } from '../migrate.ts'
import { onCluster, renderMigration } from '../topology.ts'
import { SYSTEM_TABLES } from './check.ts'
import { VISIBLE_SETTINGS } from './settings.ts'

/**
 * What a tenant's key sees of ClickHouse: a database of the tenant's own, in which each table of the main one is a view of
 * the tenant's rows, and each analytical view is made anew from those, so that none of them can reach further. Rows are cut
 * a second time by `additional_table_filters`, which hold for the tables themselves, whoever names them and through
 * whatever view, and cut `system` too.
 */

/** Tables without a tenant: how far the pipeline is, and what it has read. No key sees them. */
export const HIDDEN_TABLES: readonly string[] = ['progress', 'source_files', 'schema_migrations', 'backfills']
const PREFIX = 'tenant_'
const PLAIN_NAME = /^[A-Za-z0-9_-]{1,64}$/
/** How old the knowledge of the main database's columns may be. */
const SCHEMA_MS_MAX = 10_000

export type TenantDatabase = {
  readonly name: string
  readonly tables: ReadonlySet<string>
  /** Of every session of the tenant's. */
  readonly settings: Readonly<Record<string, string>>
}

export type TenantDatabases = {
  /** The tenant's database, made when it is not there or no longer fits the tables. */
  of(tenant: string): Promise<TenantDatabase>
  /** All databases there are, by name. */
  all(): Promise<ReadonlySet<string>>
  /** Name of the main database. */
  main(): Promise<string>
  close(): Promise<void>
}

/** The database of a tenant. Names that are not plain are told apart by a hash. */
export function tenantDatabaseName(tenant: string): string {
  if (PLAIN_NAME.test(tenant)) return `${PREFIX}${tenant}`
  return `${PREFIX}~${createHash('sha256').update(tenant).digest('hex').slice(0, 32)}`
}

type Column = { readonly table: string; readonly name: string; readonly type: string; readonly comment: string }
type Schema = {
  readonly main: string
  readonly databases: ReadonlySet<string>
  readonly tables: ReadonlyMap<string, { readonly comment: string; readonly columns: readonly Column[] }>
  readonly signature: string
}

export function openTenantDatabases(database: Database): TenantDatabases {
  const sql = database.session()
  let schema: Promise<Schema> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  const made = new Map<string, { signature: string; database: Promise<TenantDatabase> }>()

  async function current(): Promise<Schema> {
    if (schema === undefined || performance.now() - readAt > SCHEMA_MS_MAX) {
      readAt = performance.now()
      schema = readSchema(sql)
      // One that could not be read is asked for again.
      schema.catch(() => {
        schema = undefined
      })
    }
    return schema
  }

  return {
    async of(tenant) {
      const known = await current()
      const last = made.get(tenant)
      if (last?.signature === known.signature) return last.database
      const making = makeDatabase(database, sql, known, tenant)
      made.set(tenant, { signature: known.signature, database: making })
      making.catch(() => made.delete(tenant))
      return making
    },
    all: async () => (await current()).databases,
    main: async () => (await current()).main,
    close: () => sql.close(),
  }
}

async function readSchema(sql: Sql): Promise<Schema> {
  const columns = await sql.query<Column>(
    'SELECT table, name, type, comment FROM system.columns WHERE database = currentDatabase() ORDER BY table, position',
  )
  const names = await sql.query<{ name: string; comment: string; engine: string }>(
    'SELECT name, comment, engine FROM system.tables WHERE database = currentDatabase()',
  )
  const databases = await sql.query<{ name: string; isMain: boolean }>(
    'SELECT name, name = currentDatabase() AS isMain FROM system.databases',
  )
  const tables = new Map<string, { comment: string; columns: Column[] }>()
  for (const { name, comment, engine } of names) {
    if (!engine.endsWith('View')) tables.set(name, { comment, columns: [] })
  }
  for (const column of columns) tables.get(column.table)?.columns.push(column)
  const main = databases.find(({ isMain }) => isMain)?.name
  if (main === undefined) throw new Error('the session has no database')
  const views = listViews().map(({ statement }) => statement)
  const signature = createHash('sha256')
    .update(JSON.stringify([columns, views]))
    .digest('hex')
  return { main, databases: new Set(databases.map(({ name }) => name)), tables, signature }
}

async function makeDatabase(database: Database, sql: Sql, schema: Schema, tenant: string): Promise<TenantDatabase> {
  const { topology } = database
  const name = tenantDatabaseName(tenant)
  const on = topology.kind === 'cluster' ? ` ${onCluster(topology.cluster)}` : ''
  await sql.command(`CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(name)}${on}`)
  const own = database.session({ database: name })
  const tables = new Set<string>()
  try {
    for (const [table, { comment, columns }] of openTables(schema, topology)) {
      await own.command(restrictedView(table, columns, comment, schema.main, tenant, on))
      tables.add(table)
    }
    for (const view of listViews()) {
      for (const statement of renderMigration(view.statement, topology)) await own.command(statement)
      tables.add(view.name)
    }
  } finally {
    await own.close()
  }
  return { name, tables, settings: { additional_table_filters: filters(schema, topology, name, tenant) } }
}

/** Tables with a tenant. Of a table of a cluster's the plain name stands for its local ones. */
function openTables(schema: Schema, topology: Topology) {
  return [...schema.tables].filter(([table, { columns }]) => {
    if (HIDDEN_TABLES.includes(table) || !columns.some(({ name }) => name === 'tenant')) return false
    return topology.kind === 'single' || !table.endsWith('_local')
  })
}

/**
 * PREWHERE, because a condition of the analyst's that came first would be computed on the rows of others, and could say in
 * an error what is in them.
 */
function restrictedView(
  table: string,
  columns: readonly Column[],
  comment: string,
  main: string,
  tenant: string,
  on: string,
): string {
  const list = columns.map(({ name, type, comment: said }) => {
    return `${quoteIdentifier(name)} ${type}${said === '' ? '' : ` COMMENT ${quoteString(said)}`}`
  })
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  return (
    `CREATE OR REPLACE VIEW ${quoteIdentifier(table)}${on} (${list.join(', ')}) AS SELECT ${names} ` +
    `FROM ${quoteIdentifier(main)}.${quoteIdentifier(table)} PREWHERE tenant = ${quoteString(tenant)}` +
    (comment === '' ? '' : ` COMMENT ${quoteString(comment)}`)
  )
}

/** The second line: conditions on the tables themselves. Tables without a tenant show no row at all. */
function filters(schema: Schema, topology: Topology, name: string, tenant: string): string {
  const conditions: Record<string, string> = {}
  // How these conditions work together with sharded tables is not known; there the views alone hold.
  if (topology.kind === 'single') {
    for (const [table, { columns }] of schema.tables) {
      const hasTenant = columns.some((column) => column.name === 'tenant')
      conditions[`${schema.main}.${table}`] = hasTenant ? `tenant = ${quoteString(tenant)}` : '0'
    }
  }
  const own = `= ${quoteString(name)}`
  const cut: Readonly<Record<string, string>> = {
    settings: `name IN (${VISIBLE_SETTINGS.map(quoteString).join(', ')})`,
    databases: `name ${own}`,
    tables: `database ${own}`,
    columns: `database ${own}`,
  }
  for (const table of SYSTEM_TABLES) {
    const condition = cut[table]
    if (condition !== undefined) conditions[`system.${table}`] = condition
  }
  const entries = Object.entries(conditions).map(([key, value]) => `${quoteString(key)}: ${quoteString(value)}`)
  return `{${entries.join(', ')}}`
}
