import { z } from 'zod'
import type { Api } from '../api.ts'
import { answers, text } from '../openapi/document.ts'

const OK = 'Ok.\n'

/** `GET /ping`, and `GET /sql/ping` for clients that put it behind the path that they were given. */
export function registerPing(app: Api): void {
  for (const [path, operationId] of [
    ['/ping', 'getPing'],
    ['/sql/ping', 'getSqlPing'],
  ] as const) {
    const schema = {
      tags: ['sql'],
      operationId,
      summary: 'Whether somebody answers, as clients of ClickHouse ask it',
      querystring: z.looseObject({}),
      security: [],
      response: answers(text('`Ok.`', 'text/plain'), [400, 500, 503]),
    }
    app.get(path, { config: { access: 'public' }, schema }, async (_request, reply) => {
      return reply.type('text/plain; charset=UTF-8').header('x-clickhouse-server-display-name', 'foreshock').send(OK)
    })
  }
}
