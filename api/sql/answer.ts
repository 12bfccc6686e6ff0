import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import type { AnalystFailure } from '../../sql/analyst/statements.ts'

/** Answers as ClickHouse's HTTP interface gives them: its headers, its texts of errors, its way to fail half way. */

export const EXCEPTION_CODE_HEADER = 'x-clickhouse-exception-code'
const SERVER_NAME = 'foreshock'
const TIME_ZONE = 'UTC'
const PLAIN = 'text/plain; charset=UTF-8'
const TAG_CHARACTERS = 16
/** What was written last reaches the client before the connection is broken. */
const LAST_WORDS_MS = 20

const CONTENT_TYPES: readonly (readonly [RegExp, string])[] = [
  [
    /^(JSON|JSONCompact|JSONStrings|JSONCompactStrings|JSONColumns|JSONColumnsWithMetadata|JSONCompactColumns|JSONObjectEachRow)$/i,
    'application/json; charset=UTF-8',
  ],
  [/^(JSON\w*EachRow\w*|JSONLines|NDJSON)$/i, 'application/x-ndjson; charset=UTF-8'],
  [/^(TabSeparated|TSV)/i, 'text/tab-separated-values; charset=UTF-8'],
  [/^CSV/i, 'text/csv; charset=UTF-8; header=absent'],
  [/^(Parquet|Arrow|ArrowStream|Native|RowBinary\w*|ORC|Avro|MsgPack|Npy|BSONEachRow)$/i, 'application/octet-stream'],
  [/^XML$/i, 'application/xml; charset=UTF-8'],
  [/^HTML$/i, 'text/plain; charset=UTF-8'],
]

export function contentTypeOf(format: string): string {
  return CONTENT_TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? PLAIN
}

/** Statuses of ClickHouse's, but for limits, whose status says whether to come again. */
const STATUSES: Readonly<Record<number, number>> = {
  48: 400,
  60: 404,
  81: 404,
  46: 404,
  159: 408,
  158: 413,
  164: 403,
  202: 429,
  241: 413,
  307: 413,
  396: 413,
  446: 403,
  452: 403,
  497: 403,
  516: 403,
}
const UNAVAILABLE: ReadonlySet<number> = new Set([210, 209, 242, 243, 252, 279, 999])

/** Every status that `sendFailure` gives. */
export const FAILURE_STATUSES = [400, 403, 404, 408, 413, 429, 503] as const
export function statusOf(code: number): (typeof FAILURE_STATUSES)[number] {
  const known = STATUSES[code] as (typeof FAILURE_STATUSES)[number] | undefined
  return known ?? (UNAVAILABLE.has(code) ? 503 : 400)
}

export function sendFailure(reply: FastifyReply, failure: AnalystFailure): FastifyReply {
  const status = statusOf(failure.code)
  if (status === 429 || status === 503) reply.header('retry-after', '1')
  return reply
    .code(status)
    .header(EXCEPTION_CODE_HEADER, String(failure.code))
    .type(PLAIN)
    .send(`${textOf(failure)}\n`)
}

/** As clients take it apart: number, words, name. */
export function textOf({ code, name, message }: AnalystFailure): string {
  return `Code: ${code}. DB::Exception: ${message.replace(/\.$/, '')}. (${name})`
}

const NOTHING_READ = Object.fromEntries(
  ['read_rows', 'read_bytes', 'written_rows', 'written_bytes', 'total_rows_to_read', 'result_rows', 'result_bytes'].map(
    (name) => [name, '0'],
  ),
)

export function newTag(): string {
  return randomBytes(TAG_CHARACTERS / 2).toString('hex')
}

/**
 * Of what was read nothing is told: it would say how much others have in the tables. Clients only want the field names.
 */
export function commonHeaders(queryId: string, elapsed_ms: number): Record<string, string> {
  const summary = {
    ...NOTHING_READ,
    elapsed_ns: String(Math.round(elapsed_ms * 1e6)),
  }
  return {
    'x-clickhouse-query-id': queryId,
    'x-clickhouse-server-display-name': SERVER_NAME,
    'x-clickhouse-timezone': TIME_ZONE,
    'x-clickhouse-summary': JSON.stringify(summary),
  }
}

/**
 * The pieces; when they fail half way, the failure in ClickHouse's form as the last words, and then the error itself, so that
 * the answer does not end as a whole one would.
 */
export async function* withLastWords(
  pieces: AsyncIterable<Uint8Array>,
  tag: string,
  describe: (error: unknown) => AnalystFailure,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces
  } catch (error) {
    const text = `${textOf(describe(error))}\n`
    yield Buffer.from(`\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`)
    await sleep(LAST_WORDS_MS)
    throw error
  }
}
