import { z } from 'zod'
import type { Api } from '../api.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, json } from '../openapi/document.ts'
import { problem, sendProblem } from '../problem.ts'

const description = { tags: ['operation'], security: [], querystring: z.strictObject({}) }

const livezSchema = {
  ...description,
  operationId: 'livez',
  summary: 'Is the process there?',
  response: answers(json('It answers.', z.object({ live: z.literal(true) })), [400, 500, 503]),
}
const readiness = z.object({ ready: z.literal(true), checks: z.record(z.string(), z.string()) })
const readyzSchema = {
  ...description,
  operationId: 'readyz',
  summary: 'Does it take events and serve the feed?',
  response: answers(json('Yes.', readiness), [400, 500, 503]),
}

/** `GET /livez` and `GET /readyz`, without a key. */
export function registerHealth(app: Api, dependencies: Pick<Dependencies, 'readiness'>): void {
  const config = { access: 'public' } as const
  app.get('/livez', { config, schema: livezSchema }, async () => ({ live: true as const }))
  app.get('/readyz', { config, schema: readyzSchema }, async (_request, reply) => {
    const { ready, checks } = dependencies.readiness()
    if (ready) return { ready, checks: { ...checks } }
    const more = { headers: { 'retry-after': '1' }, extra: { checks } }
    return sendProblem(reply, problem(503, 'not_ready', undefined, more))
  })
}
