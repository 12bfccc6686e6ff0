import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../sql/client.ts'
import { ensureFeatureColumns, listMigrations, migrate, splitStatements } from '../../sql/migrate.ts'
import { type ColumnKind, type ColumnKinds, createBlock } from '../../sql/native.ts'
import { BACKFILLS_COLUMNS } from '../../sql/tables/backfills.ts'
import { CLOSED_DAYS_COLUMNS } from '../../sql/tables/closed-days.ts'
import { CONTACTS_COLUMNS } from '../../sql/tables/contacts.ts'
import { DEAD_LETTERS_COLUMNS } from '../../sql/tables/dead-letters.ts'
import { EVENTS_COLUMNS } from '../../sql/tables/events.ts'
import { createFeaturesBlock, FEATURES_COLUMNS } from '../../sql/tables/features.ts'
import { INSPECTIONS_COLUMNS } from '../../sql/tables/inspections.ts'
import { JOB_RUNS_COLUMNS } from '../../sql/tables/job-runs.ts'
import { LOAN_DAYS_COLUMNS } from '../../sql/tables/loan-days.ts'
import { LOAN_MONTHS_COLUMNS } from '../../sql/tables/loan-months.ts'
import { LOAN_MOVEMENTS_COLUMNS } from '../../sql/tables/loan-movements.ts'
import { LOANS_COLUMNS } from '../../sql/tables/loans.ts'
import { PROGRESS_COLUMNS } from '../../sql/tables/progress.ts'
import { REDRIVES_COLUMNS } from '../../sql/tables/redrives.ts'
import { SCORES_COLUMNS } from '../../sql/tables/scores.ts'
import { SIGNALS_COLUMNS } from '../../sql/tables/signals.ts'
import { SOURCE_FILES_COLUMNS } from '../../sql/tables/source-files.ts'
import { WARNINGS_COLUMNS } from '../../sql/tables/warnings.ts'
import { BOTH } from './support.ts'

const TABLES: Readonly<Record<string, ColumnKinds>> = {
  events: EVENTS_COLUMNS,
  features: FEATURES_COLUMNS,
  scores: SCORES_COLUMNS,
  signals: SIGNALS_COLUMNS,
  warnings: WARNINGS_COLUMNS,
  loans: LOANS_COLUMNS,
  loan_days: LOAN_DAYS_COLUMNS,
  loan_months: LOAN_MONTHS_COLUMNS,
  contacts: CONTACTS_COLUMNS,
  closed_days: CLOSED_DAYS_COLUMNS,
  inspections: INSPECTIONS_COLUMNS,
  loan_movements: LOAN_MOVEMENTS_COLUMNS,
  dead_letters: DEAD_LETTERS_COLUMNS,
  progress: PROGRESS_COLUMNS,
  source_files: SOURCE_FILES_COLUMNS,
  backfills: BACKFILLS_COLUMNS,
  redrives: REDRIVES_COLUMNS,
  job_runs: JOB_RUNS_COLUMNS,
}

describe.each(BOTH)('ClickHouse %s', (_, open) => {
  let sql: Sql
  let close: () => Promise<void>

  beforeAll(async () => {
    const opened = await open()
    sql = opened.database.session()
    close = () => opened.close()
  })
  afterAll(() => close())

  test('a new directory gets every migration in order, a second start none', async () => {
    const all = listMigrations().map(({ version }) => version)
    expect(all).toEqual(all.map((_, i) => i + 1))
    expect(await migrate(sql)).toEqual(all)
    expect(await migrate(sql)).toEqual([])
  })

  test('a migration that was cut off is repeated whole', async () => {
    await sql.command('TRUNCATE TABLE schema_migrations')
    await sql.command('DROP TABLE progress')
    await migrate(sql)
    expect(await sql.query('SELECT count() AS rows FROM progress')).toEqual([{ rows: 0 }])
  })

  test.each(Object.entries(TABLES))(
    'the columns of %s that are written are those of its block, in order',
    async (table, columns) => {
      const rows = await sql.query<{ name: string; type: string }>(
        `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '${table}'
         AND default_kind != 'MATERIALIZED' ORDER BY position`,
      )
      const widen = (type: string) => type.replace(/^LowCardinality\((.*)\)$/, '$1')
      expect(rows.map(({ name, type }) => [name, widen(type)])).toEqual(
        Object.entries(columns).map(([name, kind]) => [name, typeOf(kind)]),
      )
    },
  )

  test('every table is flushed to the disk before an insert returns and before merged parts are removed, says its grain, and each column says what it holds', async () => {
    const tables = await sql.query<{ name: string; engine_full: string; comment: string }>(
      `SELECT name, engine_full, comment FROM system.tables
       WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name`,
    )
    expect(tables.map(({ name }) => name)).toEqual([...Object.keys(TABLES), 'schema_migrations'].sort())
    for (const { name, engine_full, comment } of tables) {
      expect(engine_full).toContain('ReplacingMergeTree')
      expect(engine_full).toContain(
        'fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1',
      )
      if (name !== 'schema_migrations') expect(comment, name).toMatch(/^One row per .*\.$/)
    }
    const quoted = Object.keys(TABLES)
      .map((name) => `'${name}'`)
      .join(', ')
    const silent = await sql.query(
      `SELECT table, name FROM system.columns
       WHERE database = currentDatabase() AND comment = '' AND table IN (${quoted})`,
    )
    expect(silent).toEqual([])
  })

  test('features gets a column for each feature version once, and a block writes them', async () => {
    await ensureFeatureColumns(sql, ['inflow_sum_30d', 'dpd_now'])
    await ensureFeatureColumns(sql, ['inflow_sum_30d', 'dpd_now', 'dpd_now_v2'])
    await expect(ensureFeatureColumns(sql, ['Bad Name'])).rejects.toThrow('Bad Name')
    const block = createFeaturesBlock(['dpd_now', 'inflow_sum_30d'])
    const row = { tenant: 't', partition: 1, borrower: 'b', type: 'day.closed', time: 5, late_ms: -1, generation: 0 }
    const matrix = Float64Array.of(1, 2, Number.NaN, 4)
    block.append({ ...row, offset: 8 }, matrix, 1)
    block.append({ ...row, offset: 7 }, matrix, 0)
    await sql.insertBlock('features', block)
    expect(
      await sql.query('SELECT offset, late_ms, dpd_now, inflow_sum_30d, dpd_now_v2 FROM features ORDER BY offset'),
    ).toEqual([
      { offset: 7, late_ms: -1, dpd_now: 1, inflow_sum_30d: 2, dpd_now_v2: null },
      { offset: 8, late_ms: -1, dpd_now: null, inflow_sum_30d: 4, dpd_now_v2: null },
    ])
  })

  test('a directory of a newer release is refused', async () => {
    await sql.command("INSERT INTO schema_migrations VALUES (9999, 'later')")
    await expect(migrate(sql)).rejects.toThrow('newer release')
  })
})

test('statements end with a semicolon at the end of a line', () => {
  expect(splitStatements("-- a; b\nSELECT ';x' ;\n\nSELECT\n  2;\n")).toEqual(["SELECT ';x'", 'SELECT\n  2'])
})

function typeOf(kind: ColumnKind): string | undefined {
  return createBlock({ column: kind }).structure[0]?.type
}
