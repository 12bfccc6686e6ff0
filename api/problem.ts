import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'

/** Errors as RFC 9457 problem details: the one shape of every answer that is not a success. */

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** Every problem type there is: `type` is `urn:foreshock:problem:` and the name. */
export const PROBLEMS = {
  malformed_request: 'The request is not HTTP as it should be.',
  malformed_body: 'The body is not JSON, or is empty.',
  invalid_parameter: 'A parameter is unknown or has a value that it cannot have; `errors` names each.',
  invalid_cursor: 'The cursor was not made by this feed for this tenant.',
  missing_key: 'There is no API key: send `Authorization: Bearer KEY`.',
  invalid_key: 'The API key is mistyped or not known.',
  missing_scope: 'The API key does not have the scope that this route needs.',
  other_tenant: 'The API key is not of the tenant that was asked for.',
  operator_only: 'Only the operator may do this.',
  not_found: 'There is nothing here.',
  method_not_allowed: 'The path exists, with other methods (`Allow`).',
  request_timeout: 'The request took too long.',
  too_large: 'The body is too large, or holds too many events.',
  uri_too_long: 'A part of the path is too long.',
  unsupported_media_type:
    'The body has a media type or an encoding that is not taken; events are application/json or application/x-ndjson.',
  header_too_large: 'The headers are too large.',
  too_many_waiting: 'The tenant has too many requests that wait for warnings.',
  internal: 'A fault of foreshock; the operator finds it in the log under `instance`.',
  busy: 'Nothing was taken; try again after `Retry-After` seconds.',
  stopping: 'The process is about to stop.',
  not_ready: 'Not ready yet; `checks` says what is missing.',
} as const
export type ProblemName = keyof typeof PROBLEMS

export const problemSchema = z
  .looseObject({
    type: z.string().describe('urn:foreshock:problem:NAME'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().optional().describe('urn:uuid:… of this request, as in X-Request-Id'),
    errors: z.array(z.object({ parameter: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457)' })
type ProblemBody = z.output<typeof problemSchema>

/** An expected failure, as a value that a route hands to `sendProblem`. */
export type Problem = {
  readonly status: number
  readonly name: ProblemName
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
  readonly extra?: Readonly<Record<string, unknown>>
}

export function problem(
  status: number,
  name: ProblemName,
  detail: string = PROBLEMS[name],
  more: Pick<Problem, 'headers' | 'extra'> = {},
): Problem {
  return { status, name, detail, ...more }
}

export function problemBody(one: Problem, request: string | undefined): ProblemBody {
  return {
    type: `urn:foreshock:problem:${one.name}`,
    title: STATUS_CODES[one.status] ?? 'Error',
    status: one.status,
    detail: one.detail,
    ...(request === undefined ? {} : { instance: `urn:uuid:${request}` }),
    ...one.extra,
  }
}

/**
 * Sends a problem, on any route whatever its own types are. The body goes out as text, so that no serialiser can fail
 * while an error is told. Returns the reply, for a handler to return.
 */
export function sendProblem<Reply extends { readonly request: { readonly id: string } }>(
  reply: Reply,
  one: Problem,
): Reply {
  const untyped = reply as unknown as FastifyReply
  untyped
    .code(one.status)
    .headers(one.headers ?? {})
    .type(PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(problemBody(one, reply.request.id)))
  return reply
}
