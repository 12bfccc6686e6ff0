import { Readable } from 'node:stream'
import { z } from 'zod'
import { DEAD_LETTER_ID } from '../../sql/queries/dead-letters.ts'
import type { Api } from '../api.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, GUARDED, text } from '../openapi/document.ts'
import { instantParameter, integerParameter, tenantParameter } from '../parameters.ts'

const FEATURES_LENGTH_MAX = 10_000
const WORD_LENGTH_MAX = 200
/** Dead letters that one request may name: more would not fit into its address. */
export const REDRIVE_IDS_MAX = 500
const REDRIVE_LIMIT_MAX = 100_000

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
const verifyLedgerSchema = {
  ...description,
  operationId: 'postVerifyLedger',
  summary: 'Ask of every loan, date and part whether the ledger adds up',
  querystring: z.strictObject({ tenant: tenantParameter.describe('The tenant to check; without it all.') }),
}
const backfillSchema = {
  ...description,
  operationId: 'postBackfill',
  summary: 'Bring features to rows that were written before they were in force',
  querystring: z.strictObject({
    features: z.string().min(1).max(FEATURES_LENGTH_MAX).describe('`name@version` of each, with commas between.'),
  }),
}

const word = z.string().min(1).max(WORD_LENGTH_MAX).optional()
const redriveSchema = {
  ...description,
  operationId: 'postRedrive',
  summary: 'Send dead letters again',
  querystring: z.strictObject({
    tenant: tenantParameter.describe('Those of this tenant; without it of all.'),
    reason: word.describe('Those refused for this reason.'),
    step: word.describe('Those refused by this step: `decode`, `intake` or `apply`.'),
    type: word.describe('Those of events of this type.'),
    source: word.describe('Those whose source partition begins with this.'),
    since: instantParameter('Those recorded at this time or later.').optional(),
    until: instantParameter('Those recorded before this time.').optional(),
    ids: z
      .string()
      .transform((text) => text.split(','))
      .pipe(z.array(z.string().regex(DEAD_LETTER_ID)).max(REDRIVE_IDS_MAX))
      .meta({ description: 'These alone: ids with commas between.', openapi: { type: 'string' } })
      .optional(),
    limit: integerParameter(1, REDRIVE_LIMIT_MAX, 'At most so many.').optional(),
    dry_run: z.enum(['true', 'false']).optional().describe('`true` tells what would happen and does nothing.'),
  }),
}

/** `POST /jobs/verify`, `POST /jobs/verify-ledger`, `POST /jobs/backfill`, `POST /jobs/redrive`. */
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
  app.post('/jobs/verify-ledger', { config, schema: verifyLedgerSchema }, async (request, reply) => {
    const { tenant } = request.query
    const lines = linesOf(reply.raw, (signal) => jobs.verifyLedger(tenant, signal))
    return reply.type('application/x-ndjson').send(lines as never)
  })
  app.post('/jobs/backfill', { config, schema: backfillSchema }, async (request, reply) => {
    const features = request.query.features.split(',')
    const lines = linesOf(reply.raw, (signal) => jobs.backfill(features, signal))
    return reply.type('application/x-ndjson').send(lines as never)
  })
  app.post('/jobs/redrive', { config, schema: redriveSchema }, async (request, reply) => {
    const { since, until, limit, dry_run, ...rest } = request.query
    const filter = {
      ...rest,
      since: since === undefined ? undefined : Date.parse(since),
      until: until === undefined ? undefined : Date.parse(until),
    }
    const wanted = { filter, limit: limit ?? REDRIVE_LIMIT_MAX, dryRun: dry_run === 'true' }
    const lines = linesOf(reply.raw, (signal) => jobs.redrive(wanted, signal))
    return reply.type('application/x-ndjson').send(lines as never)
  })
}
