import swagger from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { z } from 'zod'
import type { Api } from '../api.ts'
import { PROBLEM_MEDIA_TYPE, problemSchema } from '../problem.ts'

/** OpenAPI 3.1 from the routes' own zod schemas: what validates is what is documented. */

type Json = Record<string, unknown>
type Content = Record<string, { schema: z.ZodType }>
type Answer = { description: string; headers?: Json; content: Content }

const RETRY_AFTER = { 'retry-after': { type: 'integer', description: 'seconds' } }
const CHALLENGE = { 'www-authenticate': { type: 'string', description: 'Bearer, with the reason' } }

/** The errors that a route may answer, besides 401, 405 and 500, which every route with a key may. */
const ERRORS = {
  400: 'Malformed: see `errors` and `detail`.',
  401: 'No API key, or a wrong one.',
  403: 'The key may not do this, or not for this tenant.',
  404: 'Not found.',
  408: 'The request or the statement took too long.',
  413: 'Too large, or too many events.',
  414: 'The path is too long.',
  415: 'A media type or content encoding that is not taken.',
  429: 'Too many requests of the tenant are waiting.',
  500: 'A fault of foreshock; `instance` names it for the operator.',
  503: 'Busy or stopping; nothing was taken.',
} as const
export type ErrorStatus = keyof typeof ERRORS

/** A success with a JSON body of `schema`. */
export function json<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } }
}

/** A success of another media type. */
export function text(description: string, mediaType: string) {
  return { description, content: { [mediaType]: { schema: z.string() } } }
}

/** All answers of a route: its success and each error that it names. */
export function answers<Success extends { description: string; content: Content }>(
  success: Success,
  errors: readonly ErrorStatus[],
): { 200: Success } {
  const response: Record<number, Answer | Success> = { 200: success }
  for (const status of errors) {
    const headers = status === 401 || status === 403 ? CHALLENGE : status === 429 || status === 503 ? RETRY_AFTER : {}
    const content = { [PROBLEM_MEDIA_TYPE]: { schema: problemSchema } }
    response[status] = { description: ERRORS[status], ...(Object.keys(headers).length > 0 ? { headers } : {}), content }
  }
  // Errors are sent as problem details, past the serialisers, so the success is all that types need to know.
  return response as { 200: Success }
}

/** These errors may also be said in plain text. */
export function withPlainText<Responses extends object>(responses: Responses, statuses: readonly number[]): Responses {
  const changed = Object.entries(responses as Record<number, Answer>).map(([status, answer]) => {
    if (!statuses.includes(Number(status))) return [status, answer]
    return [status, { ...answer, content: { ...answer.content, 'text/plain': { schema: z.string() } } }]
  })
  return Object.fromEntries(changed) as Responses
}

/** What every route behind a key may answer. */
export const GUARDED: readonly ErrorStatus[] = [400, 401, 403, 500, 503]

/** Registers the generator; to be called before the routes. `app.swagger()` then is the document. */
export function registerOpenapi(app: Api, version: string): void {
  const components: Json = {}
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'foreshock',
        version,
        description: 'Early warning for consumer credit: events in, warnings out.',
        license: { name: 'Apache-2.0' },
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'API key (fsk_…)' } } },
      security: [{ key: [] }],
    },
    convertConstToEnum: false,
    transform: ({ schema, url }) => ({ schema: describeRoute(schema, components), url }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) throw new Error('the document must be OpenAPI')
      const { openapiObject } = document
      const schemas = sortKeys(components)
      const paths = sortKeys({ ...openapiObject.paths })
      // The generator's types know OpenAPI 3.1, not what zod makes for it.
      return { ...openapiObject, paths, components: { ...openapiObject.components, schemas } } as never
    },
  })
}

function describeRoute(schema: FastifySchema, components: Json): FastifySchema {
  const { querystring, params, headers, body, response, ...rest } = schema
  const described: Json = { ...rest }
  for (const [name, part] of Object.entries({ querystring, params, headers })) {
    if (part !== undefined) described[name] = toJsonSchema(part as z.ZodType, 'input', components)
  }
  if (body !== undefined) described['body'] = { ...body, content: describeContent(body as Answer, 'input', components) }
  described['response'] = Object.fromEntries(
    Object.entries(response as Record<string, Answer>).map(([status, answer]) => {
      return [status, { ...answer, content: describeContent(answer, 'output', components) }]
    }),
  )
  return described
}

function describeContent(answer: Answer, io: 'input' | 'output', components: Json): Json {
  return Object.fromEntries(
    Object.entries(answer.content).map(([mediaType, { schema }]) => {
      return [mediaType, { schema: toJsonSchema(schema, io, components) }]
    }),
  )
}

/** One zod schema as JSON Schema; what has a name (`meta({ id })`) goes to `components` and is referred to. */
function toJsonSchema(schema: z.ZodType, io: 'input' | 'output', components: Json): unknown {
  const whole = z.toJSONSchema(z.object({ it: schema }), {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // A later version may add a field to an answer; who reads it must not be told that there is none.
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      const { openapi } = (z.globalRegistry.get(zodSchema) ?? {}) as { openapi?: Json }
      if (openapi === undefined) return
      const { description } = jsonSchema
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
      Object.assign(jsonSchema, openapi, description === undefined ? {} : { description })
    },
  })
  const moved = JSON.parse(JSON.stringify(whole).replaceAll('"#/$defs/', '"#/components/schemas/')) as {
    properties: { it: unknown }
    $defs?: Json
  }
  for (const [name, definition] of Object.entries(moved.$defs ?? {})) {
    const { id: _, ...component } = definition as Json
    components[name] = component
  }
  return moved.properties.it
}

function sortKeys<Value>(record: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
