import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MS_PER_DAY } from '../../../features/time.ts'
import { ingest } from '../../../pipelines/ingest/ingest.ts'
import type { Pipeline } from '../../../pipelines/run/pipeline.ts'
import type { Sql } from '../../../sql/client.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { disbursement, noon, type RawEvent, repayment, toIncoming, transaction } from './events.ts'
import { openAt } from './open.ts'

const folder = temporaryFolder()
const shape = { partitions: 2, slices: 2 }
let pipeline: Pipeline
let sql: Sql

beforeAll(async () => {
  pipeline = await openAt(join(folder, 'data'), { shape, withoutModel: true })
  sql = pipeline.database.session()
})
afterAll(async () => {
  await sql.close()
  await pipeline.close()
})

const positions = new Map<string, number>()
/** Hands over a tenant's next lines and waits until the tables show what came of them. */
async function take(tenant: string, lines: readonly (RawEvent | string)[]): Promise<void> {
  const position = positions.get(tenant) ?? 1
  positions.set(tenant, position + lines.length)
  await pipeline.take(toIncoming(lines, { tenant, partition: `file:${tenant}`, position }), undefined)
  await pipeline.drain()
}

let clockEvents = 0
/** Two events of somebody else, so that time is reached. */
const reach = (time: number): RawEvent[] => [1, 2].map(() => transaction(`clock-${clockEvents++}`, time, 'clock'))

type DeadLetter = { event_id: string; step: string; reason: string; borrower: string; offset: number | null }
const deadLetters = (tenant: string): Promise<DeadLetter[]> =>
  sql.query(
    `SELECT event_id, step, reason, borrower, offset FROM dead_letters WHERE tenant = '${tenant}' ORDER BY source_partition, source_position`,
  )
const featuresOf = (tenant: string, borrower: string, columns: string): Promise<Record<string, unknown>[]> =>
  sql.query(
    `SELECT type, late_ms, ${columns} FROM features WHERE tenant = '${tenant}' AND borrower = '${borrower}' ORDER BY partition, offset`,
  )
const loan = async (tenant: string): Promise<Record<string, unknown> | undefined> =>
  (await sql.query<Record<string, unknown>>(`SELECT * FROM loans WHERE tenant = '${tenant}'`))[0]

describe('an event of a loan not known yet', () => {
  it('waits, and applies in log order at the place of the loan', async () => {
    await take('held', [
      repayment('early-1', noon(0), 'b', 'l', 30_000),
      repayment('early-2', noon(1), 'b', 'l', 20_000),
      {
        ...repayment('early-3', noon(1), 'b', 'l'),
        type: 'repayment.reversed',
        data: { loan: 'l', repayment: 'early-2' },
      },
    ])
    expect(await loan('held')).toBeUndefined()
    await take('held', [disbursement('loan', noon(2), 'b', 'l', { disbursed_at: noon(0) })])
    expect(await loan('held')).toMatchObject({ outstanding_principal_minor: 270_000, status: 'open' })
    expect(await featuresOf('held', 'b', 'repayment_count_30d, repayment_sum_30d, reversal_count_90d')).toEqual([
      {
        type: 'repayment.received',
        late_ms: 0,
        repayment_count_30d: null,
        repayment_sum_30d: null,
        reversal_count_90d: null,
      },
      {
        type: 'repayment.received',
        late_ms: 0,
        repayment_count_30d: null,
        repayment_sum_30d: null,
        reversal_count_90d: null,
      },
      {
        type: 'repayment.reversed',
        late_ms: 0,
        repayment_count_30d: null,
        repayment_sum_30d: null,
        reversal_count_90d: null,
      },
      { type: 'loan.disbursed', late_ms: 0, repayment_count_30d: 1, repayment_sum_30d: 30_000, reversal_count_90d: 1 },
    ])
    expect(await deadLetters('held')).toEqual([])
  })

  it('becomes the dead letter unknown_loan when seven days have closed since its place', async () => {
    await take('unknown', [...reach(noon(0)), repayment('orphan', noon(0), 'b', 'l'), ...reach(noon(6))])
    expect(await deadLetters('unknown')).toEqual([])
    await take('unknown', reach(noon(7)))
    const [partition] = await sql.query<{ offset: number }>(
      "SELECT offset FROM events WHERE tenant = 'unknown' AND id = 'orphan'",
    )
    expect(await deadLetters('unknown')).toEqual([
      { event_id: 'orphan', step: 'apply', reason: 'unknown_loan', borrower: 'b', offset: partition?.offset },
    ])
    await take('unknown', [disbursement('loan', noon(9), 'b', 'l')])
    expect(await loan('unknown')).toMatchObject({ outstanding_principal_minor: 300_000 })
  })

  it('is the dead letter held_full when 64 wait already', async () => {
    const flood = Array.from({ length: 66 }, (_, i) => repayment(`flood-${i}`, noon(0), 'b', `l-${i}`, 1))
    await take('flood', flood)
    expect((await deadLetters('flood')).map(({ event_id, reason }) => [event_id, reason])).toEqual([
      ['flood-64', 'held_full'],
      ['flood-65', 'held_full'],
    ])
    // A refused event has no evaluation.
    expect(await featuresOf('flood', 'b', 'time')).toHaveLength(64)
  })
})

describe('an event that contradicts what is known', () => {
  it('is the dead letter loan_conflict when it disburses a loan again with other terms', async () => {
    await take('twice', [
      disbursement('loan', noon(0), 'b', 'l'),
      disbursement('again', noon(1), 'b', 'l', { product: 'other' }),
    ])
    expect((await deadLetters('twice')).map(({ event_id, reason }) => [event_id, reason])).toEqual([
      ['again', 'loan_conflict'],
    ])
    expect(await loan('twice')).toMatchObject({ product: '', principal_minor: 300_000 })
  })

  it('is the dead letter conflict when its id was used for something else', async () => {
    await take('conflict', [repayment('r', noon(0), 'b', 'l', 1), repayment('r', noon(0), 'b', 'l', 2)])
    expect(await deadLetters('conflict')).toEqual([
      { event_id: 'r', step: 'intake', reason: 'conflict', borrower: 'b', offset: null },
    ])
  })
})

describe('an event that is months late', () => {
  it('applies from its place and is flagged and counted, and nothing said before changes', async () => {
    const spend = { direction: 'out', merchant: 'shop', amount_minor: 1000 }
    const monthly = Array.from({ length: 200 }, (_, day) => transaction(`t-${day}`, noon(day), 'b', spend))
    await take('late', [disbursement('loan', noon(0), 'b', 'l'), ...monthly])
    const tables = ['features', 'signals', 'warnings', 'loan_days', 'loan_months', 'events']
    const dump = () =>
      Promise.all(tables.map((table) => sql.query(`SELECT * FROM ${table} WHERE tenant = 'late' ORDER BY ALL`)))
    const before = await dump()
    const lateBefore = pipeline.counts.late
    const columns = 'outflow_count_90d, outflow_count_30d, dpd_now, overdue_amount'
    const last = (await featuresOf('late', 'b', columns)).at(-1)
    expect(last).toMatchObject({ outflow_count_90d: 90, outflow_count_30d: 30, dpd_now: 169, overdue_amount: 300_000 })

    // The repayment was made on the day it was due, and reported five months later.
    const late = { ...repayment('late-r', noon(29), 'b', 'l', 100_000) }
    await take('late', [transaction('late-t', noon(150), 'b', spend), late])
    expect(pipeline.counts.late - lateBefore).toBe(2)
    const rows = (await featuresOf('late', 'b', columns)).slice(-2)
    expect(rows).toEqual([
      { ...last, type: 'transaction.posted', late_ms: 49 * MS_PER_DAY, outflow_count_90d: 91 },
      {
        ...last,
        type: 'repayment.received',
        late_ms: 170 * MS_PER_DAY,
        outflow_count_90d: 91,
        dpd_now: 139,
        overdue_amount: 200_000,
      },
    ])
    const after = await dump()
    before.forEach((table, i) => {
      const kept = new Set((after[i] ?? []).map((row) => JSON.stringify(row)))
      expect(
        table.filter((row) => !kept.has(JSON.stringify(row))),
        tables[i],
      ).toEqual([])
    })
    // The next tick tells what the loan is now.
    await take('late', reach(noon(201)))
    const days = await sql.query<{ dpd: number }>(
      "SELECT dpd FROM loan_days WHERE tenant = 'late' ORDER BY date DESC LIMIT 1",
    )
    expect(days).toEqual([{ dpd: 140 }])
  })
})

describe('a file with lines that cannot be events', () => {
  const good = (i: number) => JSON.stringify(transaction(`good-${i}`, noon(i), 'b'))
  const event = transaction('x', noon(0), 'b')
  const text = (data: string) => JSON.stringify(event).replace(/"data":.*$/, `"data":${data}}`)
  const amount = (value: string) => text(`{"account":"a","direction":"in","currency":"CNY","amount_minor":${value}}`)
  const bad: readonly (readonly [reason: string, line: string | Buffer])[] = [
    ['not_json', 'this is not JSON'],
    ['not_json', amount('NaN')],
    ['not_an_object', '[]'],
    ['unknown_type', JSON.stringify({ ...event, type: 'loan.forgiven' })],
    ['control_from_outside', JSON.stringify({ ...event, type: 'day.closed' })],
    ['invalid_field', text('{}')],
    ['invalid_field', text('{"account":5,"direction":"in","currency":"CNY","amount_minor":1}')],
    ['invalid_field', amount('-1')],
    ['invalid_field', amount('1.5')],
    ['invalid_field', amount('1e400')],
    ['invalid_field', JSON.stringify(disbursement('d', noon(0), 'b', 'l')).replace('2024-01-31', '2024-02-30')],
    ['invalid_field', JSON.stringify({ ...event, time: '2024-01-01T00:00:00' })],
    ['too_long', `{"id":"${'x'.repeat(10 * 1024 * 1024)}"}`],
    ['too_deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['forbidden_key', text('{"__proto__":{"admin":true},"account":"a"}')],
    ['not_utf8', Buffer.concat([Buffer.from('{"id":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}')])],
    ['wrong_tenant', JSON.stringify({ ...event, tenant: 'somebody-else' })],
  ]

  it('records each with its file, line, reason and original bytes, and takes all its neighbours', async () => {
    const path = join(folder, 'poison.ndjson')
    const lines = bad.flatMap(([, line], i) => [Buffer.from(good(i)), Buffer.from(line)])
    writeFileSync(path, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])))
    const refusedBefore = { ...pipeline.counts.dead_letters }
    const ingested = await ingest(pipeline, { tenant: 'poison', files: [path], sort: false })
    expect(ingested).toEqual({ ok: true, failures: [], contained: [] })

    const rows = await sql.query<{ source_partition: string; source_position: number; step: string; reason: string }>(
      "SELECT source_partition, source_position, step, reason FROM dead_letters WHERE tenant = 'poison' ORDER BY source_position",
    )
    expect(rows.map(({ source_position, step, reason }) => [source_position, step, reason])).toEqual(
      bad.map(([reason], i) => [2 * i + 2, 'decode', reason]),
    )
    expect(rows.every(({ source_partition }) => source_partition.startsWith('file:'))).toBe(true)
    const stored = await sql.query<{ id: string }>(
      "SELECT id FROM events WHERE tenant = 'poison' AND borrower = 'b' ORDER BY time",
    )
    expect(stored.map(({ id }) => id)).toEqual(bad.map((_, i) => `good-${i}`))
    for (const reason of new Set(bad.map(([name]) => name))) {
      const counted = (pipeline.counts.dead_letters[reason] ?? 0) - (refusedBefore[reason] ?? 0)
      expect([reason, counted]).toEqual([reason, bad.filter(([name]) => name === reason).length])
    }

    const originals = originalsOf('poison')
    bad.forEach(([reason, line], i) => {
      const bytes = Buffer.from(line)
      const kept = originals.get(2 * i + 2) ?? Buffer.alloc(0)
      // Of a line too long to be an event its beginning is kept, and its hash is in the row.
      if (reason === 'too_long') expect(kept.length > 0 && bytes.subarray(0, kept.length).equals(kept)).toBe(true)
      else expect(kept.equals(bytes)).toBe(true)
    })
  })

  /** Original bytes by line. */
  function originalsOf(tenant: string): Map<number, Buffer> {
    const files = readdirSync(join(folder, 'data', 'originals')).map((name) => join(folder, 'data', 'originals', name))
    const kept = files.flatMap((name) => readFileSync(name, 'utf8').trimEnd().split('\n'))
    const items = kept.map((one) => JSON.parse(one) as { tenant: string; source_position: number; base64: string })
    const own = items.filter((one) => one.tenant === tenant)
    return new Map(own.map((one) => [one.source_position, Buffer.from(one.base64, 'base64')]))
  }
})
