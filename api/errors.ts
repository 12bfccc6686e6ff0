import type { Socket } from 'node:net'
import { PROBLEM_MEDIA_TYPE, type Problem, type ProblemName, problem, problemBody } from './problem.ts'

/** What Fastify, Node and the validators throw at a bad request, as problems. */

const FASTIFY_ERRORS: Readonly<Record<string, { status: number; name: ProblemName; detail?: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, name: 'too_large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, name: 'unsupported_media_type' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    name: 'malformed_request',
    detail: 'The body is not as long as Content-Length says.',
  },
  FST_ERR_BAD_URL: { status: 400, name: 'malformed_request', detail: 'The path has a wrong percent escape.' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, name: 'uri_too_long' },
}

const CLIENT_ERRORS: Readonly<Record<string, { status: number; name: ProblemName }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, name: 'header_too_large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, name: 'request_timeout' },
}

type Thrown = { code?: unknown; validation?: unknown; statusCode?: unknown }

/** The problem that an error stands for, undefined when it is a fault of our own. */
export function problemOfError(error: unknown): Problem | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, validation } = error as Thrown
  if (Array.isArray(validation)) return invalidParameters(validation)
  const known = FASTIFY_ERRORS[String(code)]
  if (known !== undefined) return problem(known.status, known.name, known.detail)
  // The caller went away while its body was read; nobody is there to read the answer either.
  if (code === 'ECONNRESET' || code === 'ECONNABORTED') return problem(400, 'malformed_request')
  return undefined
}

/** Answers what is not HTTP, on the bare socket. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const known = CLIENT_ERRORS[error.code ?? ''] ?? { status: 400, name: 'malformed_request' }
  const body = problemBody(problem(known.status, known.name), undefined)
  const text = JSON.stringify(body)
  socket.end(
    `HTTP/1.1 ${known.status} ${body.title}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  )
}

type ValidationIssue = { instancePath?: string; message?: string; keyword?: string; params?: { keys?: unknown } }

function invalidParameters(issues: readonly ValidationIssue[]): Problem {
  const errors = issues.flatMap(({ instancePath, message, keyword, params }) => {
    if (keyword === 'unrecognized_keys' && Array.isArray(params?.keys)) {
      return params.keys.map((key) => ({ parameter: String(key), message: 'is not a parameter of this route' }))
    }
    const parameter = (instancePath ?? '').split('/')[1] ?? ''
    return [{ parameter, message: message ?? 'is not valid' }]
  })
  const detail = errors.map(({ parameter, message }) => `${parameter}: ${message}`).join('; ')
  return problem(400, 'invalid_parameter', detail.slice(0, 1_000), { extra: { errors } })
}
