import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Api } from '../api.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, GUARDED, text } from '../openapi/document.ts'
import { tenantParameter } from '../parameters.ts'

const FEATURES_LENGTH_MAX = 10_000

const description = {
  tags: ['operation'],
  description:
    'For the operator’s command line. One job at a time. The answer is NDJSON: `{"progress": …}` every second, then ' +
    '`{"result": …}` or `{"failure": "why"}`. A caller that goes away stops the job.',
  response: answers(text('The job’s lines, as they come.', 'application/x-ndjson'), GUARDED),
}
const verifySchema = {
  ...description,
  operationId: 'postVerify',
  summary: 'Compute the tables again from the log and compare',
  querystring: z.strictObject({ tenant: tenantParameter.describe('The tenant to compare; without it all.') }),
}
const backfillSchema = {
  ...description,
  operationId: 'postBackfill',
  summary: 'Bring features to rows that were written before they were in force',
  querystring: z.strictObject({
    features: z.string().min(1).max(FEATURES_LENGTH_MAX).describe('`name@version` of each, with commas between.'),
  }),
}

/** `POST /jobs/verify`, `POST /jobs/backfill`. */
export function registerJobs(app: Api, jobs: NonNullable<Dependencies['jobs']>): void {
  const config = { access: 'operator' } as const

  /** The lines of a job, which stops when the caller goes. */
  const linesOf = (raw: NodeJS.EventEmitter, start: (signal: AbortSignal) => AsyncIterable<string>) => {
    const abort = new AbortController()
    raw.once('close', () => abort.abort())
    return Readable.from(start(abort.signal), { objectMode: false })
  }

  app.post('/jobs/verify', { config, schema: verifySchema }, async (request, reply) => {
    const { tenant } = request.query
    const lines = linesOf(reply.raw, (signal) => jobs.verify(tenant, signal))
    return reply.type('application/x-ndjson').send(lines as never)
  })
  app.post('/jobs/backfill', { config, schema: backfillSchema }, async (request, reply) => {
    const features = request.query.features.split(',')
    const lines = linesOf(reply.raw, (signal) => jobs.backfill(features, signal))
    return reply.type('application/x-ndjson').send(lines as never)
  })
}
