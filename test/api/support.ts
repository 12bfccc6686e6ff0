import type { ApiOptions } from '../../api/api.ts'
import { createApp } from '../../api/app.ts'
import type { Dependencies, EventResult, Feed } from '../../api/dependencies.ts'
import type { KeyHolder, Scope } from '../../api/keys.ts'
import type { FeedRow } from '../../api/rows.ts'
import { decodeBytes } from '../../features/events/decode.ts'

/** Small working implementations of what the API depends on, in memory. */

export const OPERATOR_TOKEN = 'operator-token-of-the-tests-0123456789'

export type MemoryFeed = Feed & {
  /** Appends a row to a partition of its tenant, with the next `feed_seq`, and wakes the readers. */
  append(tenant: string, partition: number, row?: Partial<FeedRow>): FeedRow
  /** Makes a row readable later than its followers: a hole in the run. */
  hold(row: FeedRow): () => void
  rows(tenant: string): readonly FeedRow[]
  listeners(): number
  reads: number
}

export function createMemoryFeed(partitions: number): MemoryFeed {
  const runs = new Map<string, FeedRow[][]>()
  const held = new Set<FeedRow>()
  const listeners = new Set<(tenant: string) => void>()
  const runsOf = (tenant: string): FeedRow[][] => {
    const known = runs.get(tenant) ?? Array.from({ length: partitions }, (): FeedRow[] => [])
    runs.set(tenant, known)
    return known
  }
  const wake = (tenant: string) => {
    for (const listener of listeners) listener(tenant)
  }
  const feed: MemoryFeed = {
    partitions,
    reads: 0,
    read: async (tenant, after, limit) => {
      feed.reads++
      return runsOf(tenant).map((run, partition) => {
        const from = after[partition] ?? 0
        const rows = run.slice(from, from + limit)
        const hole = rows.findIndex((row) => held.has(row))
        return hole === -1 ? rows : rows.slice(0, hole)
      })
    },
    onRows: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    append: (tenant, partition, row = {}) => {
      const run = runsOf(tenant)[partition]!
      const added = feedRowOf({ ...row, tenant, partition, feed_seq: run.length + 1 })
      run.push(added)
      wake(tenant)
      return added
    },
    hold: (row) => {
      held.add(row)
      return () => {
        held.delete(row)
        wake(row.tenant)
      }
    },
    rows: (tenant) => runsOf(tenant).flat(),
    listeners: () => listeners.size,
  }
  return feed
}

/** A whole row; what is not given is plain and depends on its place alone. */
export function feedRowOf(row: Partial<FeedRow>): FeedRow {
  const { tenant = 'bank', partition = 0, feed_seq = 1 } = row
  const serial = partition * 1_000_000 + feed_seq
  return {
    tenant,
    partition,
    feed_seq,
    id: Buffer.from(`${tenant}/${serial}`.padEnd(16, '.').slice(0, 16)).toString('hex'),
    warning_id: serial.toString(16).padStart(32, '0'),
    type: 'opened',
    severity: 'yellow',
    borrower: `${tenant}-b${serial % 7}`,
    loan: '',
    time: new Date(1_700_000_000_000 + feed_seq * 1_000).toISOString(),
    offset: feed_seq * 10,
    seq: 0,
    decision: 'decision@1',
    model: '',
    score: null,
    trigger_source: 'core',
    trigger_id: `e${serial}`,
    trigger_date: '',
    signals: [
      {
        signal: 'failed_debits@1',
        family: 'cash-flow',
        severity: 'yellow',
        feature: 'failed_debit_count_30d@1',
        value: 3,
        lower: 2,
        upper: null,
        reason_zh: '近30天扣款失败3次',
        reason_en: '3 failed debits in 30 days',
      },
    ],
    ...row,
  }
}

export const KEYS: Record<string, KeyHolder> = {
  bank: holder('bank', ['events:write', 'warnings:read', 'borrowers:read']),
  lender: holder('lender', ['events:write', 'warnings:read', 'borrowers:read']),
  'bank-events': holder('bank', ['events:write']),
  'bank-warnings': holder('bank', ['warnings:read']),
  'bank-borrowers': holder('bank', ['borrowers:read']),
}

function holder(tenant: string, scopes: readonly Scope[]): KeyHolder {
  return { tenant, scopes, key_id: `key-of-${tenant}` }
}

/** An app over memory; `fault` replaces single dependencies. */
export function createTestApp(
  options: {
    partitions?: number
    fault?: Partial<Dependencies>
    heartbeat_ms?: number
    onAnswered?: NonNullable<ApiOptions['onAnswered']>
  } = {},
) {
  const feed = createMemoryFeed(options.partitions ?? 3)
  const submitted: { tenant: string; text: string; request: string }[] = []
  const statements: { statement: string; format: string | undefined; signal: AbortSignal }[] = []
  const errors: unknown[] = []
  const seen = new Set<string>()

  const dependencies: Dependencies = {
    submit: async (tenant, items, request) => {
      return items.map((bytes): EventResult => {
        submitted.push({ tenant, text: Buffer.from(bytes).toString('latin1'), request })
        const decoded = decodeBytes(bytes, tenant)
        if (!decoded.ok) return { id: null, status: 'refused', reason: decoded.reason, detail: decoded.detail }
        const key = JSON.stringify([tenant, decoded.event.source, decoded.event.id])
        const status = seen.has(key) ? 'repeat' : 'accepted'
        seen.add(key)
        return { id: decoded.event.id, status }
      })
    },
    feed,
    borrower: async (tenant, borrower) => {
      const warnings = feed.rows(tenant).filter((row) => row.borrower === borrower)
      if (warnings.length === 0) return undefined
      return {
        borrower,
        evaluated_at: '2024-03-01T00:00:00.000Z',
        features: { inflow_sum_30d: 120_000, balance_last: null },
        score: { model: 'dpd30_90@1', score: 0.25, band: 'yellow' },
        warnings,
      }
    },
    warning: async (tenant, id) => feed.rows(tenant).find((row) => row.id === id),
    keys: { verify: (key) => KEYS[key] },
    sql: async (statement, format, signal) => {
      statements.push({ statement, format, signal })
      if (statement.includes('nonsense')) return { ok: false, status: 400, message: 'Unknown identifier nonsense' }
      return { ok: true, bytes: Buffer.from('1\n'), contentType: 'text/tab-separated-values; charset=UTF-8' }
    },
    jobs: {
      async *verify(tenant) {
        yield `${JSON.stringify({ result: { tenant: tenant ?? null } })}\n`
      },
      async *verifyLedger(tenant) {
        yield `${JSON.stringify({ result: { tenant: tenant ?? null } })}\n`
      },
      async *backfill(features) {
        yield `${JSON.stringify({ result: { features } })}\n`
      },
      async *redrive(wanted) {
        yield `${JSON.stringify({ result: wanted })}\n`
      },
    },
    operatorToken: OPERATOR_TOKEN,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'one_total 1\n' }),
    readiness: () => ({ ready: true, checks: { log: 'ok' } }),
    ...options.fault,
  }
  const app = createApp(dependencies, {
    version: '0.0.0-test',
    reportError: (error) => errors.push(error),
    ...(options.onAnswered === undefined ? {} : { onAnswered: options.onAnswered }),
    ...(options.heartbeat_ms === undefined ? {} : { heartbeat_ms: options.heartbeat_ms }),
  })
  return { app, feed, submitted, statements, errors }
}

export function bearer(key: string): { authorization: string } {
  return { authorization: `Bearer ${key}` }
}

/** An event that decoding accepts. */
export function eventOf(id: string): Record<string, unknown> {
  return {
    id,
    source: 'core',
    type: 'signal.reported',
    time: '2024-03-01T08:00:00+08:00',
    subject: 'b1',
    data: { kind: 'litigation', reported_at: '2024-03-01T08:00:00+08:00' },
  }
}
