import { z } from 'zod'
import type { Api } from '../api.ts'
import { answers, json, text } from './document.ts'
import { createPage, PAGE_SECURITY_POLICY } from './page.ts'

const description = { tags: ['operation'], security: [], querystring: z.strictObject({}) }

const documentSchema = {
  ...description,
  operationId: 'openapi',
  summary: 'This document',
  response: answers(json('OpenAPI 3.1.', z.looseObject({ openapi: z.string() })), [400, 500, 503]),
}
const pageSchema = {
  ...description,
  operationId: 'docs',
  summary: 'This document, as a page to read',
  response: answers(text('HTML that loads nothing else.', 'text/html'), [400, 500, 503]),
}

/** `GET /openapi.json` and `GET /docs`, without a key. */
export function registerDocumentation(app: Api): void {
  const config = { access: 'public' } as const
  let page: string | undefined
  app.get('/openapi.json', { config, schema: documentSchema }, async (_request, reply) => {
    return reply.type('application/json').send(JSON.stringify(app.swagger()) as never)
  })
  app.get('/docs', { config, schema: pageSchema }, async (_request, reply) => {
    page ??= createPage(app.swagger() as never)
    return reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_SECURITY_POLICY).send(page)
  })
}
