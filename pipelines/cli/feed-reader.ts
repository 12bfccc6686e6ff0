import { setTimeout as sleep } from 'node:timers/promises'
import { encodeCursor } from '../../api/feed/cursor.ts'
import { readPage } from '../../api/feed/page.ts'
import type { FeedRow } from '../../api/rows.ts'
import type { Sql } from '../../sql/client.ts'
import { FeedTail } from '../feed/feed-tail.ts'
import { toApiRow } from '../feed/rows.ts'
import type { Positions } from './feed-cursor.ts'
import { askText, type Holder, Refused } from './holder.ts'
import { localStatements, readRows, remoteStatements, type Statements } from './statements.ts'

/** Rows per page and partition. The API gives no larger page. */
const PAGE_ROWS_MAX = 1_000
/** Seconds of one long poll, and with it until a tenant is noticed that had no row before. */
const POLL_SECONDS = 4
/** Above that many tenants their feeds are looked at every so often instead of being waited for. */
const POLLS_MAX = 32
const PAUSE_MS = 1_000
const TOO_MANY_REQUESTS = 429

/** The feeds of a data directory, wherever they are read from. */
export type FeedReader = {
  /** Tenants whose feed has a row, by name. */
  tenants(): Promise<string[]>
  /** The next rows of one tenant, at most `limit` and perhaps fewer; `more` tells whether there may be others. */
  page(tenant: string, after: readonly number[], limit: number): Promise<{ rows: readonly FeedRow[]; more: boolean }>
}

/** From the tables, which this process has open. */
export function localReader(sql: Sql, partitions: number): FeedReader {
  const tail = new FeedTail(sql, partitions)
  const feed = {
    partitions,
    read: async (tenant: string, after: readonly number[], limit: number) =>
      (await tail.read(tenant, after, limit)).map((run) => run.map(toApiRow)),
    onRows: (listener: (tenant: string) => void) => tail.onRows(listener),
  }
  return {
    tenants: () => readTenants(localStatements(sql)),
    page: (tenant, after, limit) => readPage(feed, tenant, after, {}, Math.min(limit, PAGE_ROWS_MAX)),
  }
}

/** From the process that holds the directory. */
export function remoteReader(holder: Holder): FeedReader {
  return {
    tenants: () => readTenants(remoteStatements(holder)),
    async page(tenant, after, limit) {
      const path = pagePath(tenant, after, { limit: Math.min(limit, PAGE_ROWS_MAX) })
      const { warnings, more } = JSON.parse(await askText(holder, path)) as { warnings: FeedRow[]; more: boolean }
      return { rows: warnings, more }
    },
  }
}

/** Resolves when one of the tenants may have rows after its positions, and after POLL_SECONDS in any case. */
export async function waitForRows(holder: Holder, positions: Positions, signal: AbortSignal): Promise<void> {
  const done = new AbortController()
  const either = AbortSignal.any([signal, done.signal])
  if (positions.size > POLLS_MAX) return pause(PAUSE_MS, signal)
  const polls = [...positions].map(async ([tenant, after]) => {
    await askText(holder, pagePath(tenant, after, { limit: 1, wait: POLL_SECONDS }), either)
  })
  try {
    await Promise.race(polls)
  } catch (error) {
    if (signal.aborted) return
    if (!(error instanceof Refused) || error.status !== TOO_MANY_REQUESTS) throw error
    await pause(PAUSE_MS, signal)
  } finally {
    done.abort()
    await Promise.allSettled(polls)
  }
}

/** Waits, at most until the signal fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}

async function readTenants(statements: Statements): Promise<string[]> {
  const rows = await readRows<{ tenant: string }>(statements, 'SELECT DISTINCT tenant FROM warnings ORDER BY tenant')
  return rows.map(({ tenant }) => tenant)
}

function pagePath(tenant: string, after: readonly number[], numbers: Readonly<Record<string, number>>): string {
  const query = new URLSearchParams({ tenant, after: encodeCursor(tenant, after) })
  for (const [name, value] of Object.entries(numbers)) query.set(name, String(value))
  return `/v1/warnings?${query.toString()}`
}
