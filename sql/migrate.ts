import { readdirSync, readFileSync } from 'node:fs'
import { quoteIdentifier, SINGLE, type Sql, type Topology } from './client.ts'
import { renderAlter, renderMigration } from './topology.ts'

const MIGRATIONS = new URL('./migrations/', import.meta.url)
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/
/** What a feature column may be called: a feature's name, with `_v2` and so on for later versions. */
const FEATURE_COLUMN = /^[a-z][a-z0-9_]{0,99}$/

const SCHEMA_MIGRATIONS =
  'CREATE TABLE IF NOT EXISTS schema_migrations (version UInt32, name String) ' +
  'ENGINE = ReplacingMergeTree ORDER BY version ' +
  'SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1'

/**
 * Brings the schema up to date: applies the files of `migrations/` above the last one applied, in order. Every statement
 * is idempotent, so a run that was killed half way is simply repeated. Throws when a newer release wrote the directory.
 * Returns the numbers that were applied.
 */
export async function migrate(sql: Sql, topology: Topology = SINGLE): Promise<number[]> {
  for (const statement of renderMigration(SCHEMA_MIGRATIONS, topology)) await sql.command(statement)
  const rows = await sql.query<{ version: number }>('SELECT version FROM schema_migrations')
  const applied = new Set(rows.map(({ version }) => version))
  const files = listMigrations()
  const newest = files.at(-1)?.version ?? 0
  for (const version of applied) {
    if (version > newest) {
      throw new Error(`the data directory has schema ${version}, this release knows ${newest}: use a newer release`)
    }
  }
  const done: number[] = []
  for (const { version, name } of files) {
    if (applied.has(version)) continue
    for (const statement of renderFile(name, topology)) await sql.command(statement)
    await sql.command(`INSERT INTO schema_migrations VALUES (${version}, '${name}')`)
    done.push(version)
  }
  return done
}

/** All statements that `migrate` runs on an empty database, in order, but for those that note what was applied. */
export function renderMigrations(topology: Topology): string[] {
  const files = listMigrations().flatMap(({ name }) => renderFile(name, topology))
  return [...renderMigration(SCHEMA_MIGRATIONS, topology), ...files]
}

function renderFile(name: string, topology: Topology): string[] {
  const statements = splitStatements(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
  return statements.flatMap((statement) => renderMigration(statement, topology))
}

/** Adds a Nullable(Float64) column to `features` for each name that has none yet. */
export async function ensureFeatureColumns(
  sql: Sql,
  names: readonly string[],
  topology: Topology = SINGLE,
): Promise<void> {
  for (const name of names) {
    if (!FEATURE_COLUMN.test(name)) throw new Error(`${JSON.stringify(name)} cannot be the name of a feature column`)
  }
  const rows = await sql.query<{ name: string }>(
    "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'features'",
  )
  const present = new Set(rows.map(({ name }) => name))
  const missing = names.filter((name) => !present.has(name))
  if (missing.length === 0) return
  const additions = missing.map((name) => `ADD COLUMN IF NOT EXISTS ${quoteIdentifier(name)} Nullable(Float64)`)
  for (const statement of renderAlter('features', additions.join(', '), topology)) await sql.command(statement)
}

type Migration = { readonly version: number; readonly name: string }

/** The migration files, ordered; their numbers run from 1 without a hole. */
export function listMigrations(): Migration[] {
  const names = readdirSync(MIGRATIONS).sort()
  return names.map((name, i) => {
    const version = Number(FILE_NAME.exec(name)?.[1])
    if (version !== i + 1) throw new Error(`sql/migrations/${name}: expected number ${i + 1}`)
    return { version, name }
  })
}

const VIEW = /^CREATE OR REPLACE VIEW ([a-z0-9_]+)\b/

/** The views of the schema as the latest migration has them, each after those that it reads. */
export function listViews(): { readonly name: string; readonly statement: string }[] {
  const views = new Map<string, string>()
  for (const { name: file } of listMigrations()) {
    for (const statement of splitStatements(readFileSync(new URL(file, MIGRATIONS), 'utf8'))) {
      const name = VIEW.exec(statement)?.[1]
      if (name !== undefined) views.set(name, statement)
    }
  }
  return [...views].map(([name, statement]) => ({ name, statement }))
}

/** Statements end with a semicolon at the end of a line; lines that begin with `--` are comments. */
export function splitStatements(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n')
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}
