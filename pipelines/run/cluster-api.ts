import { randomBytes } from 'node:crypto'
import { createApp } from '../../api/app.ts'
import type { EventResult } from '../../api/dependencies.ts'
import { openKeyStore } from '../../api/keys.ts'
import { decodeBytes } from '../../features/events/decode.ts'
import { readBorrower } from '../../sql/queries/borrower.ts'
import { readWarning } from '../../sql/queries/feed.ts'
import type { ClusterParts } from '../cluster/cluster.ts'
import type { LogEntry } from '../cluster/log-message.ts'
import type { Role } from '../cluster/role.ts'
import { TableFeed } from '../cluster/table-feed.ts'
import { toApiRow } from '../feed/rows.ts'
import { prepare } from '../intake/prepare.ts'
import { LIVE_FUTURE_MS_MAX } from '../intake/tenant-clock.ts'
import type { ProcessMetrics } from '../watch/process-metrics.ts'
import { urlOf } from './address.ts'
import { HTTP_PARTITION } from './live-door.ts'
import { openSqlDoor } from './sql-door.ts'
import { versionOf } from './version.ts'

/** How long open connections may finish what they are at when the process stops. */
const CLOSE_GRACE_MS = 2000
/** Events that may wait for the log to take them; a request beyond them is told to come again. */
export const WAITING_EVENTS_MAX = 50_000

export type ApiRoleOptions = {
  readonly host: string
  readonly port: number
  /** Where the API keys are. */
  readonly directory: string
  readonly readiness: () => { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }
  readonly watch: Pick<ProcessMetrics, 'metrics' | 'onAnswered'>
  readonly onError: (error: unknown, where: string) => void
}

export type ApiRole = Role & { readonly url: string }

/** Serves the API of a cluster from the tables; what is posted goes into the log, whose workers tell repeats. */
export async function startApi(parts: ClusterParts, options: ApiRoleOptions): Promise<ApiRole> {
  const { database, shape } = parts
  const reads = database.session()
  const onError = (where: string) => (error: unknown) => options.onError(error, where)
  const feed = new TableFeed(database.session(), shape.partitions, onError('feed'))
  const sqlDoor = openSqlDoor(database)
  const app = createApp(
    {
      submit: createSubmit(parts),
      feed: {
        partitions: shape.partitions,
        read: async (tenant, after, limit) => (await feed.read(tenant, after, limit)).map((rows) => rows.map(toApiRow)),
        onRows: (listener) => feed.onRows(listener),
      },
      borrower: async (tenant, borrower) => {
        const stored = await readBorrower(reads, tenant, borrower)
        if (stored === undefined) return undefined
        const { time, warnings, ...rest } = stored
        return { borrower, ...rest, evaluated_at: new Date(time).toISOString(), warnings: warnings.map(toApiRow) }
      },
      warning: async (tenant, id) => {
        const row = await readWarning(reads, tenant, id)
        return row === undefined ? undefined : toApiRow(row)
      },
      keys: openKeyStore(options.directory, { warn: (message) => options.onError(new Error(message), 'keys') }),
      sql: sqlDoor.sql,
      // Only for a command line on the same machine, which has the token in a file; here there is none.
      operatorToken: randomBytes(32).toString('base64url'),
      readiness: options.readiness,
      metrics: () => options.watch.metrics.text(),
    },
    {
      version: versionOf(),
      onAnswered: options.watch.onAnswered,
      reportError: (error, context) => options.onError(error, `${context.method} ${context.route}`),
    },
  )
  await app.listen({ host: options.host, port: options.port })
  return {
    name: 'api',
    url: urlOf(app, options.host).url,
    finished: new Promise(() => {}),
    async stop() {
      const impatience = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS)
      await app.close()
      clearTimeout(impatience)
      await feed.close()
      await sqlDoor.close()
      await reads.close()
    },
  }
}

/** Decodes what is posted and appends it. Whether it is a repeat only the worker of its partition can tell. */
function createSubmit({ appender }: Pick<ClusterParts, 'appender'>) {
  let waiting = 0
  return async (
    tenant: string,
    items: readonly Uint8Array[],
    _request: string,
    traceparent?: string,
  ): Promise<readonly EventResult[] | 'busy'> => {
    if (waiting + items.length > WAITING_EVENTS_MAX) return 'busy'
    const now = Date.now()
    const entries: LogEntry[] = []
    const results = items.map((bytes): EventResult => {
      const decoded = decodeBytes(bytes, tenant)
      if (!decoded.ok) return { id: null, status: 'refused', reason: decoded.reason, detail: decoded.detail }
      const { event } = decoded
      if (event.type === 'tenant.configured') {
        const detail = 'a tenant of a cluster is configured in its configuration file'
        return { id: event.id, status: 'refused', reason: 'control_from_outside', detail }
      }
      if (event.time > now + LIVE_FUTURE_MS_MAX) {
        const detail = `${new Date(event.time).toISOString()} lies too far ahead of the clock`
        return { id: event.id, status: 'refused', reason: 'future', detail }
      }
      const prepared = prepare(decoded)
      entries.push({
        ...prepared,
        event,
        received_at: now,
        source_partition: HTTP_PARTITION,
        source_position: undefined,
        traceparent,
      })
      return { id: event.id, status: 'accepted' }
    })
    waiting += entries.length
    try {
      await appender.append(entries)
    } finally {
      waiting -= entries.length
    }
    return results
  }
}
