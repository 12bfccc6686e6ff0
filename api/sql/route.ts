import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { failureOf } from '../../sql/analyst/statements.ts'
import { tenantDatabaseName } from '../../sql/analyst/tenant-database.ts'
import { SqlError } from '../../sql/client.ts'
import type { Api, ApiOptions } from '../api.ts'
import { principalOf } from '../authentication.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, GUARDED, withPlainText } from '../openapi/document.ts'
import { problem, sendProblem } from '../problem.ts'
import { rawBodyValidatorCompiler } from '../raw-body.ts'
import { commonHeaders, contentTypeOf, FAILURE_STATUSES, newTag, sendFailure, withLastWords } from './answer.ts'
import { chooseEncoding, decodeBody, encoded } from './compression.ts'
import { readQuery } from './request.ts'

/**
 * ClickHouse's HTTP interface, for reading. What a statement brings about is told in ClickHouse's own way, since its clients
 * take that apart; what comes before any statement (no key, no room, stopping) is a problem document as everywhere.
 */

const STATEMENT_BYTES_MAX = 262_144
const FORMAT_HEADER = 'x-clickhouse-format'
const FORMAT_DEFAULT = 'TabSeparated'
const QUERY_ID = /^[\x20-\x7e]{1,100}$/

const formatName = z.string().regex(/^[A-Za-z0-9]{1,64}$/, 'must be the name of a ClickHouse format')
const statementText = z.string().max(STATEMENT_BYTES_MAX)
const parameters = z.looseObject({
  query: statementText.optional().describe('The statement or its beginning: the body follows after a line break.'),
  default_format: formatName.optional().describe('Format of the result where the statement has none.'),
  database: z.string().max(200).optional().describe('May be left out, or `default`: each key sees one database.'),
  query_id: z.string().max(100).optional().describe('Comes back as `X-ClickHouse-Query-Id`.'),
  session_id: z.string().max(1000).optional().describe('Taken and without effect: there is no session.'),
  compress: z.string().max(5).optional().describe('0: ClickHouse’s own compressed blocks are not made here.'),
  enable_http_compression: z
    .string()
    .max(5)
    .optional()
    .describe('0: the result is not compressed, whatever `Accept-Encoding` says.'),
  tenant: z.string().optional().describe('For the operator: to see what a key of this tenant sees.'),
})
const description =
  'ClickHouse’s HTTP interface, read only. `param_NAME` gives the value of a placeholder `{NAME:Type}`; settings of an ' +
  'allow-list are further parameters. A key sees the rows of its tenant, the operator those of all. The key is also taken as ' +
  'a password (Basic or `X-ClickHouse-Key`). Errors of a statement are ClickHouse’s: text, and `X-ClickHouse-Exception-Code`.'

const getSchema = {
  tags: ['sql'],
  operationId: 'getSql',
  summary: 'Run a reading statement',
  description,
  headers: z.object({ [FORMAT_HEADER]: formatName.optional().describe('As `default_format`, which wins.') }),
  querystring: parameters,
  response: withPlainText(
    answers({ description: 'The result, in its format.', content: { '*/*': { schema: z.string() } } }, [
      ...new Set([...GUARDED, ...FAILURE_STATUSES, 415 as const]),
    ]),
    FAILURE_STATUSES,
  ),
}
const postSchema = {
  ...getSchema,
  operationId: 'postSql',
  body: { content: { 'text/plain': { schema: z.string().describe('the statement; any media type is taken') } } },
}

type SqlDependencies = Pick<Dependencies, 'sql'> & Pick<ApiOptions, 'reportError'>
type SqlQuery = z.output<typeof parameters>

/** `GET /sql`, `POST /sql`, and `POST /` for drivers that cannot be given a path. */
export function registerSql(app: Api, { sql, reportError }: SqlDependencies): void {
  const config = { access: 'sql:read', takesPassword: true } as const

  const run = async (request: FastifyRequest, reply: FastifyReply, query: SqlQuery, body: string) => {
    const started = performance.now()
    const queryId = query.query_id !== undefined && QUERY_ID.test(query.query_id) ? query.query_id : request.id
    reply.headers(commonHeaders(queryId, 0))
    const principal = principalOf(request)
    const tenant = principal.operator ? query.tenant : principal.tenant
    const asked = readQuery(query, tenant === undefined ? undefined : tenantDatabaseName(tenant))
    if ('code' in asked) return sendFailure(reply, asked)
    const statement = [query.query ?? '', body].filter((part) => part.trim() !== '').join('\n')
    if (statement === '')
      return sendFailure(reply, { code: 62, name: 'SYNTAX_ERROR', message: 'there is no statement' })

    const abort = new AbortController()
    reply.raw.once('close', () => abort.abort())
    const format = query.default_format ?? (request.headers[FORMAT_HEADER] as string | undefined) ?? FORMAT_DEFAULT
    const answer = await sql({ tenant, holder: principal.key_id, statement, format, ...asked }, abort.signal)
    if (!answer.ok) return sendFailure(reply, answer.failure)
    // Whatever becomes of the answer, also when it is never begun, the statement ends with the request.
    const leave = () => void answer.pieces.return?.()
    abort.signal.addEventListener('abort', leave, { once: true })
    if (abort.signal.aborted) leave()
    const tag = newTag()
    reply.headers({
      ...commonHeaders(queryId, performance.now() - started),
      [FORMAT_HEADER]: answer.format,
      'x-clickhouse-exception-tag': tag,
      'content-type': contentTypeOf(answer.format),
      vary: 'accept-encoding',
    })
    const describe = (error: unknown) => {
      if (error instanceof SqlError) return failureOf(error, tenant !== undefined)
      reportError(error, { request: request.id, method: request.method, route: '/sql' })
      return { code: 1002, name: 'UNKNOWN_EXCEPTION', message: 'a fault of foreshock' }
    }
    const rows = Readable.from(withLastWords(answer.pieces, tag, describe), { objectMode: false, highWaterMark: 1 })
    const encoding =
      query.enable_http_compression === '0' ? undefined : chooseEncoding(request.headers['accept-encoding'])
    if (encoding === undefined) return reply.send(rows)
    return reply.header('content-encoding', encoding).send(encoded(rows, encoding))
  }

  app.register(async (scope: Api) => {
    scope.setValidatorCompiler(rawBodyValidatorCompiler)
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: STATEMENT_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    )
    scope.get('/sql', { config, schema: getSchema }, (request, reply) => run(request, reply, request.query, ''))
    for (const [path, operationId] of [
      ['/sql', 'postSql'],
      ['/', 'postRoot'],
    ] as const) {
      scope.post(path, { config, schema: { ...postSchema, operationId } }, async (request, reply) => {
        const bytes = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
        const decoded = decodeBody(bytes, request.headers['content-encoding'], STATEMENT_BYTES_MAX)
        if (decoded.ok) return run(request, reply, request.query, decoded.text)
        if (decoded.reason === 'encoding') return sendProblem(reply, problem(415, 'unsupported_media_type'))
        if (decoded.reason === 'too_large') return sendProblem(reply, problem(413, 'too_large'))
        return sendProblem(reply, problem(400, 'malformed_body', 'The body is not in the encoding that it says.'))
      })
    }
  })
}
