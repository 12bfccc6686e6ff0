import { type Database, quoteString, type Sql, SqlError } from '../client.ts'
import { listViews } from '../migrate.ts'
import { isStreamable } from '../streamable.ts'
import { checkStatement, type Reach, type Refusal } from './check.ts'
import { type AllowedFunctions, allowFunctions, FUNCTIONS_QUERY, type FunctionRow } from './functions.ts'
import { type AnalystLimits, checkSettings, inlineSettings, type SettingValues } from './settings.ts'
import { openTenantDatabases, type TenantDatabases } from './tenant-database.ts'

/**
 * Statements of people and their tools. Each has a session of its own, which is given its limits, settings and parameters,
 * then made read-only, asked for the statement's tree, and only then for the statement. So nothing of one statement is left
 * for the next, and none waits for another, nor does the sink or the feed for any.
 */

export type AnalystStatement = {
  /** Undefined is the operator, who sees all tenants. */
  readonly tenant: string | undefined
  readonly statement: string
  /** Format of the result where the statement names none. */
  readonly format: string
  readonly settings: Readonly<Record<string, string>>
  /** Values of `{name:Type}` by name, escaped as in a URL of ClickHouse's (tab-separated values). */
  readonly params: Readonly<Record<string, string>>
}

/** What went wrong: a number and a word of ClickHouse's for it, and words. */
export type AnalystFailure = { readonly code: number; readonly name: string; readonly message: string }
export type AnalystAnswer =
  | {
      readonly ok: true
      readonly format: string
      /** The first piece is there. Whoever leaves the rest ends the statement. Throws `SqlError`. */
      readonly pieces: AsyncIterableIterator<Uint8Array>
    }
  | { readonly ok: false; readonly failure: AnalystFailure }

export type AnalystSql = {
  run(statement: AnalystStatement, signal: AbortSignal): Promise<AnalystAnswer>
  close(): Promise<void>
}

const REFUSALS: Readonly<Record<Refusal, readonly [code: number, name: string]>> = {
  statement: [164, 'READONLY'],
  table: [497, 'ACCESS_DENIED'],
  function: [446, 'FUNCTION_NOT_ALLOWED'],
  setting: [452, 'SETTING_CONSTRAINT_VIOLATION'],
  format: [73, 'UNKNOWN_FORMAT'],
}
const PARAMETER_NAME = /^[A-Za-z_]\w{0,63}$/
const FORMAT_AT_END = / FORMAT ([A-Za-z0-9]+)(?: SETTINGS .*)?$/
/** For tenants: how much of the tables was read tells how much others have there. */
const TENANT_SETTINGS: SettingValues = { output_format_write_statistics: 0 }

export function openAnalystSql(database: Database, limits: AnalystLimits): AnalystSql {
  const tenants = openTenantDatabases(database)
  const parser = database.session({ read_only: true })
  let functions: Promise<AllowedFunctions> | undefined

  async function readFunctions(): Promise<AllowedFunctions> {
    functions ??= parser.query<FunctionRow>(FUNCTIONS_QUERY).then(allowFunctions)
    try {
      return await functions
    } catch (error) {
      functions = undefined
      throw error
    }
  }

  async function start(wanted: AnalystStatement, signal: AbortSignal): Promise<AnalystAnswer> {
    const canonical = await rewrite(parser, wanted.statement)
    const checked = checkSettings({ ...wanted.settings, ...inlineSettings(canonical) }, limits)
    if (!checked.ok) return refused('setting', checked.message)
    const badName = Object.keys(wanted.params).find((name) => !PARAMETER_NAME.test(name))
    if (badName !== undefined) return refused('setting', `param_${badName} cannot be the name of a parameter`)
    const isPlanned = isStreamable(FORMAT_AT_END.exec(canonical)?.[1] ?? wanted.format)
    const { reach, database: name, settings } = await reachOf(tenants, wanted.tenant)
    const session = database.session({
      memory_bytes_max: limits.memory_bytes_max,
      seconds_max: limits.seconds_max,
      threads_max: limits.threads_max,
      read_only: true,
      ...(name === undefined ? {} : { database: name }),
      settings: {
        ...defaults(limits, wanted.tenant, isPlanned),
        ...checked.settings,
        ...settings,
        ...asParameters(wanted.params),
      },
    })
    try {
      const tree = Buffer.from(await session.bytes(`EXPLAIN AST ${wanted.statement}`, 'TSVRaw', { signal }))
      const verdict = checkStatement(canonical, tree.toString('utf8'), reach, await readFunctions())
      if (!verdict.ok) return await closing(session, refused(verdict.refusal, verdict.message))
      const format = verdict.format ?? wanted.format
      const isStreamed = verdict.isQuery && isStreamable(format)
      if (isStreamed && !isPlanned) return await closing(session, refused('statement', 'the statement cannot be read'))
      const pieces = verdict.isQuery
        ? session.stream(wanted.statement, format, { signal })
        : one(session.bytes(wanted.statement, format, { signal }))
      return { ok: true, format, pieces: await begun(pieces, session) }
    } catch (error) {
      await session.close()
      throw error
    }
  }

  return {
    async run(wanted, signal) {
      try {
        return await start(wanted, signal)
      } catch (error) {
        if (error instanceof SqlError) return { ok: false, failure: failureOf(error, wanted.tenant !== undefined) }
        throw error
      }
    },
    async close() {
      await parser.close()
      await tenants.close()
    },
  }
}

/** The one statement of a text as the engine writes it. The text is a value here: nothing of it is run. */
async function rewrite(parser: Sql, statement: string): Promise<string> {
  try {
    const [row] = await parser.query<{ text: string }>(
      `SELECT formatQuerySingleLine(${quoteString(statement)}) AS text`,
    )
    return row?.text ?? ''
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    throw new SqlError(
      error.message.replace(/:? In scope SELECT formatQuery[\s\S]*(?=\([A-Z_]+\))/, ' '),
      error.code,
      error,
      error.failure,
    )
  }
}

/** Views with parameters look like table functions: the operator's statements may call these. */
const VIEWS: ReadonlySet<string> = new Set(listViews().map(({ name }) => name))

type Place = { readonly reach: Reach; readonly database: string | undefined; readonly settings: SettingValues }

async function reachOf(tenants: TenantDatabases, tenant: string | undefined): Promise<Place> {
  if (tenant === undefined) {
    return {
      reach: { database: undefined, tables: VIEWS, databases: new Set() },
      database: undefined,
      settings: {},
    }
  }
  const own = await tenants.of(tenant)
  const databases = new Set(await tenants.all())
  databases.delete(own.name)
  const reach = { database: own.name, tables: own.tables, databases }
  return { reach, database: own.name, settings: { ...own.settings, ...TENANT_SETTINGS } }
}

/** The operator's results, exports of everything among them, have no bounds: they are limited by time and memory alone. */
function defaults(limits: AnalystLimits, tenant: string | undefined, isStreamed: boolean): SettingValues {
  if (tenant === undefined) return {}
  const rows = { max_result_rows: limits.result_rows_max, result_overflow_mode: 'throw' }
  return isStreamed ? rows : { ...rows, max_result_bytes: limits.result_bytes_max }
}

function asParameters(params: Readonly<Record<string, string>>): SettingValues {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [`param_${name}`, value]))
}

function refused(refusal: Refusal, message: string): AnalystAnswer {
  const [code, name] = REFUSALS[refusal]
  return { ok: false, failure: { code, name, message } }
}

async function closing(session: Sql, answer: AnalystAnswer): Promise<AnalystAnswer> {
  await session.close()
  return answer
}

async function* one(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes
}

/** Waits for the first piece, so that what fails at once is no broken answer. Closes the session after the last one. */
async function begun(pieces: AsyncIterator<Uint8Array>, session: Sql): Promise<AsyncIterableIterator<Uint8Array>> {
  let first: IteratorResult<Uint8Array> | undefined = await pieces.next()
  let isOver = false
  const end = async () => {
    if (isOver) return
    isOver = true
    try {
      await pieces.return?.()
    } finally {
      await session.close()
    }
  }
  if (first.done === true) await end()
  // By hand: a generator that nobody began to read would not see that it is left.
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      const taken = first
      first = undefined
      if (taken !== undefined) return taken
      try {
        const next = await pieces.next()
        if (next.done === true) await end()
        return next
      } catch (error) {
        await end()
        throw error
      }
    },
    async return() {
      await end()
      return { done: true, value: undefined }
    },
  }
  return iterator
}

/** Names of other databases that the engine proposes when it does not know a table. */
const PROPOSALS = /\.? ?Maybe you meant[\s\S]*?(?=\. ?\(|\(|$)/g
/** The engine names all that it would have expected; more than this helps nobody. */
const MESSAGE_CHARACTERS_MAX = 4000
/** ClickHouse's number for an error that has none. */
const CODE_UNKNOWN = 1002
const NAMES_TABLES: ReadonlySet<number> = new Set([60, 81])

/** An error of the engine's, in one line. */
export function failureOf(error: SqlError, isTenant: boolean): AnalystFailure {
  const plain = error.message
    .replace(/\s+/g, ' ')
    .slice(0, MESSAGE_CHARACTERS_MAX)
    .replace(/^(?:Code: \d+\. DB::Exception: )+/, '')
    .replace(/ \(version [^)]*\)\.?/, '')
    .trim()
  const name = / ?\(([A-Z][A-Z0-9_]{2,})\)\.?$/.exec(plain)?.[1] ?? 'UNKNOWN_EXCEPTION'
  const text = plain.replace(/(?:\.? ?\([A-Z][A-Z0-9_]{2,}\)\.?)+$/, '')
  const message = isTenant && NAMES_TABLES.has(error.code) ? text.replace(PROPOSALS, '') : text
  return { code: error.code === 0 ? CODE_UNKNOWN : error.code, name, message: message.trim() }
}
