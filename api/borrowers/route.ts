import { z } from 'zod'
import type { Api } from '../api.ts'
import { principalOf } from '../authentication.ts'
import type { Dependencies } from '../dependencies.ts'
import { answers, GUARDED, json } from '../openapi/document.ts'
import { tenantParameter, tokenParameter } from '../parameters.ts'
import { problem, sendProblem } from '../problem.ts'
import { borrowerView } from '../rows.ts'

const borrowerSchema = {
  operationId: 'getBorrower',
  tags: ['borrowers'],
  summary: 'One borrower: features, score, open warnings',
  querystring: z.strictObject({ tenant: tenantParameter }),
  params: z.strictObject({ borrower: tokenParameter.describe('the token that the events have as `subject`') }),
  response: answers(json('As of its last evaluation.', borrowerView), [...GUARDED, 404, 414]),
}

/** `GET /v1/borrowers/{borrower}`. */
export function registerBorrowers(app: Api, { borrower }: Pick<Dependencies, 'borrower'>): void {
  const config = { access: 'borrowers:read' } as const
  app.get('/v1/borrowers/:borrower', { config, schema: borrowerSchema }, async (request, reply) => {
    const view = await borrower(principalOf(request).tenant, request.params.borrower)
    return view ?? sendProblem(reply, problem(404, 'not_found', 'The tenant has no events of this borrower.'))
  })
}
