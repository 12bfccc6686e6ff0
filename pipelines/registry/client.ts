/**
 * A Confluent-compatible schema registry (Confluent, Karapace, Redpanda, Apicurio's `ccompat`): the two requests that reading
 * needs. What it answers is a value; whether to ask again is the caller's business.
 */

export type RegistryOptions = {
  /** Without user and password, which would end up in messages. */
  readonly url: string
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly timeoutMs: number
}

export type RegisteredSchema = {
  readonly type: string
  readonly schema: string
  /** Schemas that it uses, each after those that it uses itself. */
  readonly references: readonly { readonly name: string; readonly schema: string }[]
}

/** Why the registry gave no answer. `denied`: it does not take our user or password. */
export type RegistryFault = 'timeout' | 'unreachable' | 'denied' | 'failing' | 'not_a_registry'

export type RegistryAnswer =
  | { readonly kind: 'schema'; readonly schema: RegisteredSchema }
  /** The registry has no such schema. */
  | { readonly kind: 'unknown'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly fault: RegistryFault; readonly detail: string }

/** Asks for a schema by its id. */
export type FetchSchema = (id: number) => Promise<RegistryAnswer>

const ANSWER_BYTES_MAX = 4_194_304
const REFERENCES_MAX = 100
/** A registry's own codes of "not found" are 40401 and up. A bare 404 comes from whatever else answers at that address. */
const NOT_FOUND_CODES_FROM = 40_400
const HTTP_UNAUTHORIZED = 401
const HTTP_FORBIDDEN = 403
const HTTP_NOT_FOUND = 404

type Reference = { readonly name: string; readonly subject: string; readonly version: number }
type Body = { readonly schema: string; readonly type: string; readonly references: readonly Reference[] }
type Reply = { readonly kind: 'body'; readonly body: Body } | Exclude<RegistryAnswer, { kind: 'schema' }>

export function createRegistryClient({ url, user, password = '', timeoutMs }: RegistryOptions): FetchSchema {
  const base = url.replace(/\/+$/, '')
  const headers: Record<string, string> = { accept: 'application/vnd.schemaregistry.v1+json, application/json' }
  if (user !== undefined) headers['authorization'] = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

  async function get(path: string): Promise<Reply> {
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(`${base}${path}`, { headers, signal, redirect: 'manual' })
      return replyOf(response.status, await textOf(response), path)
    } catch (error) {
      return faultOf(error as Error, timeoutMs)
    }
  }

  /** Adds what a schema uses to `found`, by name; `seen` holds names that are being followed too, as they may come in a ring. */
  async function follow(
    references: readonly Reference[],
    found: Map<string, string>,
    seen: Set<string>,
  ): Promise<Reply | undefined> {
    for (const { name, subject, version } of references) {
      if (seen.has(name)) continue
      seen.add(name)
      if (seen.size > REFERENCES_MAX) return { kind: 'unknown', detail: `it uses over ${REFERENCES_MAX} schemas` }
      const reply = await get(`/subjects/${encodeURIComponent(subject)}/versions/${version}`)
      if (reply.kind !== 'body') return reply
      const missing = await follow(reply.body.references, found, seen)
      if (missing !== undefined) return missing
      found.set(name, reply.body.schema)
    }
    return undefined
  }

  return async (id) => {
    const reply = await get(`/schemas/ids/${id}`)
    if (reply.kind !== 'body') return reply
    const { type, schema, references } = reply.body
    const found = new Map<string, string>()
    const missing = await follow(references, found, new Set())
    if (missing !== undefined && missing.kind !== 'body') return missing
    return {
      kind: 'schema',
      schema: { type, schema, references: [...found].map(([name, text]) => ({ name, schema: text })) },
    }
  }
}

/** The whole answer, unless it is longer than any schema. */
async function textOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += piece.length
    if (length > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function replyOf(status: number, text: string, path: string): Reply {
  if (status === HTTP_UNAUTHORIZED || status === HTTP_FORBIDDEN) return unavailable('denied', `it answers ${status}`)
  const value = jsonOf(text)
  if (status === HTTP_NOT_FOUND) {
    const code = value?.['error_code']
    if (typeof code === 'number' && code >= NOT_FOUND_CODES_FROM) {
      return { kind: 'unknown', detail: `the registry answers ${code} to ${path}` }
    }
    return unavailable('not_a_registry', 'it answers 404 as no schema registry does: is it the right address?')
  }
  if (status !== 200) return unavailable('failing', `it answers ${status}`)
  const schema = value?.['schema']
  const type = value?.['schemaType'] ?? 'AVRO'
  const references = value?.['references'] ?? []
  if (typeof schema !== 'string' || typeof type !== 'string' || !isReferences(references)) {
    return unavailable('not_a_registry', 'it answers as no schema registry does: is it the right address?')
  }
  return { kind: 'body', body: { schema, type, references } }
}

function jsonOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // A proxy's page, or half an answer.
    return undefined
  }
}

function isReferences(value: unknown): value is readonly Reference[] {
  return (
    Array.isArray(value) &&
    value.every(
      (one: Partial<Reference> | null) =>
        typeof one?.name === 'string' && typeof one.subject === 'string' && Number.isInteger(one.version),
    )
  )
}

function faultOf(error: Error, timeoutMs: number): Reply {
  if (error.name === 'TimeoutError') return unavailable('timeout', `no answer within ${timeoutMs} ms`)
  const { code, message } = (error.cause ?? error) as { code?: string; message: string }
  return unavailable('unreachable', code ?? message)
}

function unavailable(fault: RegistryFault, detail: string): Reply {
  return { kind: 'unavailable', fault, detail }
}
