import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openKeyStore } from '../../../api/keys.ts'
import { featureColumn } from '../../../features/catalogue/define.ts'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import { decodeBytes } from '../../../features/events/decode.ts'
import { cataloguePage } from '../../../pipelines/cli/catalogue-page.ts'
import { foreshock, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const ONE_LINE = /^[^\n]+\n$/

describe('usage', () => {
  it.each([
    [['nonsense']],
    [['sql']],
    [['feed', '--limit', '1.5']],
    [['features', 'nonsense']],
    [['keys', 'create', '--scopes', 'everything']],
    [['simulate', '--start', '2024-02-30']],
    [['import', 'berka', '.', '--json']],
  ])('%j is wrong: exit 2 and one line', async (args) => {
    const { code, stdout, stderr } = await foreshock(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(ONE_LINE)
  })

  it('without a command shows the commands, exit 2', async () => {
    const { code, stderr } = await foreshock()
    expect(code).toBe(2)
    for (const name of ['simulate', 'import', 'ingest', 'sql', 'feed', 'features', 'keys', 'schema']) {
      expect(stderr).toContain(`\n  ${name} `)
    }
  })

  it('is explained by --help, exit 0', async () => {
    const { code, stdout, stderr } = await foreshock('feed', '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const option of ['--data', '--limit', '--after', '--follow', '--tenant']) expect(stdout).toContain(option)
  })
})

describe('simulate', () => {
  const size = ['simulate', '--borrowers', '4', '--months', '1', '--seed', '7', '--start', '2024-03-01']

  it('writes the same events to a file and to standard output, and sums up', async () => {
    const { code, stdout, stderr } = await foreshock(...size, '--out', path('simulated.ndjson'), '--json')
    expect(code, stderr).toBe(0)
    const text = readFileSync(path('simulated.ndjson'), 'utf8')
    const lines = text.trimEnd().split('\n')
    expect(JSON.parse(stdout)).toMatchObject({
      events: lines.length,
      bytes: Buffer.byteLength(text),
      borrowers: 4,
      days: 31,
      first_date: '2024-03-01',
      last_date: '2024-03-31',
    })
    const toStdout = await foreshock(...size)
    expect(toStdout.stdout).toBe(text)
    expect(toStdout.stderr).toContain('2024-03-01 to 2024-03-31')
  })

  it('writes the tenant into every event when it is named', async () => {
    const { stdout } = await foreshock(...size, '--tenant', 'bank')
    for (const line of stdout.trimEnd().split('\n')) {
      expect(decodeBytes(Buffer.from(line), 'bank')).toMatchObject({ ok: true, event: { tenant: 'bank' } })
    }
  })

  it('says in one line that it cannot write', async () => {
    const outcome = await foreshock(...size, '--out', path('absent/simulated.ndjson'))
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(ONE_LINE) as string })
  })
})

describe('import berka', () => {
  const fixture = fileURLToPath(new URL('../../fixtures/berka', import.meta.url))

  it('writes the same events to standard output, a file and a compressed file, and sums up', async () => {
    const plain = await foreshock('import', 'berka', fixture)
    expect(plain.code, plain.stderr).toBe(0)
    const lines = plain.stdout.trimEnd().split('\n')
    for (const line of lines) expect(decodeBytes(Buffer.from(line), 'default')).toMatchObject({ ok: true })
    expect(plain.stderr).toMatch(/transactions of .* borrowers from trans_1995-01_truncated\.asc/)

    const summed = await foreshock('import', 'berka', fixture, '--out', path('berka.ndjson'), '--json')
    expect(JSON.parse(summed.stdout)).toMatchObject({ events: lines.length, refused: expect.any(Array) as unknown[] })
    expect(readFileSync(path('berka.ndjson'), 'utf8')).toBe(plain.stdout)

    await foreshock('import', 'berka', fixture, '--out', path('berka.ndjson.gz'))
    expect(gunzipSync(readFileSync(path('berka.ndjson.gz'))).toString()).toBe(plain.stdout)
  })

  it.each([
    ['a folder that is not there', () => path('absent'), 'out.ndjson', 'there is no folder'],
    ['a folder of something else', () => folder, 'out.ndjson', 'trans.asc'],
    ['a file that cannot be written', () => fixture, 'absent/out.ndjson', 'make it first'],
  ])('%s: exit 1, one line, and no file', async (_, directory, out, told) => {
    mkdirSync(path('outputs'), { recursive: true })
    const { code, stdout, stderr } = await foreshock('import', 'berka', directory(), '--out', path(`outputs/${out}`))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(ONE_LINE)
    expect(stderr).toContain(told)
    expect(readdirSync(path('outputs'))).toEqual([])
  })
})

describe('features', () => {
  it('list gives one object per column of the table', async () => {
    const { code, stdout } = await foreshock('features', 'list', '--json')
    expect(code).toBe(0)
    const listed = JSON.parse(stdout) as Record<string, unknown>[]
    expect(listed.map((one) => one['column'])).toEqual(CATALOGUE.map(featureColumn))
    const [first] = CATALOGUE
    expect(listed[0]).toEqual({
      id: `${first?.name}@1`,
      name: first?.name,
      version: 1,
      column: first?.name,
      family: 'cash-flow',
      unit: first?.unit,
      windows_days: first?.windows_days,
      minimum_history_days: first?.minimum_history_days,
      needs_report: false,
      missing: `less than ${first?.minimum_history_days} day of transactions`,
      formula: { zh: first?.formula.zh, en: first?.formula.en },
      reading: { zh: first?.reading.zh, en: first?.reading.en },
      tables: [],
      source: first?.source,
    })
    const queries = listed.find((one) => one['name'] === 'hard_query_count_30d')
    expect(queries).toMatchObject({ needs_report: true, missing: 'no bureau query was ever received' })
    expect(queries?.['tables']).toMatchObject([{ name: 'hard_query_reasons', version: 1 }])
  })

  it('list gives people a line each', async () => {
    const lines = (await foreshock('features', 'list')).stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^id +family +unit +windows +history +a high value says +formula$/)
    expect(lines).toHaveLength(CATALOGUE.length + 1)
    expect(lines.find((line) => line.startsWith('cash_share_90d@1 '))).toMatch(
      / +cash-out +share +90 +90 +most spending is cash +cash withdrawals \/ outgoing amount of 90 days$/,
    )
  })

  it('list gives one family, and readings and formulas in Chinese', async () => {
    const { code, stdout } = await foreshock('features', 'list', '--family', 'multi-lender', '--lang', 'zh')
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n').slice(1)
    const entries = CATALOGUE.filter(({ family }) => family === 'multi-lender')
    expect(lines).toHaveLength(entries.length)
    entries.forEach((entry, i) => {
      expect(lines[i]?.endsWith(`  ${entry.formula.zh}`)).toBe(true)
      expect(lines[i]).toContain(`  ${entry.reading.zh}  `)
    })
    const wrong = await foreshock('features', 'list', '--family', 'nonsense')
    expect(wrong).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(ONE_LINE) as string })
  })

  it('show takes a name with and without its version, and gives both languages', async () => {
    const plain = await foreshock('features', 'show', 'dpd_now')
    expect(plain.stdout).toBe((await foreshock('features', 'show', 'dpd_now@1')).stdout)
    const one = CATALOGUE.find(({ name }) => name === 'dpd_now')
    expect(plain.stdout).toContain(one?.formula.zh)
    expect(plain.stdout).toContain(one?.formula.en)
  })

  it('show gives the table that a feature reads, and its version', async () => {
    const { stdout } = await foreshock('features', 'show', 'high_risk_merchant_share_90d')
    expect(stdout).toMatch(/^ +table +high_risk_merchant_categories@1: .*\n +5013 5065 /m)
  })

  it('page gives the page that the repository keeps', async () => {
    const { stdout } = await foreshock('features', 'page')
    expect(stdout).toBe(cataloguePage())
  })

  it('show tells what is not there', async () => {
    const outcome = await foreshock('features', 'show', 'dpd_now@2', '--json')
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(ONE_LINE) as string })
  })
})

describe('keys create', () => {
  it('prints a key alone, which the directory knows from then on, with the scopes asked for', async () => {
    const directory = path('new/data')
    const { code, stdout, stderr } = await foreshock('keys', 'create', '--data', directory, '--tenant', 'bank')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^fsk_\w+\n$/)
    const narrow = await foreshock('keys', 'create', '--data', directory, '--scopes', 'warnings:read, events:write')
    const store = openKeyStore(directory, { warn: expect.unreachable })
    const all = ['events:write', 'warnings:read', 'borrowers:read', 'sql:read']
    expect(store.verify(stdout.trim())).toMatchObject({ tenant: 'bank', scopes: all })
    expect(store.verify(narrow.stdout.trim())).toMatchObject({
      tenant: 'default',
      scopes: ['warnings:read', 'events:write'],
    })
  })

  it('leaves no directory behind when it is used wrongly', async () => {
    expect((await foreshock('keys', 'create', '--data', path('wrong'), '--scopes', '')).code).toBe(2)
    expect(existsSync(path('wrong'))).toBe(false)
  })
})

describe('schema', () => {
  it('is JSON Schema of the events that may be sent', async () => {
    const { code, stdout } = await foreshock('schema')
    expect(code).toBe(0)
    const schema = JSON.parse(stdout) as { $schema: string; oneOf: { properties: { type: { const: string } } }[] }
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
    const types = schema.oneOf.map(({ properties }) => properties.type.const)
    expect(types).toContain('loan.disbursed')
    expect(types).not.toContain('day.closed')
  })
})
