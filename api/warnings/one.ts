import { z } from 'zod'
import type { Api } from '../api.ts'
import { principalOf } from '../authentication.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, GUARDED, json } from '../openapi/document.ts'
import { tenantParameter } from '../parameters.ts'
import { problem, sendProblem } from '../problem.ts'
import { feedRow } from '../rows.ts'

const warningSchema = {
  operationId: 'getWarning',
  tags: ['warnings'],
  summary: 'One row of the feed',
  querystring: z.strictObject({ tenant: tenantParameter }),
  params: z.strictObject({
    id: z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits')
      .describe('`id` of the row'),
  }),
  response: answers(json('The row.', feedRow), [...GUARDED, 404, 414]),
}

/** `GET /v1/warnings/{id}`. */
export function registerWarning(app: Api, { warning }: Pick<Dependencies, 'warning'>): void {
  app.get(
    '/v1/warnings/:id',
    { config: { access: 'warnings:read' }, schema: warningSchema },
    async (request, reply) => {
      const row = await warning(principalOf(request).tenant, request.params.id)
      return row ?? sendProblem(reply, problem(404, 'not_found', 'The feed has no row with this id.'))
    },
  )
}
