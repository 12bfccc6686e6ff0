import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { incomingEvent } from '../../features/events/contract.ts'
import { validTraceparent } from '../../features/events/traceparent.ts'
import type { Api } from '../api.ts'
import { principalOf } from '../authentication.ts'
import type { Dependencies, EventResult } from '../dependencies.ts'
import { answers, GUARDED, json } from '../openapi/document.ts'
import { tenantParameter } from '../parameters.ts'
import { type Problem, problem, sendProblem } from '../problem.ts'
import { rawBodyValidatorCompiler } from '../raw-body.ts'
import { createBytesInFlight } from './bytes-in-flight.ts'
import { splitJson, splitLines } from './split.ts'

export const BODY_BYTES_MAX = 10 * 1024 * 1024
export const EVENTS_PER_REQUEST_MAX = 10_000
const RETRY_AFTER_SECONDS = '1'

const NDJSON = 'application/x-ndjson'

const eventResult = z.object({
  id: z.string().nullable().describe("the event's own id, null where it could not be read"),
  status: z.enum(['accepted', 'repeat', 'refused']),
  reason: z.string().optional().describe('why it was refused, one word'),
  detail: z.string().optional(),
})

const eventsAnswer = z
  .object({
    request: z.string().describe('names this request; with the index it is the place of a refused event'),
    counts: z.object({ accepted: z.int(), repeat: z.int(), refused: z.int() }),
    results: z.array(eventResult).describe('one per event, in their order'),
  })
  .meta({ id: 'EventResults' })

const traceparentHeader = z
  .string()
  .describe('W3C trace context; a warning that an event makes is logged with it. What is none is ignored.')

const event = incomingEvent.meta({ id: 'Event', title: 'Event' })

const eventsSchema = {
  operationId: 'postEvents',
  tags: ['events'],
  summary: 'Send events',
  description:
    `One event, an array of events, or NDJSON (one event per line); at most ${BODY_BYTES_MAX / 1024 / 1024} MiB and ` +
    `${EVENTS_PER_REQUEST_MAX} events. Answered when what was accepted is durable. An event that is refused stops no ` +
    'other: it is kept with its reason, and the answer says so. Sending again is safe: what was taken is a `repeat`.',
  querystring: z.strictObject({ tenant: tenantParameter }),
  headers: z.looseObject({ traceparent: traceparentHeader.optional() }),
  body: {
    content: {
      'application/json': { schema: z.union([event, z.array(event).max(EVENTS_PER_REQUEST_MAX)]) },
      [NDJSON]: { schema: z.string().describe('one event per line') },
    },
  },
  response: answers(json('What became of each event.', eventsAnswer), [...GUARDED, 408, 413, 415]),
}

/** `POST /v1/events`. */
export function registerEvents(app: Api, { submit }: Pick<Dependencies, 'submit'>): void {
  const inFlight = createBytesInFlight()

  app.register(async (scope: Api) => {
    const keep = (_request: FastifyRequest, body: Buffer, done: (error: null, body: Buffer) => void) => done(null, body)
    // The body is checked event by event behind `submit`.
    scope.setValidatorCompiler(rawBodyValidatorCompiler)
    scope.addContentTypeParser(['application/json', NDJSON], { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, keep)

    scope.post(
      '/v1/events',
      {
        config: { access: 'events:write' },
        schema: eventsSchema,
        onRequest: async (request, reply) => {
          const refusal = checkHead(request)
          if (refusal !== undefined) return sendProblem(reply, refusal)
          const release = inFlight.take(principalOf(request).tenant, declaredBytes(request))
          if (release === undefined) return sendProblem(reply, busy())
          reply.raw.once('close', release)
        },
      },
      async (request, reply) => {
        const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
        const isLines = request.raw.headers['content-type']?.toLowerCase().startsWith(NDJSON) === true
        const split = (isLines ? splitLines : splitJson)(body, EVENTS_PER_REQUEST_MAX)
        if (!split.ok) {
          const tooMany = split.reason === 'too_many'
          return sendProblem(
            reply,
            problem(tooMany ? 413 : 400, tooMany ? 'too_large' : 'malformed_body', split.detail),
          )
        }
        const traceparent = validTraceparent(request.raw.headers['traceparent'])
        const results = await submit(principalOf(request).tenant, split.items, request.id, traceparent)
        if (results === 'busy') return sendProblem(reply, busy())
        if (results.length !== split.items.length) {
          throw new Error(`${split.items.length} events were submitted, ${results.length} answered`)
        }
        return { request: request.id, counts: countByStatus(results), results: [...results] }
      },
    )
  })
}

function checkHead(request: FastifyRequest): Problem | undefined {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return problem(415, 'unsupported_media_type', `Send the body as it is: content encoding ${encoding} is not taken.`)
  }
  return undefined
}

/** What the body may take up in memory: its declared length, the bound where there is none. */
function declaredBytes(request: FastifyRequest): number {
  const declared = Number(request.headers['content-length'] ?? BODY_BYTES_MAX)
  return Number.isSafeInteger(declared) ? Math.min(declared, BODY_BYTES_MAX) : BODY_BYTES_MAX
}

function countByStatus(results: readonly EventResult[]): Record<EventResult['status'], number> {
  const counts = { accepted: 0, repeat: 0, refused: 0 }
  for (const { status } of results) counts[status]++
  return counts
}

function busy(): Problem {
  return problem(503, 'busy', undefined, { headers: { 'retry-after': RETRY_AFTER_SECONDS } })
}
