import { randomUUID } from 'node:crypto'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from '@fastify/type-provider-zod'
import Fastify, { type FastifyRequest } from 'fastify'
import type { Api, ApiOptions } from './api.ts'
import { answerClientError, problemOfError } from './errors.ts'
import { createPaths } from './paths.ts'
import { type Problem, problem, sendProblem } from './problem.ts'

/** The whole request, body included, must have arrived by then. */
const REQUEST_TIMEOUT_MS = 60_000
/** A token of 128 characters, each written as %XX. */
const PATH_PARAMETER_LENGTH_MAX = 400
const NO_ROUTE = 'none'
/** Their duration says how long somebody listened. */
const EVENT_STREAM = 'text/event-stream'

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
}

export type BaseOptions = Pick<ApiOptions, 'reportError' | 'onAnswered'> & {
  /** Asked of each request to a route that is not public: why it may not go on, if it may not. */
  readonly refuse: (request: FastifyRequest) => Problem | undefined
  /** Called when the application begins to stop. */
  readonly onStopping?: () => void
}

/** What every application of foreshock does with every request, whatever its routes are. */
export function createBase({ reportError, onAnswered, refuse, onStopping }: BaseOptions): Api {
  const app: Api = Fastify({
    genReqId: () => randomUUID(),
    requestTimeout: REQUEST_TIMEOUT_MS,
    exposeHeadRoutes: false,
    // While stopping, the hook below answers, as problem details.
    return503OnClosing: false,
    routerOptions: { maxParamLength: PATH_PARAMETER_LENGTH_MAX },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => {
      reply.header('x-request-id', reply.request.id).headers(SECURITY_HEADERS)
      sendProblem(reply, problemOfError(error) ?? problem(400, 'malformed_request'))
    },
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  // Each route that takes a body says how; what comes with another media type is a 415.
  app.removeAllContentTypeParsers()
  const paths = createPaths()
  let stopping = false

  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined) throw new Error(`${route.url} does not say who may call it`)
    paths.add(route.method, route.url)
  })
  app.addHook('preClose', async () => {
    stopping = true
    onStopping?.()
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id).headers(SECURITY_HEADERS)
    if (stopping) {
      const headers = { 'retry-after': '5', connection: 'close' }
      return sendProblem(reply, problem(503, 'stopping', undefined, { headers }))
    }
    if (request.routeOptions.config.access === 'public') return
    const refusal = refuse(request)
    if (refusal !== undefined) return sendProblem(reply, refusal)
  })
  if (onAnswered !== undefined) {
    app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
      if (reply.getHeader('content-type') === EVENT_STREAM) return
      const route = routeOptions.url ?? NO_ROUTE
      onAnswered({ method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1000 })
    })
  }
  app.setNotFoundHandler({}, (request, reply) => sendProblem(reply, paths.problem(request.method, request.url)))
  app.setErrorHandler((error, request, reply) => {
    const known = problemOfError(error)
    if (known !== undefined) return sendProblem(reply, known)
    const route = request.routeOptions.url ?? ''
    reportError(error, { request: request.id, method: request.method, route })
    return sendProblem(reply, problem(500, 'internal'))
  })
  return app
}
