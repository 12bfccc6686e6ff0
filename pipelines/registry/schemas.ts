import { setTimeout as sleep } from 'node:timers/promises'
import { compileAvro } from './avro.ts'
import type { FetchSchema, RegisteredSchema, RegistryFault } from './client.ts'
import { compileProtobuf } from './protobuf.ts'

/** The schemas of a registry, fetched once each and kept; waits for a registry that does not answer. */

export const REGISTRY_FORMATS = ['avro', 'protobuf'] as const
export type RegistryFormat = (typeof REGISTRY_FORMATS)[number]

export type Schema =
  | {
      readonly kind: 'schema'
      readonly format: RegistryFormat
      /** The value of a record's bytes after the schema's id. Throws `Misfit`. */
      readonly read: (payload: Uint8Array) => unknown
    }
  /** There is no such schema (yet), or none that could be used. */
  | { readonly kind: 'unknown_schema' | 'unusable_schema'; readonly detail: string }

/** What the records of a batch need, by id. */
export type Schemas = ReadonlyMap<number, Schema>
export const NO_SCHEMAS: Schemas = new Map()

/** Since when, by the clock, the registry does not answer, and how it failed last. */
export type RegistryOutage = { readonly since: number; readonly fault: RegistryFault; readonly detail: string }

export type SchemaSource = {
  /**
   * Fetches what is not known yet, and asks again until the registry answers; undefined when the signal ended that. What was
   * unknown is asked for each time: it may have been registered since.
   */
  load(ids: Iterable<number>, signal: AbortSignal): Promise<Schemas | undefined>
  /** Undefined while nothing waits for the registry. */
  readonly outage: RegistryOutage | undefined
  /** Ends all waiting. */
  close(): void
}

export type SchemaSourceOptions = {
  readonly fetchSchema: FetchSchema
  /** Told when the registry stops answering, fails in another way, and with undefined when it answers again. */
  readonly onOutage?: (outage: RegistryOutage | undefined) => void
  readonly pauseMsFirst?: number
  readonly pauseMsMax?: number
}

/** The pause after a failure; each further one is twice as long, up to the largest. */
export const PAUSE_MS_FIRST = 250
export const PAUSE_MS_MAX = 5000
/** Schemas that are kept; the one that came first goes first. */
export const SCHEMAS_MAX = 1000
/** Requests of one batch at a time. */
const REQUESTS_MAX = 8

export function createSchemaSource(options: SchemaSourceOptions): SchemaSource {
  const { fetchSchema, onOutage = () => {}, pauseMsFirst = PAUSE_MS_FIRST, pauseMsMax = PAUSE_MS_MAX } = options
  const kept = new Map<number, Schema>()
  const asked = new Map<number, Promise<Schema | undefined>>()
  const closed = new AbortController()
  /** By id, the one that waits longest first. */
  const waiting = new Map<number, RegistryOutage>()
  const current = () => waiting.values().next().value

  function note(id: number, outage: RegistryOutage | undefined): void {
    const before = current()?.fault
    if (outage === undefined) waiting.delete(id)
    else waiting.set(id, outage)
    const now = current()
    if (now?.fault !== before) onOutage(now)
  }

  /** Asks until there is an answer. */
  async function ask(id: number): Promise<Schema | undefined> {
    for (let attempt = 0; !closed.signal.aborted; attempt++) {
      const answer = await fetchSchema(id)
      if (answer.kind !== 'unavailable') {
        note(id, undefined)
        return answer.kind === 'schema' ? compile(id, answer.schema) : { kind: 'unknown_schema', detail: answer.detail }
      }
      const { fault, detail } = answer
      note(id, { since: waiting.get(id)?.since ?? Date.now(), fault, detail })
      await sleep(Math.min(pauseMsMax, pauseMsFirst * 2 ** attempt), undefined, { signal: closed.signal }).catch(
        () => {},
      )
    }
    return undefined
  }

  function once(id: number): Promise<Schema | undefined> {
    const schema = kept.get(id)
    if (schema !== undefined) return Promise.resolve(schema)
    const before = asked.get(id)
    if (before !== undefined) return before
    const asking = ask(id).then((answer) => {
      asked.delete(id)
      if (answer !== undefined && answer.kind !== 'unknown_schema') keep(id, answer)
      return answer
    })
    asked.set(id, asking)
    return asking
  }

  function keep(id: number, schema: Schema): void {
    const [oldest] = kept.keys()
    if (kept.size >= SCHEMAS_MAX && oldest !== undefined) kept.delete(oldest)
    kept.set(id, schema)
  }

  async function loadAll(ids: readonly number[], signal: AbortSignal): Promise<Schemas | undefined> {
    const schemas = new Map<number, Schema>()
    let next = 0
    const fetchSome = async () => {
      while (next < ids.length && !signal.aborted) {
        const id = ids[next++] as number
        const schema = await once(id)
        if (schema !== undefined) schemas.set(id, schema)
      }
    }
    await Promise.all(Array.from({ length: Math.min(REQUESTS_MAX, ids.length) }, fetchSome))
    return schemas.size === ids.length ? schemas : undefined
  }

  return {
    get outage() {
      return current()
    },
    async load(ids, signal) {
      // Also where nothing is wanted: who was told to stop must not go on past what it left.
      if (signal.aborted) return undefined
      const wanted = [...new Set(ids)]
      if (wanted.length === 0) return NO_SCHEMAS
      const { promise: ended, resolve } = Promise.withResolvers<undefined>()
      const end = () => resolve(undefined)
      signal.addEventListener('abort', end, { once: true })
      try {
        return await Promise.race([loadAll(wanted, signal), ended])
      } finally {
        signal.removeEventListener('abort', end)
      }
    },
    close: () => closed.abort(),
  }
}

function compile(id: number, { type, schema, references }: RegisteredSchema): Schema {
  try {
    if (type === 'AVRO') {
      const texts = references.map((one) => one.schema)
      return { kind: 'schema', format: 'avro', read: compileAvro(schema, texts) }
    }
    if (type === 'PROTOBUF') return { kind: 'schema', format: 'protobuf', read: compileProtobuf(schema, references) }
    return { kind: 'unusable_schema', detail: `schema ${id} is of type ${type}` }
  } catch (error) {
    return { kind: 'unusable_schema', detail: `schema ${id}: ${(error as Error).message}` }
  }
}
