import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ImportReport, importTape } from '../../../../pipelines/importers/snapshots/import.ts'
import { reportLines } from '../../../../pipelines/importers/snapshots/report.ts'
import type { Sql } from '../../../../sql/client.ts'
import { migrate } from '../../../../sql/migrate.ts'
import { parseMap } from '../../../../sql/tapes/map.ts'
import { openTestDatabase, type TestDatabase } from '../../../sql/support.ts'
import { writeZip } from '../zip-file.ts'

/** Month-end tapes through the real engine: what is stored, what is refused, and that nothing is stored by half. */

let test_database: TestDatabase
let sql: Sql
const folder = mkdtempSync(join(tmpdir(), 'foreshock-tapes-'))

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
})
afterAll(async () => {
  await test_database.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await sql.command('TRUNCATE TABLE loan_months')
})

const MAP = {
  columns: {
    loan: 'Loan Id',
    month: 'as_of',
    status: 'code',
    dpd: 'days',
    balance: 'balance',
    product: 'product',
    cohort: 'booked',
  },
  month_format: 'YYYY-MM-DD',
  cohort_format: 'DD/MM/YYYY',
  balance_unit: 'major',
  codes: { ok: {}, paid: { state: 'closed' }, gone: { state: 'written_off' } },
  buckets: [
    { name: 'current', from_dpd: 0 },
    { name: '1-29', from_dpd: 1 },
    { name: '30+', from_dpd: 30 },
  ],
}
const HEAD = 'Loan Id,as_of,code,days,balance,product,booked,ignored'

async function load(
  file: string,
  map: object = MAP,
  options: { replace?: boolean; check?: boolean; dataset?: string } = {},
): Promise<ImportReport> {
  const outcome = await attempt(file, map, options)
  if (!outcome.ok) throw new Error(outcome.detail)
  return outcome.report
}

function attempt(
  file: string,
  map: object = MAP,
  { replace = false, check = false, dataset = 'tape' }: { replace?: boolean; check?: boolean; dataset?: string } = {},
) {
  const parsed = parseMap(map)
  if (!parsed.ok) throw new Error(parsed.detail)
  const request = { file, map: parsed.map, tenant: 'bank', dataset, replace, check }
  return importTape(request, {
    database: test_database.database,
    onProgress: () => {},
    signal: new AbortController().signal,
  })
}

function write(name: string, rows: readonly string[], head = HEAD): string {
  const path = join(folder, name)
  writeFileSync(path, `${[head, ...rows].join('\n')}\n`)
  return path
}

function stored(): Promise<Record<string, unknown>[]> {
  return sql.query(
    `SELECT loan, month, mob, cohort, product, status, dpd, worst_dpd, bucket, balance_minor
     FROM loan_months WHERE tenant = 'bank' AND dataset = 'tape' ORDER BY loan, month`,
  )
}

const GOOD = [
  '007,2024-01-31,ok,0,"1000.50",card,03/12/2023,x',
  '007,2024-02-29,ok,31,900,card,03/12/2023,x',
  '007,2024-03-31,ok,0,,card,03/12/2023,x',
  '007,2024-04-30,paid,0,0,card,03/12/2023,x',
  'b,2024-01-31,ok,5,70.1,loan,31/01/2024,x',
  'b,2024-02-29,gone,180,70.10,loan,31/01/2024,x',
]

describe('a good tape', () => {
  test('becomes month-end rows: exact money, cohort of the tape, worst so far, no row once closed', async () => {
    const report = await load(write('good.csv', GOOD))
    const common = { product: 'card', cohort: '2023-12-01', status: 'open', loan: '007' }
    expect(await stored()).toEqual([
      { ...common, month: '2024-01-01', mob: 1, dpd: 0, worst_dpd: 0, bucket: 'current', balance_minor: 100_050 },
      { ...common, month: '2024-02-01', mob: 2, dpd: 31, worst_dpd: 31, bucket: '30+', balance_minor: 90_000 },
      { ...common, month: '2024-03-01', mob: 3, dpd: 0, worst_dpd: 31, bucket: 'current', balance_minor: null },
      {
        loan: 'b',
        product: 'loan',
        cohort: '2024-01-01',
        status: 'open',
        month: '2024-01-01',
        mob: 0,
        dpd: 5,
        worst_dpd: 5,
        bucket: '1-29',
        balance_minor: 7010,
      },
      {
        loan: 'b',
        product: 'loan',
        cohort: '2024-01-01',
        status: 'written_off',
        month: '2024-02-01',
        mob: 1,
        dpd: 180,
        worst_dpd: 180,
        bucket: 'written_off',
        balance_minor: 7010,
      },
    ])
    expect(report).toMatchObject({ rows: 6, closed_rows: 1, loans: 2, from_month: '2024-01', to_month: '2024-04' })
    expect(report).toMatchObject({
      stored: 5,
      defects: [],
      buckets: { '1-29': 1, '30+': 1, current: 2, written_off: 1 },
    })
    expect(await sql.query("SELECT name FROM system.databases WHERE name = 'import_staging'")).toEqual([])
  })

  test('is the same as CSV with semicolons, as Parquet and in a ZIP archive', async () => {
    await load(write('good.csv', GOOD))
    const expected = await stored()
    const parquet = join(folder, 'good.parquet')
    const source = join(folder, 'good.csv')
    await sql.command(
      `SELECT \`Loan Id\`, toDate(as_of) AS as_of, code, toInt16(days) AS days, toDecimal64OrNull(balance, 2) AS balance,
         product, booked
       FROM file('${source}', 'CSVWithNames', '\`Loan Id\` String, as_of String, code String, days String, balance String,
         product String, booked String')
       INTO OUTFILE '${parquet}' FORMAT Parquet`,
    )
    const semicolons = write(
      'semicolons.csv',
      GOOD.map((row) => row.replaceAll(',', ';')),
      HEAD.replaceAll(',', ';'),
    )
    const text = Buffer.from(`${HEAD}\n${GOOD.join('\n')}\n`)
    const zip = join(folder, 'good.zip')
    writeZip(zip, [
      { name: 'README', bytes: Buffer.from('about it') },
      { name: 'tape.csv', bytes: text },
    ])
    for (const [file, map] of [
      [parquet, MAP],
      [semicolons, { ...MAP, delimiter: ';' }],
      [zip, MAP],
    ] as const) {
      await load(file, map, { replace: true })
      expect(await stored(), file).toEqual(expected)
    }
  })

  test('is only looked at with check, takes the place of its namesake with replace, and leaves all others alone', async () => {
    const rows = () =>
      sql.query('SELECT dataset, toInt64(count()) AS rows FROM loan_months GROUP BY dataset ORDER BY dataset')
    await sql.command("INSERT INTO loan_months (tenant, dataset, loan, month) VALUES ('bank', '', 'own', '2024-01-01')")
    const file = write('good.csv', GOOD)
    expect(await load(file, MAP, { check: true })).toMatchObject({ rows: 6, stored: 0, defects: [] })
    expect(await rows()).toEqual([{ dataset: '', rows: 1 }])
    await load(file)
    await load(file, MAP, { dataset: 'other' })
    expect(await attempt(file)).toEqual({
      ok: false,
      detail: 'data set tape is there already (5 rows): add --replace, or choose another --dataset',
    })
    await load(write('less.csv', GOOD.slice(0, 3)), MAP, { replace: true })
    expect(await rows()).toEqual([
      { dataset: '', rows: 1 },
      { dataset: 'other', rows: 5 },
      { dataset: 'tape', rows: 3 },
    ])
  })
})

describe('a tape with defects', () => {
  /** Each kind once, on loans of its own: its rows, and which of them is the example. */
  const BAD: readonly (readonly [kind: string, rows: readonly string[], example: object])[] = [
    ['after_end', ['a,2024-01-31,gone,99,1,card,,', 'a,2024-02-29,ok,0,1,card,,'], { value: 'open after written_off' }],
    ['bad_balance', ['b,2024-01-31,ok,0,1.005,card,,'], { value: '1.005' }],
    ['bad_cohort', ['c,2024-01-31,ok,0,1,card,2024-01-01,'], { value: '2024-01-01' }],
    ['bad_dpd', ['d,2024-01-31,ok,-3,1,card,,'], { value: '-3' }],
    ['bad_month', ['e,2024-02-30,ok,0,1,card,,'], { month: '', value: '2024-02-30' }],
    ['cohort_after_month', ['f,2024-01-31,ok,0,1,card,01/02/2024,'], { value: '01/02/2024' }],
    [
      'cohort_changes',
      ['g,2024-01-31,ok,0,1,card,01/01/2024,', 'g,2024-02-29,ok,0,1,card,01/01/2023,'],
      { value: '2024-01-01' },
    ],
    ['duplicate', ['h,2024-01-31,ok,0,1,card,,', 'h,2024-01-01,ok,0,1,card,,'], { value: 'also row 10' }],
    ['gap', ['i,2024-01-31,ok,0,1,card,,', 'i,2024-03-31,ok,0,1,card,,'], { value: 'no row after 2024-01' }],
    ['missing_loan', [' ,2024-01-31,ok,0,1,card,,'], { loan: '', month: '2024-01' }],
    ['unknown_code', ['k,2024-01-31,???,0,1,card,,'], { value: '???' }],
  ]

  test('is told each of them with the row, and nothing is stored', async () => {
    const rows = BAD.flatMap(([, lines]) => lines)
    const report = await load(write('bad.csv', rows))
    expect(report.defects).toEqual(
      BAD.map(([kind, lines, example]) => {
        const row = rows.indexOf(lines.at(-1)!) + 1
        return { kind, count: 1, loans: 1, examples: [expect.objectContaining({ row, ...example })] }
      }),
    )
    expect(report.stored).toBe(0)
    expect(await stored()).toEqual([])
    const text = reportLines(report)
    for (const [kind] of BAD) expect(text.filter((line) => line.startsWith(`${kind}: 1 `))).toHaveLength(1)
    expect(text.at(-1)).toBe('stored        nothing')
  })

  test('may be whole loan by loan and lack a month all the same; days may be missing as well as wrong', async () => {
    const rows = ['a,2024-01-31,ok,0,1,card,,', 'b,2024-03-31,ok,0,1,card,,', 'c,2024-04-30,ok,,1,card,,']
    expect((await load(write('absent.csv', rows))).defects).toEqual([
      { kind: 'bad_dpd', count: 1, loans: 1, examples: [{ row: 3, loan: 'c', month: '2024-04', value: '' }] },
      { kind: 'absent_month', count: 1, loans: 0, examples: [{ row: 0, loan: '', month: '2024-02', value: '' }] },
    ])
  })

  test('days below the lowest bucket, and buckets that a tape names itself, are unknown buckets', async () => {
    const buckets = [{ name: 'late', from_dpd: 10 }]
    const byDays = { columns: { loan: 'l', month: 'm', dpd: 'd' }, buckets, month_format: 'YYYYMM' }
    const file = write('days.csv', ['a,202401,9', 'b,202401,10'], 'l,m,d')
    expect((await load(file, byDays)).defects).toMatchObject([
      { kind: 'unknown_bucket', count: 1, examples: [{ value: '9' }] },
    ])
    const byName = { columns: { loan: 'l', month: 'm', bucket: 'd' }, buckets, month_format: 'YYYYMM' }
    const names = write('names.csv', ['a,202401,later', 'b,202401,late'], 'l,m,d')
    expect((await load(names, byName)).defects).toMatchObject([
      { kind: 'unknown_bucket', count: 1, examples: [{ loan: 'a', value: 'later' }] },
    ])
  })

  test('counts all and shows the first five', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `l${i},2024-01-31,${i % 4 === 0 ? 'ok' : 'no'},0,1,card,,`)
    const { defects } = await load(write('many.csv', rows))
    expect(defects).toMatchObject([{ kind: 'unknown_code', count: 30, loans: 30 }])
    expect(defects[0]?.examples.map(({ row }) => row)).toEqual([2, 3, 4, 6, 7])
  })

  test('is taken where its map says so: gaps stay gaps, rows that say the same again go', async () => {
    const rows = ['a,2024-01-31,ok,0,1,card,,', 'a,2024-01-31,ok,0,1,card,,', 'a,2024-03-31,ok,0,1,card,,']
    const map = { ...MAP, gaps: 'keep', duplicates: 'drop_identical' }
    expect(await load(write('kept.csv', rows), map)).toMatchObject({ stored: 2, repeated_rows: 1, defects: [] })
    expect((await stored()).map(({ mob }) => mob)).toEqual([0, 2])
    const other = [...rows, 'a,2024-01-31,ok,1,1,card,,']
    const report = await load(write('other.csv', other), map, { replace: true })
    expect(report.defects).toMatchObject([{ kind: 'duplicate', count: 1, examples: [{ row: 4 }] }])
    expect((await stored()).length).toBe(2)
  })

  test('that cannot be read at all says why in one line', async () => {
    const empty = join(folder, 'empty.csv')
    writeFileSync(empty, '')
    const zip = join(folder, 'broken.zip')
    writeZip(zip, [{ name: 'tape.csv', bytes: Buffer.from(`${HEAD}\n${GOOD[0]}\n`) }])
    const broken = Buffer.concat([Buffer.from('nothing of the kind')])
    const noZip = join(folder, 'no.zip')
    writeFileSync(noZip, broken)
    const flawed = join(folder, 'flawed.zip')
    writeZip(flawed, [{ name: 'tape.csv', bytes: Buffer.from('abc'), packed: deflateRawSync('abd') }])
    const cases = [
      [join(folder, 'nowhere.csv'), /^there is no file /],
      [empty, /empty\.csv has no rows$/],
      [write('head.csv', []), /head\.csv has no rows$/],
      [
        write('first.csv', ['a,2024-01-31']),
        /first\.csv cannot be read: its rows have not as many values as its header$/,
      ],
      [write('short.csv', [...GOOD, 'a,2024-01-31']), /short\.csv cannot be read: [^\n]*\(at row 7\)$/],
      [write('column.csv', ['1,2'], 'a,b'), /has no column Loan Id: it has a, b$/],
      [noZip, /is not a whole ZIP archive/],
      [flawed, /tape\.csv in .* is damaged/],
      [join(folder, 'any*.csv'), /there is no file/],
    ] as const
    for (const [file, detail] of cases) {
      const outcome = await attempt(file)
      expect(outcome.ok, file).toBe(false)
      if (!outcome.ok) expect(outcome.detail).toMatch(detail)
    }
    expect(await stored()).toEqual([])
  })
})
