import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import {
  type Database,
  parseRows,
  quoteColumns,
  quoteIdentifier,
  type SessionOptions,
  SINGLE,
  type Sql,
  SqlError,
  type Topology,
} from './client.ts'
import type { NativeBlock } from './native.ts'
import { createSerialQueue } from './serial-queue.ts'
import { AnswerBroken, createWatch, pieces, type Watch } from './server-answer.ts'
import { reasonOfAnswer, reasonOfTransport } from './server-errors.ts'
import { isSharded, localTable } from './topology.ts'

/**
 * A ClickHouse server or cluster by URL. This is the only file that imports its client. Nothing is asked of the server
 * before the first statement, and a session is a queue on this side only: any connection serves any session.
 */

export type ServerOptions = {
  /** `http(s)://host:port`, also with user, password and a database as path; what is given apart comes first. */
  readonly url: string
  readonly user?: string
  readonly password?: string
  readonly database?: string
  /** Certificates in PEM: the authority's, and one of our own where the server asks for it. */
  readonly tls?:
    | { readonly ca_cert: Buffer }
    | { readonly ca_cert: Buffer; readonly cert: Buffer; readonly key: Buffer }
  readonly cluster?: ClusterOptions
  /** How long the server may show no sign of life: while it answers, and while it takes a block. */
  readonly read_idle_ms_max?: number
  readonly write_idle_ms_max?: number
}

export type ClusterOptions = {
  readonly name: string
  /**
   * One URL for each shard, in the order of the server's configuration, all of equal weight: partition p is on shard p modulo
   * their number. It names one replica, or a balancer that stays with one.
   */
  readonly shard_urls: readonly string[]
}

export const READ_IDLE_MS_MAX = 300_000
export const WRITE_IDLE_MS_MAX = 60_000
/** Connections to one URL; further statements wait for one. */
const CONNECTIONS_MAX = 32
/** Less than a server keeps an idle one (3 s by default), so that it is never closed under a statement. */
const CONNECTION_IDLE_MS_MAX = 2500
/** Blocks up to this are sent as one piece rather than as hundreds of small ones. */
const JOINED_BYTES_MAX = 1_048_576

type Settings = Readonly<Record<string, string | number>>

/** What the embedded engine has by its connection; a server is told with each statement. See `embedded.ts` for why. */
const SETTINGS: Settings = {
  async_insert: 0,
  final: 1,
  session_timezone: 'UTC',
  output_format_json_quote_64bit_integers: 0,
  min_insert_block_size_rows: 0,
  min_insert_block_size_bytes: 0,
  optimize_on_insert: 0,
  materialize_skip_indexes_on_insert: 0,
  max_insert_threads: 1,
  input_format_parallel_parsing: 0,
  enable_named_columns_in_function_tuple: 0,
}

const CLUSTER_SETTINGS: Settings = {
  // An insert is acknowledged by most replicas of its shard, also one that goes through a Distributed table.
  insert_quorum: 'auto',
  distributed_foreground_insert: 1,
  // A borrower's rows are on one shard, but what an analyst joins need not be: it is then right, if slower.
  distributed_product_mode: 'global',
  optimize_skip_unused_shards: 1,
}

/** The answer begins only when the outcome is known, so that its status tells it. */
const WHOLE: Settings = { wait_end_of_query: 1 }

/** Throws when the URL cannot be one; whether anybody answers there shows at the first statement. */
export function openServer(options: ServerOptions): Database {
  const main = address(options, options.url)
  const { cluster } = options
  if (cluster !== undefined && cluster.shard_urls.length === 0) throw new Error('a cluster has at least one shard URL')
  const clients = new Map<string, ClickHouseClient>()
  const open = new Set<Sql>()
  let isClosed = false

  function clientOf(url: string): ClickHouseClient {
    let client = clients.get(url)
    if (client === undefined) {
      client = connect(options, main, address(options, url).base)
      clients.set(url, client)
    }
    return client
  }

  const topology: Topology = cluster === undefined ? SINGLE : { kind: 'cluster', cluster: cluster.name }
  return {
    topology,
    session(of: SessionOptions = {}) {
      if (isClosed) throw new Error('the database is closed')
      const isShard = cluster !== undefined && of.partition !== undefined
      const url = isShard ? cluster.shard_urls[of.partition % cluster.shard_urls.length]! : options.url
      const settings: Settings = {
        ...SETTINGS,
        ...(cluster === undefined ? {} : CLUSTER_SETTINGS),
        ...settingsOf(of),
        database: of.database ?? main.database,
      }
      const channel = createChannel(clientOf(url), settings, options, main.password)
      const sql = createSession(channel, isShard, () => open.delete(sql))
      open.add(sql)
      return sql
    },
    async close() {
      if (isClosed) return
      isClosed = true
      await Promise.all([...open].map((sql) => sql.close()))
      await Promise.all([...clients.values()].map((client) => client.close()))
    },
  }
}

type Address = { readonly base: string; readonly user: string; readonly password: string; readonly database: string }

/** Takes a URL apart. Errors do not repeat it, as it may hold a password. */
function address({ user, password, database }: ServerOptions, url: string): Address {
  if (!URL.canParse(url)) throw new Error('the URL of ClickHouse is none: write it as http://host:8123')
  const parts = new URL(url)
  if (!/^https?:$/.test(parts.protocol)) throw new Error('the URL of ClickHouse begins with http:// or https://')
  return {
    base: `${parts.protocol}//${parts.host}`,
    user: user ?? (decodeURIComponent(parts.username) || 'default'),
    password: password ?? decodeURIComponent(parts.password),
    database: database ?? (decodeURIComponent(parts.pathname.slice(1)) || 'default'),
  }
}

function connect(options: ServerOptions, main: Address, url: string): ClickHouseClient {
  return createClient({
    url,
    username: main.user,
    password: main.password,
    application: 'foreshock',
    // Each statement is watched here; this bound is only for sockets that were forgotten.
    request_timeout: 2 * Math.max(readIdle(options), writeIdle(options)),
    max_open_connections: CONNECTIONS_MAX,
    keep_alive: { enabled: true, idle_socket_ttl: CONNECTION_IDLE_MS_MAX, eagerly_destroy_stale_sockets: true },
    // What failed is in the errors; a second account of it on standard error helps nobody.
    log: { level: ClickHouseLogLevel.OFF },
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  })
}

function readIdle(options: ServerOptions): number {
  return options.read_idle_ms_max ?? READ_IDLE_MS_MAX
}

function writeIdle(options: ServerOptions): number {
  return options.write_idle_ms_max ?? WRITE_IDLE_MS_MAX
}

/** A session's own settings. The engine checks them against the rights before `readonly` takes hold. */
function settingsOf(options: SessionOptions): Settings {
  const { memory_bytes_max, seconds_max, threads_max, read_only } = options
  const settings: Record<string, string | number> = {}
  if (memory_bytes_max !== undefined) {
    const spill = Math.floor(memory_bytes_max / 2)
    settings['max_memory_usage'] = memory_bytes_max
    settings['max_bytes_before_external_group_by'] = spill
    settings['max_bytes_before_external_sort'] = spill
  }
  if (seconds_max !== undefined) settings['max_execution_time'] = seconds_max
  if (threads_max !== undefined) settings['max_threads'] = threads_max
  Object.assign(settings, options.settings)
  if (read_only === true) {
    settings['readonly'] = 1
    // Nobody is left to read the answer.
    settings['cancel_http_readonly_queries_on_client_close'] = 1
  }
  return settings
}

type Params = Readonly<Record<string, unknown>> | undefined

/** Statements of one session, each a request of its own. All failures are `SqlError`s. */
type Channel = {
  whole(sql: string, format?: string, params?: Params, signal?: AbortSignal): Promise<Uint8Array>
  stream(sql: string, format: string, params: Params, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array>
  insert(table: string, block: NativeBlock): Promise<void>
}

function createChannel(
  client: ClickHouseClient,
  settings: Settings,
  options: ServerOptions,
  password: string,
): Channel {
  /** An error for people: whatever the server says, the password is not in it. */
  function sqlError(error: unknown, watch: Watch, idleMs: number): SqlError {
    if (error instanceof SqlError) return error
    if (error instanceof AnswerBroken) return refusal(200, undefined, error.message)
    if (watch.givenUp === 'cancelled') return new SqlError('the statement was cancelled', 0, error)
    if (watch.givenUp === 'late') {
      return new SqlError(`ClickHouse gave no sign of life for ${idleMs} ms`, 0, error, 'unknown')
    }
    const { message, code, failure } = reasonOfTransport(error)
    const what = failure === 'unknown' ? 'the connection to ClickHouse was lost' : 'ClickHouse cannot be reached'
    return new SqlError(`${what}: ${hide(message)}`, code, undefined, failure)
  }
  function refusal(status: number, code: string | undefined, text: string): SqlError {
    const reason = reasonOfAnswer(status, code, text)
    return new SqlError(hide(reason.message), reason.code, undefined, reason.failure)
  }
  const hide = (text: string) => (password === '' ? text : text.replaceAll(password, '***'))

  async function* request(
    query: string,
    extra: Settings,
    idleMs: number,
    rest: { readonly params?: Params; readonly signal?: AbortSignal | undefined; readonly values?: Readable } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const watch = createWatch(idleMs, rest.signal)
    let body: Readable | undefined
    try {
      watch.signal.throwIfAborted()
      const answer = await client.exec({
        query,
        clickhouse_settings: { ...settings, ...extra },
        abort_signal: watch.signal,
        ignore_error_response: true,
        ...(rest.params === undefined ? {} : { query_params: rest.params }),
        ...(rest.values === undefined ? {} : { values: rest.values }),
      })
      body = answer.stream
      watch.signal.addEventListener('abort', () => body?.destroy(new Error('the statement was given up')))
      const status = answer.http_status_code ?? 0
      const code = header(answer.response_headers, 'x-clickhouse-exception-code')
      if (status !== 200 || code !== undefined) {
        throw refusal(status, code, (await buffer(body)).toString('utf8'))
      }
      for await (const piece of pieces(body, header(answer.response_headers, 'x-clickhouse-exception-tag'))) {
        watch.pause()
        yield piece
        watch.resume()
      }
    } catch (error) {
      throw sqlError(error, watch, idleMs)
    } finally {
      watch.stop()
      body?.destroy()
    }
  }

  const readMs = readIdle(options)
  const writeMs = writeIdle(options)
  return {
    async whole(sql, format, params, signal) {
      const extra = format === undefined ? WHOLE : { ...WHOLE, default_format: format }
      return buffer(request(sql, extra, readMs, { params, signal }))
    },
    stream: (sql, format, params, signal) => request(sql, { default_format: format }, readMs, { params, signal }),
    async insert(table, block) {
      const statement = `INSERT INTO ${quoteIdentifier(table)} (${quoteColumns(block)}) FORMAT Native`
      const values = Readable.from(joined(block.chunks()), { objectMode: false })
      await buffer(request(statement, WHOLE, writeMs, { values }))
    },
  }
}

function createSession(channel: Channel, isShard: boolean, onClose: () => void): Sql {
  const queue = createSerialQueue()
  let isSynced = !isShard

  /** The owner of a partition sees what its predecessor was acknowledged, also where this replica was behind. */
  async function sync(): Promise<void> {
    if (isSynced) return
    const rows = await channel.whole(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE 'Replicated%'",
      'JSONEachRow',
    )
    for (const { name } of parseRows<{ readonly name: string }>(rows)) {
      await channel.whole(`SYSTEM SYNC REPLICA ${quoteIdentifier(name)} LIGHTWEIGHT`)
    }
    isSynced = true
  }

  function exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    return queue.exclusive(async () => {
      await sync()
      return work()
    })
  }

  return {
    query: async <Row>(sql: string, options: { readonly params?: Params } = {}) =>
      parseRows<Row>(await exclusive(() => channel.whole(sql, 'JSONEachRow', options.params))),
    bytes: (sql, format, options = {}) => exclusive(() => channel.whole(sql, format, options.params, options.signal)),
    async *stream(sql, format, options = {}) {
      const release = await queue.hold()
      try {
        await sync()
        yield* channel.stream(sql, format, options.params, options.signal)
      } finally {
        release()
      }
    },
    async command(sql) {
      await exclusive(() => channel.whole(sql))
    },
    async insertBlock(table, block) {
      if (block.rows === 0) return
      await exclusive(() => channel.insert(isShard && isSharded(table) ? localTable(table) : table, block))
    },
    async close() {
      if (await queue.close()) onClose()
    },
  }
}

function header(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function joined(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.length
  return bytes <= JOINED_BYTES_MAX ? [Buffer.concat(chunks)] : chunks
}
