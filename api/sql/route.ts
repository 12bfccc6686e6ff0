import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api } from '../api.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, type ErrorStatus, GUARDED } from '../openapi/document.ts'
import { problem, sendProblem } from '../problem.ts'
import { rawBodyValidatorCompiler } from '../raw-body.ts'

const STATEMENT_BYTES_MAX = 262_144
const FORMAT_HEADER = 'x-clickhouse-format'

const formatName = z.string().regex(/^[A-Za-z0-9]{1,64}$/, 'must be the name of a ClickHouse format')

const statementText = z.string().min(1).max(STATEMENT_BYTES_MAX)
const default_format = formatName.optional().describe('Format of the result where the statement has none.')

const sqlDescription = {
  tags: ['sql'],
  headers: z.object({ [FORMAT_HEADER]: formatName.optional().describe('As `default_format`, which wins.') }),
  response: answers({ description: 'The result, in its format.', content: { '*/*': { schema: z.string() } } }, [
    ...GUARDED,
    404,
    408,
    413,
  ] satisfies ErrorStatus[]),
}
const getSchema = {
  operationId: 'getSql',
  summary: 'Run a read-only statement',
  description: 'In the manner of ClickHouse’s HTTP interface. For the operator: it sees all tenants.',
  ...sqlDescription,
  querystring: z.strictObject({ query: statementText.describe('The statement.'), default_format }),
}
const postSchema = {
  ...getSchema,
  operationId: 'postSql',
  querystring: z.strictObject({
    query: statementText.optional().describe('The statement or its beginning: the body follows after a line break.'),
    default_format,
  }),
  body: { content: { 'text/plain': { schema: z.string().describe('the statement; any media type is taken') } } },
}

type SqlDependencies = { readonly sql: Dependencies['sql']; readonly timeout_ms: number }
type SqlRequest = { query?: string | undefined; default_format?: string | undefined }

/** `GET /sql`, `POST /sql`. */
export function registerSql(app: Api, { sql, timeout_ms }: SqlDependencies): void {
  const config = { access: 'operator' } as const

  const run = async (reply: FastifyReply, query: SqlRequest, headerFormat: string | undefined, body: string) => {
    const statement = [query.query ?? '', body].filter((part) => part.trim() !== '').join('\n')
    if (statement === '') return sendProblem(reply, problem(400, 'invalid_parameter', 'There is no statement.'))
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), timeout_ms)
    reply.raw.once('close', () => abort.abort())
    const answer = await sql(statement, query.default_format ?? headerFormat, abort.signal).finally(() => {
      clearTimeout(timer)
    })
    if (!answer.ok) return sendProblem(reply, problem(answer.status, 'sql_failed', answer.message))
    const { bytes, contentType } = answer
    return reply.type(contentType).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  app.register(async (scope: Api) => {
    scope.setValidatorCompiler(rawBodyValidatorCompiler)
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: STATEMENT_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    )
    scope.get('/sql', { config, schema: getSchema }, async (request, reply) => {
      return run(reply, request.query, request.headers[FORMAT_HEADER], '')
    })
    scope.post(
      '/sql',
      {
        config,
        schema: postSchema,
      },
      async (request, reply) => {
        const body = (request.body as Buffer | undefined)?.toString('utf8') ?? ''
        return run(reply, request.query, request.headers[FORMAT_HEADER], body)
      },
    )
  })
}
