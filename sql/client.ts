import type { NativeBlock } from './native.ts'

/**
 * What the rest of the program sees of ClickHouse, whether it runs inside this process (`embedded.ts`) or is reached by
 * URL (`server.ts`). A session does one statement at a time, in the order of the calls; sessions work side by side. So
 * whatever must not wait for something else has a session of its own.
 */

/** One session. Every read sees merged rows (`final=1`); 64-bit integers arrive as numbers. */
export type Sql = {
  /**
   * Rows as objects. `params` fills `{name:Type}` placeholders, for values from outside; embedded, such statements wait
   * for each other in the whole process, so hot ones have none.
   */
  query<Row>(sql: string, options?: { readonly params?: Readonly<Record<string, unknown>> }): Promise<Row[]>
  /** The whole answer in any ClickHouse format. A read-only session's is given up when the signal fires. */
  bytes(
    sql: string,
    format: string,
    options?: { readonly params?: Readonly<Record<string, unknown>>; readonly signal?: AbortSignal },
  ): Promise<Uint8Array>
  /** The answer piece by piece, for large ones; the session is busy until the last piece was taken. */
  stream(
    sql: string,
    format: string,
    options?: { readonly params?: Readonly<Record<string, unknown>>; readonly signal?: AbortSignal },
  ): AsyncIterableIterator<Uint8Array>
  command(sql: string): Promise<void>
  /**
   * Writes a block as one part, atomically, and flushed to the disk when the promise resolves. The block must not be
   * touched until then. An empty block writes nothing.
   */
  insertBlock(table: string, block: NativeBlock): Promise<void>
  /** Waits for what was asked of it, then gives the session back. */
  close(): Promise<void>
}

export type Database = {
  /** A further session. */
  session(options?: SessionOptions): Sql
  /** Closes all sessions and lets the directory or the connections go. */
  close(): Promise<void>
  /** How `migrate` and `ensureFeatureColumns` have to lay the tables out. */
  readonly topology: Topology
}

/** Whether the tables are whole on one node or spread over the shards of a cluster. */
export type Topology = { readonly kind: 'single' } | { readonly kind: 'cluster'; readonly cluster: string }

export const SINGLE: Topology = { kind: 'single' }

/** Limits hold a session that serves people: it may use so much memory and so many seconds. */
export type SessionLimits = {
  readonly memory_bytes_max?: number
  readonly seconds_max?: number
  readonly threads_max?: number
}

export type SessionOptions = SessionLimits & {
  /** The engine refuses changes of data, schema and settings, and functions that reach files or other machines. */
  readonly read_only?: boolean
  /** Further settings, and `param_…` for placeholders, in force before `read_only` is. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** Another database than the main one. */
  readonly database?: string
  /**
   * The session of this log partition's owner: on a cluster it works on the partition's shard, writes there directly and
   * sees all that was ever acknowledged there. On one node it is a session like any other.
   */
  readonly partition?: number
}

/**
 * What is known of a statement that failed.
 * `refused`: the engine says no and will say it again; nothing was done.
 * `unavailable`: nothing was done, but later it may be: nobody listens, the disk is full, too many parts wait for a merge.
 * `unknown`: it may have been done or not: the connection was lost, or the answer did not come or told of no outcome.
 */
export type SqlFailure = 'refused' | 'unavailable' | 'unknown'

/** A statement that failed. `code` is ClickHouse's number, 0 when it gave none. */
export class SqlError extends Error {
  readonly code: number
  readonly failure: SqlFailure
  constructor(message: string, code: number, cause: unknown, failure: SqlFailure = 'refused') {
    super(message, { cause })
    this.name = 'SqlError'
    this.code = code
    this.failure = failure
  }

  /** The same statement may succeed later. An insert is keyed by its rows, so that doing it twice changes nothing. */
  get isRetryable(): boolean {
    return this.failure !== 'refused'
  }

  /** The statement was perhaps done all the same. */
  get isUnknown(): boolean {
    return this.failure === 'unknown'
  }
}

/** A string as an SQL literal. */
export function quoteString(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** A name as an SQL identifier. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``
}

/** Names of a block's columns as a list for INSERT. */
export function quoteColumns(block: NativeBlock): string {
  return block.structure.map(({ name }) => quoteIdentifier(name)).join(', ')
}

/** Objects of JSONEachRow's lines. */
export function parseRows<Row>(bytes: Uint8Array): Row[] {
  if (bytes.length === 0) return []
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  return JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`) as Row[]
}

/** The engine's message without the number before it. */
export function plainMessage(message: string): string {
  return message.replace(/^Code: \d+\. DB::Exception: /, '').trim()
}
