import type { FastifyInstance } from 'fastify'
import type { ApiOptions } from './api.ts'
import { createBase } from './base.ts'
import type { Dependencies } from './dependencies.ts'
import { registerHealth } from './health/route.ts'
import { registerMetrics } from './metrics/route.ts'

/** What a process without the API answers, and one that is still starting: whether it lives, is ready, and its metrics. */
export function createProbes(
  dependencies: Pick<Dependencies, 'readiness' | 'metrics'>,
  options: Pick<ApiOptions, 'reportError'>,
): FastifyInstance {
  // Every route is public; whatever else is asked for is not there.
  const app = createBase({ ...options, refuse: () => undefined })
  registerHealth(app, dependencies)
  registerMetrics(app, dependencies)
  return app
}
