import { z } from 'zod'
import type { Api } from '../api.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, text } from '../openapi/document.ts'

const metricsSchema = {
  tags: ['operation'],
  security: [],
  querystring: z.strictObject({}),
  operationId: 'metrics',
  summary: 'Numbers of the process for Prometheus',
  description: 'Nothing in them names a borrower or a tenant.',
  response: answers(text('Prometheus’ text format.', 'text/plain'), [400, 500, 503]),
}

/** `GET /metrics`, without a key: who scrapes has none. */
export function registerMetrics(app: Api, dependencies: Pick<Dependencies, 'metrics'>): void {
  app.get('/metrics', { config: { access: 'public' }, schema: metricsSchema }, async (_request, reply) => {
    const written = await dependencies.metrics()
    return reply.type(written.contentType).send(written.text)
  })
}
