import { describe, expect, it } from 'vitest'
import { createTestApp } from '../support.ts'

type Media = Record<string, { schema: Record<string, unknown> }>
type Operation = {
  operationId: string
  summary: string
  security?: unknown[]
  parameters?: { name: string; schema: unknown; description?: string }[]
  requestBody?: { content: Media }
  responses: Record<string, { description: string; content: Media }>
}

const { app } = createTestApp()
const text = (await app.inject('/openapi.json')).body
const document = JSON.parse(text) as {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown> }
}
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))

describe('the OpenAPI document', () => {
  it('is of version 3.1, and its references lead somewhere', () => {
    expect(document.openapi).toBe('3.1.0')
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name)
    }
    expect(text).not.toContain('#/$defs')
  })

  it('gives every operation a name of its own, a summary and a description of each parameter', () => {
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const { summary, parameters = [] } of operations) {
      expect(summary).toBeTruthy()
      for (const parameter of parameters) expect([parameter.name, parameter.description]).not.toContain(undefined)
    }
  })

  it('documents every answer: one success, and every error as a problem', () => {
    for (const { operationId, security, responses } of operations) {
      const expected =
        security === undefined ? ['200', '400', '401', '403', '500', '503'] : ['200', '400', '500', '503']
      expect([operationId, Object.keys(responses)]).toEqual([operationId, expect.arrayContaining(expected)])
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(description).toBeTruthy()
        if (status === '200') continue
        // What a statement brings about is told as ClickHouse tells it.
        const { 'text/plain': plain, ...others } = content
        if (plain !== undefined) expect(operationId).toMatch(/^(getSql|postSql|postRoot)$/)
        expect(others).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } })
      }
    }
  })

  it('describes parameters as what they are', () => {
    const parameters = document.paths['/v1/warnings']!['get']!.parameters!
    const schema = (name: string) => parameters.find((one) => one.name === name)?.schema
    expect(schema('limit')).toEqual({ type: 'integer', minimum: 1, maximum: 1_000 })
    expect(schema('wait')).toEqual({ type: 'integer', minimum: 0, maximum: 30 })
    expect(schema('since')).toEqual({ type: 'string', format: 'date-time' })
    expect(schema('severity')).toMatchObject({ type: 'array', items: { enum: ['blue', 'yellow', 'orange', 'red'] } })
  })

  it('describes events by the contract that decodes them', () => {
    const content = document.paths['/v1/events']!['post']!.requestBody!.content
    expect(Object.keys(content)).toEqual(['application/json', 'application/x-ndjson'])
    expect(JSON.stringify(document.components.schemas['Event'])).toContain('bureau.queried')
  })

  it('is the same whenever it is asked for', async () => {
    expect((await createTestApp().app.inject('/openapi.json')).body).toBe(text)
  })
})

describe('the page', () => {
  it('shows every path, loads nothing from anywhere and runs nothing', async () => {
    const response = await app.inject('/docs')
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8')
    for (const path of Object.keys(document.paths)) expect(response.body).toContain(`<code>${path}</code>`)
    expect(response.body).not.toMatch(/<script|<link|<img|src=|https?:/)
    expect(response.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/)
  })
})
