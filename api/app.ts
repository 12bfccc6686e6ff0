import { randomUUID } from 'node:crypto'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from '@fastify/type-provider-zod'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Api, ApiOptions } from './api.ts'
import { createAuthentication, rememberPrincipal } from './authentication.ts'
import { registerBorrowers } from './borrowers/route.ts'
import type { Dependencies } from './dependencies.ts'
import { answerClientError, problemOfError } from './errors.ts'
import { registerEvents } from './events/route.ts'
import { createWaiting } from './feed/waiting.ts'
import { registerHealth } from './health/route.ts'
import { registerJobs } from './jobs/route.ts'
import { registerOpenapi } from './openapi/document.ts'
import { registerDocumentation } from './openapi/routes.ts'
import { createPaths } from './paths.ts'
import { problem, sendProblem } from './problem.ts'
import { registerSql } from './sql/route.ts'
import { registerWarnings } from './warnings/list.ts'
import { registerWarning } from './warnings/one.ts'
import { registerWarningStream } from './warnings/stream.ts'

const HEARTBEAT_MS = 15_000
const SQL_TIMEOUT_MS = 60_000
/** The whole request, body included, must have arrived by then. */
const REQUEST_TIMEOUT_MS = 60_000
/** A token of 128 characters, each written as %XX. */
const PATH_PARAMETER_LENGTH_MAX = 400

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
}

/** The HTTP API over its dependencies. It does not listen: `listen` and `close` are the caller's. */
export function createApp(dependencies: Dependencies, options: ApiOptions): FastifyInstance {
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

  const authenticate = createAuthentication(dependencies.keys, dependencies.operatorToken)
  const waiting = createWaiting(dependencies.feed)
  const paths = createPaths()
  let stopping = false

  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined) throw new Error(`${route.url} does not say who may call it`)
    paths.add(route.method, route.url)
  })
  app.addHook('preClose', async () => {
    stopping = true
    waiting.stop()
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id).headers(SECURITY_HEADERS)
    if (stopping) {
      const headers = { 'retry-after': '5', connection: 'close' }
      return sendProblem(reply, problem(503, 'stopping', undefined, { headers }))
    }
    const access = request.routeOptions.config.access ?? 'any'
    if (access !== 'public') {
      const tenant = (request.query as Record<string, unknown>)['tenant']
      const authenticated = authenticate(request.headers.authorization, access, tenant)
      if (!authenticated.ok) return sendProblem(reply, authenticated.problem)
      rememberPrincipal(request, authenticated.principal)
    }
  })
  app.setNotFoundHandler({}, (request, reply) => sendProblem(reply, paths.problem(request.method, request.url)))
  app.setErrorHandler((error, request, reply) => {
    const known = problemOfError(error)
    if (known !== undefined) return sendProblem(reply, known)
    const route = request.routeOptions.url ?? ''
    options.reportError(error, { request: request.id, method: request.method, route })
    return sendProblem(reply, problem(500, 'internal'))
  })

  registerOpenapi(app, options.version)
  // Routes come after the generator has loaded, so that it sees them.
  app.register(async (scope: Api) => {
    registerEvents(scope, dependencies)
    registerWarnings(scope, { feed: dependencies.feed, waiting })
    registerWarningStream(scope, {
      feed: dependencies.feed,
      waiting,
      heartbeat_ms: options.heartbeat_ms ?? HEARTBEAT_MS,
      reportError: options.reportError,
    })
    registerWarning(scope, dependencies)
    registerBorrowers(scope, dependencies)
    registerSql(scope, { sql: dependencies.sql, timeout_ms: options.sqlTimeout_ms ?? SQL_TIMEOUT_MS })
    if (dependencies.jobs !== undefined) registerJobs(scope, dependencies.jobs)
    registerHealth(scope, dependencies)
    registerDocumentation(scope)
  })
  return app
}
