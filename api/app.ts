import type { FastifyInstance } from 'fastify'
import type { Api, ApiOptions } from './api.ts'
import { createAuthentication, keyOf, rememberPrincipal } from './authentication.ts'
import { createBase } from './base.ts'
import { registerBorrowers } from './borrowers/route.ts'
import type { Dependencies } from './dependencies.ts'
import { registerEvents } from './events/route.ts'
import { createWaiting } from './feed/waiting.ts'
import { registerHealth } from './health/route.ts'
import { registerJobs } from './jobs/route.ts'
import { registerMetrics } from './metrics/route.ts'
import { registerOpenapi } from './openapi/document.ts'
import { registerDocumentation } from './openapi/routes.ts'
import { registerPing } from './sql/ping.ts'
import { registerSql } from './sql/route.ts'
import { registerWarnings } from './warnings/list.ts'
import { registerWarning } from './warnings/one.ts'
import { registerWarningStream } from './warnings/stream.ts'

const HEARTBEAT_MS = 15_000

/** The HTTP API over its dependencies. It does not listen: `listen` and `close` are the caller's. */
export function createApp(dependencies: Dependencies, options: ApiOptions): FastifyInstance {
  const authenticate = createAuthentication(dependencies.keys, dependencies.operatorToken)
  const waiting = createWaiting(dependencies.feed)
  const app = createBase({
    reportError: options.reportError,
    ...(options.onAnswered === undefined ? {} : { onAnswered: options.onAnswered }),
    onStopping: () => waiting.stop(),
    refuse: (request) => {
      const { access = 'any', takesPassword = false } = request.routeOptions.config
      if (access === 'public') return undefined
      const tenant = (request.query as Record<string, unknown>)['tenant']
      const authenticated = authenticate(keyOf(request.headers, takesPassword), access, tenant)
      if (!authenticated.ok) return authenticated.problem
      rememberPrincipal(request, authenticated.principal)
      return undefined
    },
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
    registerSql(scope, { sql: dependencies.sql, reportError: options.reportError })
    registerPing(scope)
    if (dependencies.jobs !== undefined) registerJobs(scope, dependencies.jobs)
    registerHealth(scope, dependencies)
    registerMetrics(scope, dependencies)
    registerDocumentation(scope)
  })
  return app
}
