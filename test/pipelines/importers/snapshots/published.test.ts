import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditRecordMap } from '../../../../pipelines/importers/credit-record.ts'
import { type ImportReport, importTape } from '../../../../pipelines/importers/snapshots/import.ts'
import { unzipOnly } from '../../../../pipelines/importers/zip.ts'
import type { Sql } from '../../../../sql/client.ts'
import { migrate } from '../../../../sql/migrate.ts'
import { parseMap, type TapeMap } from '../../../../sql/tapes/map.ts'
import { openTestDatabase, type TestDatabase } from '../../../sql/support.ts'

/** Tapes that others published: imported, and the views over them compared with figures computed here from the files alone. */

const SHARED = fileURLToPath(new URL('../../../../../shared/data', import.meta.url))
const CREDIT_RECORD = join(SHARED, 'credit-record/credit_record.zip')
const ROLL_RATE = join(SHARED, 'roll-rate')
const present = existsSync(CREDIT_RECORD) && existsSync(ROLL_RATE)
if (!present) console.warn('SKIPPED: ../shared/data has no credit-record and roll-rate, imports were not tried on them')

let test_database: TestDatabase
let sql: Sql
const folder = mkdtempSync(join(tmpdir(), 'foreshock-published-'))

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
})
afterAll(async () => {
  await test_database.close()
  rmSync(folder, { recursive: true, force: true })
})

async function load(file: string, map: TapeMap, dataset: string): Promise<ImportReport> {
  const request = { file, map, tenant: 'default', dataset, replace: false, check: false }
  const signal = new AbortController().signal
  const outcome = await importTape(request, { database: test_database.database, onProgress: () => {}, signal })
  if (!outcome.ok) throw new Error(outcome.detail)
  return outcome.report
}

const DPD: Readonly<Record<string, number>> = { X: 0, C: 0, '0': 1, '1': 30, '2': 60, '3': 90, '4': 120, '5': 150 }
const NAMES = ['1-29', '30-59', '60-89', '90-119', '120-149', '150+']
const BUCKET: Readonly<Record<string, string>> = { X: 'X', C: 'C', ...Object.fromEntries(NAMES.entries()) }
/** 2020-12 in months since 1970-01. */
const ANCHOR = 50 * 12 + 11

const MONTHS = 61

function monthDate(month: number): string {
  return new Date(Date.UTC(1970, month, 1)).toISOString().slice(0, 10)
}

/** Status of each client by month, from the text of the file. */
function statuses(text: string): Map<string, Map<number, string>> {
  const clients = new Map<string, Map<number, string>>()
  for (const line of text.trimEnd().split(/\r?\n/).slice(1)) {
    const [id, back, status] = line.split(',') as [string, string, string]
    const months = clients.get(id) ?? new Map<number, string>()
    clients.set(id, months.set(ANCHOR + Number(back), status))
  }
  return clients
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}

// The file is somebody else's and not part of the project: without it the test says so and is left out.
describe.skipIf(!present)('the credit record of card clients (../shared/data/credit-record)', () => {
  let clients: Map<string, Map<number, string>>
  let report: ImportReport

  beforeAll(async () => {
    const parsed = creditRecordMap('2020-12')
    if (!parsed.ok) throw new Error(parsed.detail)
    report = await load(CREDIT_RECORD, parsed.map, 'credit-record')
    const csv = join(folder, 'credit_record.csv')
    expect(await unzipOnly(CREDIT_RECORD, /\.csv$/, csv)).toEqual({ ok: true, name: 'credit_record.csv' })
    clients = statuses(readFileSync(csv, 'utf8'))
  }, 120_000)

  test('is stored row by row', async () => {
    expect(report).toMatchObject({ rows: 1_048_575, stored: 1_048_575, loans: 45_985, defects: [] })
    expect(report).toMatchObject({ from_month: '2015-12', to_month: '2020-12' })
    const [table] = await sql.query<object>(
      `SELECT toInt64(count()) AS rows, toInt64(uniqExact(loan)) AS loans, toInt64(uniqExact(month)) AS months,
         toInt64(countIf(balance_minor IS NULL)) AS without_balance, toInt64(countIf(status != 'open')) AS ended
       FROM loan_months WHERE dataset = 'credit-record'`,
    )
    expect(table).toEqual({ rows: 1_048_575, loans: 45_985, months: 61, without_balance: 1_048_575, ended: 0 })
    // In one part: then it came in one step.
    expect(await sql.query("SELECT name FROM system.parts WHERE table = 'loan_months' AND active")).toHaveLength(1)
  })

  test('gives the vintage that the file gives, ever and current, of every cohort', async () => {
    const cells = Array.from({ length: 2 }, () => ({
      loans: new Int32Array(MONTHS ** 2),
      bad: new Int32Array(MONTHS ** 2),
    }))
    for (const months of clients.values()) {
      const known = [...months.keys()].sort((a, b) => a - b)
      let worst = 0
      for (const month of known) {
        const dpd = DPD[months.get(month)!]!
        worst = Math.max(worst, dpd)
        const at = (known[0]! - ANCHOR + MONTHS - 1) * MONTHS + month - known[0]!
        cells.forEach(({ loans, bad }, i) => {
          loans[at]!++
          if (i === 0 ? worst >= 60 : dpd >= 30) bad[at]!++
        })
      }
    }
    for (const [i, [series, threshold]] of [['ever', 60] as const, ['current', 30] as const].entries()) {
      const rows = await sql.query<{ back: number; mob: number; loans: number; bad: number }>(
        `SELECT dateDiff('month', cohort, toDate('2020-12-01')) AS back, mob, loans, bad
         FROM vintage(threshold_dpd = ${threshold}, basis = 'count', series = '${series}') WHERE dataset = 'credit-record'`,
      )
      const found = { loans: new Int32Array(MONTHS ** 2), bad: new Int32Array(MONTHS ** 2) }
      for (const { back, mob, loans, bad } of rows) {
        found.loans[(MONTHS - 1 - back) * MONTHS + mob] = loans
        found.bad[(MONTHS - 1 - back) * MONTHS + mob] = bad
      }
      expect(found).toEqual(cells[i])
      expect(rows).toHaveLength((MONTHS * (MONTHS + 1)) / 2)
    }
  })

  test('gives the migration that the file gives, over one month and over three', async () => {
    for (const [from, to, horizon] of [
      [ANCHOR - 24, ANCHOR - 13, 1],
      [ANCHOR - 6, ANCHOR - 3, 3],
    ] as const) {
      const expected: Record<string, number> = {}
      for (const months of clients.values()) {
        for (let month = from; month <= to; month++) {
          const opening = months.get(month)
          const closing = months.get(month + horizon)
          if (opening !== undefined && closing !== undefined) add(expected, `${BUCKET[opening]} → ${BUCKET[closing]}`)
        }
      }
      const rows = await sql.query<{ from_bucket: string; to_bucket: string; loans: number; share_of_loans: number }>(
        `SELECT from_bucket, to_bucket, loans, share_of_loans FROM migration_matrix(
           from_month = '${monthDate(from)}', to_month = '${monthDate(to)}', horizon_months = ${horizon})
         WHERE dataset = 'credit-record'`,
      )
      expect(Object.fromEntries(rows.map((row) => [`${row.from_bucket} → ${row.to_bucket}`, row.loans]))).toEqual(
        expected,
      )
      const current = rows.filter(({ from_bucket }) => from_bucket === '1-29')
      expect(current.reduce((sum, { share_of_loans }) => sum + share_of_loans, 0)).toBeCloseTo(1, 12)
    }
  })
})

// As above.
describe.skipIf(!present)('a pair of months with a published roll-rate matrix (../shared/data/roll-rate)', () => {
  test('gives that matrix', async () => {
    const rows = ['test_data_i.csv', 'test_data_i_1.csv'].flatMap((name, i) => {
      const lines = readFileSync(join(ROLL_RATE, name), 'utf8').trimEnd().split(/\r?\n/).slice(1)
      return lines.map((line) => `${line},2024-0${i + 1}`)
    })
    const tape = join(folder, 'roll-rate.csv')
    writeFileSync(tape, `id,delq,month\n${rows.join('\n')}\n`)
    const names = ['0', '1', '2', '3', '4', '5', '6+']
    // So many months past due; the published matrix puts 6 and more into one.
    const codes = Object.fromEntries(
      ['0', '1', '2', '3', '4', '5', '6', '7'].map((code) => {
        return [code, { bucket: names[Math.min(Number(code), 6)] }]
      }),
    )
    const parsed = parseMap({
      columns: { loan: 'id', month: 'month', status: 'delq' },
      month_format: 'YYYY-MM',
      codes,
      buckets: names.map((name, i) => ({ name, from_dpd: i * 30 })),
    })
    if (!parsed.ok) throw new Error(parsed.detail)
    expect(await load(tape, parsed.map, 'roll-rate')).toMatchObject({ stored: 128, defects: [] })
    const found = await sql.query<{ from_bucket: string; to_bucket: string; loans: number }>(
      `SELECT from_bucket, to_bucket, loans
       FROM migration_matrix(from_month = '2024-01-01', to_month = '2024-01-01', horizon_months = 1)
       WHERE dataset = 'roll-rate'`,
    )
    const cell = (from: string, to: string) =>
      found.find(({ from_bucket, to_bucket }) => from_bucket === from && to_bucket === to)?.loans
    const lines = readFileSync(join(ROLL_RATE, 'test_mom_rr_result_6.csv'), 'utf8').trimEnd().split(/\r?\n/).slice(1)
    const expected = lines.map((line) => line.split(',').map(Number))
    expect(names.map((from) => names.map((to) => cell(from, to)))).toEqual(expected)
    expect(expected).toHaveLength(7)
  })
})
