import { z } from 'zod'
import { tapeMap } from '../../sql/tapes/map.ts'
import type { Api } from '../api.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, GUARDED, text } from '../openapi/document.ts'
import { tokenParameter } from '../parameters.ts'
import { problem, sendProblem } from '../problem.ts'
import { rawBodyValidatorCompiler } from '../raw-body.ts'
import { sendLines } from './lines.ts'

const BODY_BYTES_MAX = 262_144
const PATH_LENGTH_MAX = 4096

const importRequest = z.strictObject({
  file: z.string().min(1).max(PATH_LENGTH_MAX).describe('Path on the machine of this process.'),
  map: tapeMap,
  tenant: tokenParameter,
  dataset: tokenParameter,
  replace: z.boolean().describe('A data set of that name gives way to this one.'),
  check: z.boolean().describe('`true` looks at the tape and stores nothing.'),
})

const importSchema = {
  operationId: 'postImport',
  tags: ['operation'],
  summary: 'Load a month-end tape as a data set',
  description: 'For the operator’s command line, as the other jobs. All of the tape is stored, or nothing.',
  body: { content: { 'application/json': { schema: importRequest } } },
  response: answers(text('The job’s lines, as they come.', 'application/x-ndjson'), [...GUARDED, 408, 413]),
}

/** `POST /jobs/import`. */
export function registerImport(app: Api, jobs: NonNullable<Dependencies['jobs']>): void {
  app.register(async (scope: Api) => {
    scope.setValidatorCompiler(rawBodyValidatorCompiler)
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    )
    scope.post('/jobs/import', { config: { access: 'operator' }, schema: importSchema }, async (request, reply) => {
      const wanted = importRequest.safeParse(parseJson(request.body))
      if (!wanted.success) {
        const [issue] = wanted.error.issues
        const detail = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`
        return sendProblem(reply, problem(400, 'malformed_body', detail))
      }
      return sendLines(reply, (signal) => jobs.importTape(wanted.data, signal))
    })
  })
}

function parseJson(body: unknown): unknown {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? body.toString('utf8') : '')
  } catch {
    return undefined
  }
}
