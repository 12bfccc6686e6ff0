import { randomUUID } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writev,
  writevSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type ChdbQueryStream, drainPending, Session } from 'chdb'
import {
  type Database,
  parseRows,
  plainMessage,
  quoteColumns,
  quoteIdentifier,
  quoteString,
  type SessionOptions,
  SINGLE,
  type Sql,
  SqlError,
} from './client.ts'
import type { NativeBlock } from './native.ts'
import { createSerialQueue } from './serial-queue.ts'
import { isStreamable } from './streamable.ts'
import { toTabSeparated } from './tab-separated.ts'

/**
 * The embedded ClickHouse. This is the only file that imports it. One process holds a data directory; inside it any
 * number of sessions work side by side.
 */

/** A database in a data directory. */
export type EmbeddedDatabase = Database & { readonly path: string }

/**
 * Settings of every session. The zone is fixed, so that a machine's own zone changes no answer. Inserts are
 * synchronous and a block stays one block, hence one part.
 */
const CONNECTION_ARGUMENTS: readonly string[] = [
  '--async_insert=0',
  '--final=1',
  '--session_timezone=UTC',
  '--output_format_json_quote_64bit_integers=0',
  '--min_insert_block_size_rows=0',
  '--min_insert_block_size_bytes=0',
  // Merging a block's own rows while it is written doubles the cost of wide rows; reads merge them anyway.
  '--optimize_on_insert=0',
  // Small fresh parts are read whole anyway; their skip indexes are made when they are merged.
  '--materialize_skip_indexes_on_insert=0',
  '--max_insert_threads=1',
  '--input_format_parallel_parsing=0',
  '--enable_named_columns_in_function_tuple=0',
  // Caches of the whole engine. The defaults are a server's and would take gigabytes of a laptop.
  '--mark_cache_size=268435456',
  '--index_mark_cache_size=67108864',
  '--primary_index_cache_size=134217728',
]

/** Blocks up to this go with the statement as text: a few rows are then in the table three milliseconds earlier. */
const TEXT_BYTES_MAX = 32_768
/** Blocks above this are written without holding up the event loop. */
const SYNC_WRITE_BYTES_MAX = 262_144
/** One write call takes so many pieces at most (IOV_MAX of Linux and macOS). */
const WRITE_PIECES_MAX = 1024
const BLOCKS_FOLDER = 'blocks'
/** In the path of a block's file they would match other files, or none: the block would be lost without a word. */
const PATTERN_CHARACTERS = /[*?{}]/

/** How often a statement that goes on is told to stop. */
const KILL_AGAIN_MS = 200
const SETTING_NAME = /^[A-Za-z_]\w*$/

/** Directories that this process holds: a second opening would delete the first one's blocks. */
const heldHere = new Set<string>()

const writevAsync = promisify(writev)

/**
 * Opens a data directory, made when absent. Gives `{ locked: true }` when another process holds it; throws when the
 * directory cannot be used at all.
 */
export async function openEmbedded(directory: string): Promise<EmbeddedDatabase | { readonly locked: true }> {
  const path = resolve(directory)
  makeDirectory(path)
  if (heldHere.has(path)) throw new Error(`this process already has ${path} open`)
  if (isHeld(path)) return { locked: true }
  // A close that still runs in this process would make the engine refuse another directory.
  await drainPending()
  const first = connect(path)
  if (first === undefined) {
    if (isHeld(path) || holderIsAlive(path)) return { locked: true }
    throw new SqlError(`ClickHouse cannot open the data directory ${path}`, 0, undefined)
  }
  // Nobody else writes here now: what lies in this folder was left by a process that died.
  rmSync(join(path, BLOCKS_FOLDER), { recursive: true, force: true })
  mkdirSync(join(path, BLOCKS_FOLDER))

  heldHere.add(path)
  const open = new Set<Sql>()
  let opened = 0
  let isClosed = false
  /** Stops the statement of a session that is marked so. That it has ended already is no failure. */
  function kill(mark: string): void {
    if (isClosed) return
    first?.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${quoteString(mark)} ASYNC`).catch(() => {})
  }
  function session(options: SessionOptions = {}): Sql {
    if (isClosed) throw new Error('the database is closed')
    const connection = connect(path)
    if (connection === undefined) throw new SqlError(`ClickHouse gave no further session on ${path}`, 0, undefined)
    const blockPath = join(path, BLOCKS_FOLDER, `${opened++}.native`)
    const sql = createSession(connection, blockPath, options, { kill, closed: () => open.delete(sql) })
    open.add(sql)
    return sql
  }

  return {
    path,
    topology: SINGLE,
    session,
    async close() {
      if (isClosed) return
      isClosed = true
      await Promise.all([...open].map((sql) => sql.close()))
      first.close()
      await drainPending()
      heldHere.delete(path)
    },
  }
}

function makeDirectory(path: string): void {
  if (PATTERN_CHARACTERS.test(path)) {
    const detail = 'choose one without * ? { and }, which ClickHouse takes for a pattern'
    throw new SqlError(`the data directory ${path} cannot be used: ${detail}`, 0, undefined)
  }
  try {
    mkdirSync(path, { recursive: true })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new SqlError(`the data directory ${path} cannot be used: ${(error as Error).message}`, 0, error)
  }
}

function connect(path: string): Session | undefined {
  try {
    return new Session(path, { connectionArgs: CONNECTION_ARGUMENTS })
  } catch {
    // The engine writes its reason to standard error and gives none here; the caller finds out what it was.
    return undefined
  }
}

type Owner = { readonly kill: (mark: string) => void; readonly closed: () => void }

function createSession(connection: Session, blockPath: string, options: SessionOptions, owner: Owner): Sql {
  // A second statement inside the engine would only block a thread of the pool.
  const queue = createSerialQueue()
  const { exclusive } = queue
  let blockFile: number | undefined
  /** Why the session is not in the state that was asked for. It then does nothing at all. */
  let unfit: unknown
  /** By it another session finds this one's statement. The engine gives no other way to stop one in its midst. */
  const mark = options.read_only === true ? randomUUID() : undefined

  async function run(
    sql: string,
    format: string,
    params?: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    if (unfit !== undefined) throw unfit
    const stop = killOn(signal)
    try {
      signal?.throwIfAborted()
      const result =
        params === undefined
          ? await connection.queryAsync(sql, { format })
          : await connection.queryBindAsync(sql, params, { format })
      return result.bytes()
    } catch (error) {
      throw asSqlError(error)
    } finally {
      stop()
    }
  }

  /** Stops the running statement when the signal fires, until the function that it gives is called. */
  function killOn(signal: AbortSignal | undefined): () => void {
    if (mark === undefined || signal === undefined) return () => {}
    let again: NodeJS.Timeout | undefined
    const kill = () => {
      owner.kill(mark)
      // The engine may not have begun the statement yet, and then it knows of none to stop.
      again ??= setInterval(() => owner.kill(mark), KILL_AGAIN_MS)
    }
    signal.addEventListener('abort', kill, { once: true })
    return () => {
      signal.removeEventListener('abort', kill)
      clearInterval(again)
    }
  }

  async function insertText(table: string, block: NativeBlock): Promise<void> {
    const columns = block.structure.map(({ name }) => name)
    try {
      await connection.insert({ table, columns, values: toTabSeparated(block), format: 'TabSeparated' })
    } catch (error) {
      throw asSqlError(error)
    }
  }

  for (const statement of firstStatements(options, mark)) {
    void exclusive(async () => {
      try {
        await run(statement, 'TSV')
      } catch (error) {
        unfit = error
      }
    })
  }

  return {
    async query<Row>(sql: string, options: { readonly params?: Readonly<Record<string, unknown>> } = {}) {
      return parseRows<Row>(await exclusive(() => run(sql, 'JSONEachRow', options.params)))
    },
    bytes: (sql, format, options = {}) => exclusive(() => run(sql, format, options.params, options.signal)),
    async *stream(sql, format, options = {}) {
      if (!isStreamable(format)) {
        yield await exclusive(() => run(sql, format, options.params, options.signal))
        return
      }
      const release = await queue.hold()
      const streamOptions = { format, ...(options.signal === undefined ? {} : { signal: options.signal }) }
      let pieces: ChdbQueryStream | undefined
      const stop = killOn(options.signal)
      try {
        if (unfit !== undefined) throw unfit
        options.signal?.throwIfAborted()
        pieces =
          options.params === undefined
            ? connection.queryStream(sql, streamOptions)
            : connection.queryStreamBind(sql, options.params, streamOptions)
        for await (const piece of pieces) yield piece.raw()
      } catch (error) {
        throw asSqlError(error)
      } finally {
        stop()
        pieces?.cancel()
        release()
      }
    },
    async command(sql) {
      await exclusive(() => run(sql, 'TSV'))
    },
    insertBlock(table, block) {
      if (block.rows === 0) return Promise.resolve()
      return exclusive(async () => {
        const chunks = block.chunks()
        let bytes = 0
        for (const chunk of chunks) bytes += chunk.length
        if (bytes <= TEXT_BYTES_MAX) {
          await insertText(table, block)
          return
        }
        blockFile ??= openSync(blockPath, 'w')
        await writeBlock(blockFile, chunks, bytes)
        await run(insertStatement(table, block, blockPath), 'TSV')
      })
    },
    async close() {
      if (!(await queue.close())) return
      if (blockFile !== undefined) closeSync(blockFile)
      connection.close()
      owner.closed()
    },
  }
}

/** Overwrites the file from its beginning: its pages are reused, where emptying it would free and fetch each anew. */
async function writeBlock(file: number, chunks: readonly Uint8Array[], bytes: number): Promise<void> {
  let position = 0
  for (let i = 0; i < chunks.length; i += WRITE_PIECES_MAX) {
    const pieces = chunks.slice(i, i + WRITE_PIECES_MAX)
    let size = 0
    for (const piece of pieces) size += piece.length
    const written =
      bytes <= SYNC_WRITE_BYTES_MAX
        ? writevSync(file, pieces, position)
        : (await writevAsync(file, pieces, position)).bytesWritten
    if (written !== size) throw new Error(`wrote ${written} of ${size} bytes of a block: is the disk full?`)
    position += size
  }
  ftruncateSync(file, bytes)
}

/** The file as the statement's data: to plan a read from a table function of 220 columns takes longer than the rest. */
function insertStatement(table: string, block: NativeBlock, path: string): string {
  return `INSERT INTO ${quoteIdentifier(table)} (${quoteColumns(block)}) FROM INFILE ${quoteString(path)} FORMAT Native`
}

/** What puts a session into its state. Reading alone comes last: after it no setting can be changed. */
function firstStatements(limits: SessionOptions, mark: string | undefined): string[] {
  const settings: Record<string, string | number> = {}
  if (limits.memory_bytes_max !== undefined) {
    const spill = Math.floor(limits.memory_bytes_max / 2)
    settings['max_memory_usage'] = limits.memory_bytes_max
    settings['max_bytes_before_external_group_by'] = spill
    settings['max_bytes_before_external_sort'] = spill
  }
  if (limits.seconds_max !== undefined) settings['max_execution_time'] = limits.seconds_max
  if (limits.threads_max !== undefined) settings['max_threads'] = limits.threads_max
  Object.assign(settings, limits.settings)
  if (mark !== undefined) settings['log_comment'] = mark
  if (limits.read_only === true) settings['readonly'] = 1
  const assignments = Object.entries(settings).map(([name, value]) => {
    if (!SETTING_NAME.test(name)) throw new Error(`${JSON.stringify(name)} cannot be the name of a setting`)
    return `${name} = ${typeof value === 'number' ? value : quoteString(value)}`
  })
  return [
    ...(limits.database === undefined ? [] : [`USE ${quoteIdentifier(limits.database)}`]),
    ...(assignments.length === 0 ? [] : [`SET ${assignments.join(', ')}`]),
  ]
}

function asSqlError(error: unknown): SqlError {
  if (error instanceof SqlError) return error
  const message = error instanceof Error ? error.message : String(error)
  // Errors of streams have the code in their text alone.
  const said = (error as { clickhouseCode?: number } | undefined)?.clickhouseCode ?? /^Code: (\d+)\./.exec(message)?.[1]
  const code = Number(said ?? 0)
  return new SqlError(plainMessage(message), code, error)
}

/** True when the kernel's list of locks (Linux) shows that another process holds the directory's status file. */
function isHeld(path: string): boolean {
  try {
    const status = statSync(join(path, 'status'))
    const own = ` ${process.pid} `
    return readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .some((line) => line.includes(`:${status.ino} `) && line.includes('WRITE') && !line.includes(own))
  } catch {
    return false
  }
}

/** True when the process that wrote the status file still lives. Only asked once opening has failed. */
function holderIsAlive(path: string): boolean {
  let pid: number
  try {
    pid = Number(/^PID: (\d+)/m.exec(readFileSync(join(path, 'status'), 'utf8'))?.[1])
  } catch {
    return false
  }
  if (!Number.isInteger(pid)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
