import { type Database, quoteIdentifier, type Sql } from './client.ts'

/**
 * Databases beside the main one, in the same directory, for tables that are wanted for a while. Their names are fixed, so
 * that what a killed process left behind is found and dropped.
 */
const SCRATCH_NAMES = ['verify_served', 'verify_recomputed', 'import_staging'] as const
export type ScratchName = (typeof SCRATCH_NAMES)[number]

/** Tables as they are in the main database, all empty; whoever writes them can write them again. */
export type Scratch = {
  /** A further session whose tables are the scratch ones. The caller closes it. */
  session(): Sql
  /** Takes a table's rows as they are at this moment: its files are linked, not copied, so that takes no time. */
  link(table: string): Promise<void>
}

/**
 * Makes a scratch database with these tables, each like the main one of its name. `isFlushed`: their parts will go to the main
 * one, so they are flushed as its own are.
 */
export async function createScratch(
  database: Database,
  sql: Sql,
  name: ScratchName,
  tables: readonly string[],
  options: { readonly isFlushed?: boolean } = {},
): Promise<Scratch> {
  const [main] = await sql.query<{ name: string }>('SELECT currentDatabase() AS name')
  if (main === undefined) throw new Error('the session has no database')
  const of = (owner: string, table: string) => `${quoteIdentifier(owner)}.${quoteIdentifier(table)}`
  await sql.command(`CREATE DATABASE ${name}`)
  for (const table of tables) {
    await sql.command(`CREATE TABLE ${of(name, table)} AS ${of(main.name, table)}`)
    if (options.isFlushed === true) continue
    await sql.command(`ALTER TABLE ${of(name, table)} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0`)
  }
  return {
    session: () => database.session({ database: name }),
    async link(table) {
      await sql.command(`ALTER TABLE ${of(name, table)} ATTACH PARTITION ALL FROM ${of(main.name, table)}`)
    },
  }
}

/** Drops what there is of scratch databases. */
export async function dropScratch(sql: Sql): Promise<void> {
  for (const name of SCRATCH_NAMES) await sql.command(`DROP DATABASE IF EXISTS ${name} SYNC`)
}
