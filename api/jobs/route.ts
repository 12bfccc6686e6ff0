import { z } from 'zod'
import { businessDate } from '../../features/events/fields.ts'
import { DEAD_LETTER_ID } from '../../sql/queries/dead-letters.ts'
import type { Api } from '../api.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, GUARDED, text } from '../openapi/document.ts'
import { instantParameter, integerParameter, tenantParameter, tokenParameter } from '../parameters.ts'
import { registerImport } from './import.ts'
import { sendLines } from './lines.ts'

const FEATURES_LENGTH_MAX = 10_000
const WORD_LENGTH_MAX = 200
/** Dead letters that one request may name: more would not fit into its address. */
export const REDRIVE_IDS_MAX = 500
const REDRIVE_LIMIT_MAX = 100_000
const JOB_NAME = /^[a-z][a-z-]{0,40}$/

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

const runSchema = {
  ...description,
  operationId: 'postJobRun',
  summary: 'Run a scheduled job for one business date',
  querystring: z.strictObject({
    name: z.string().regex(JOB_NAME).describe('Name of the job, as `jobs list` has it.'),
    date: businessDate.describe('The business date.'),
    tenant: tokenParameter.describe('The tenant.'),
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

/** `POST /jobs/verify`, `POST /jobs/verify-ledger`, `POST /jobs/backfill`, `POST /jobs/redrive`, `POST /jobs/run`, `POST /jobs/import`. */
export function registerJobs(app: Api, jobs: NonNullable<Dependencies['jobs']>): void {
  const config = { access: 'operator' } as const

  app.post('/jobs/verify', { config, schema: verifySchema }, async (request, reply) => {
    const { tenant } = request.query
    return sendLines(reply, (signal) => jobs.verify(tenant, signal))
  })
  app.post('/jobs/verify-ledger', { config, schema: verifyLedgerSchema }, async (request, reply) => {
    const { tenant } = request.query
    return sendLines(reply, (signal) => jobs.verifyLedger(tenant, signal))
  })
  app.post('/jobs/backfill', { config, schema: backfillSchema }, async (request, reply) => {
    const features = request.query.features.split(',')
    return sendLines(reply, (signal) => jobs.backfill(features, signal))
  })
  app.post('/jobs/redrive', { config, schema: redriveSchema }, async (request, reply) => {
    const { since, until, limit, dry_run, ...rest } = request.query
    const filter = {
      ...rest,
      since: since === undefined ? undefined : Date.parse(since),
      until: until === undefined ? undefined : Date.parse(until),
    }
    const wanted = { filter, limit: limit ?? REDRIVE_LIMIT_MAX, dryRun: dry_run === 'true' }
    return sendLines(reply, (signal) => jobs.redrive(wanted, signal))
  })
  app.post('/jobs/run', { config, schema: runSchema }, async (request, reply) => {
    return sendLines(reply, (signal) => jobs.run(request.query, signal))
  })
  registerImport(app, jobs)
}
