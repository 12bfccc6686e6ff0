import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseClusterConfig } from '../../../pipelines/cluster/cluster-config.ts'
import { openSchemas } from '../../../pipelines/cluster/open-schemas.ts'
import { createRegistryClient } from '../../../pipelines/registry/client.ts'
import { createSchemaSource, type RegistryOutage, SCHEMAS_MAX } from '../../../pipelines/registry/schemas.ts'
import { type RegistryMood, startRegistry, type TestRegistry } from '../../registry/server.ts'

const ACCOUNT = { user: 'reader', password: 'geheim-and-long' }
/** Long enough for a busy machine; short where it is waited for. */
const TIMEOUT_MS = 10_000
const SHORT_MS = 300
const never = new AbortController().signal

let registry: TestRegistry
beforeEach(async () => {
  registry = await startRegistry(ACCOUNT)
  registry.schemas.set(1, { schema: '"int"' })
  registry.schemas.set(2, { schema: '"string"' })
})
afterEach(() => registry.close())

const clientOf = (password = ACCOUNT.password, timeoutMs = TIMEOUT_MS) =>
  createRegistryClient({ url: `${registry.url}/`, user: ACCOUNT.user, password, timeoutMs })

function sourceOf(outages: (RegistryOutage | undefined)[] = []) {
  const onOutage = (outage: RegistryOutage | undefined) => outages.push(outage)
  return createSchemaSource({ fetchSchema: clientOf(), onOutage, pauseMsFirst: 10, pauseMsMax: 40 })
}

describe('the client of a schema registry', () => {
  it('is given a schema, or told that there is none', async () => {
    const schema = { type: 'AVRO', schema: '"int"', references: [] }
    expect(await clientOf()(1)).toEqual({ kind: 'schema', schema })
    expect(await clientOf()(3)).toMatchObject({ kind: 'unknown', detail: expect.stringContaining('40403') })
  })

  it.each<[RegistryMood, string, RegExp]>([
    ['hangs', 'timeout', /no answer within 300 ms/],
    ['resets', 'unreachable', /ECONNRESET|UND_ERR_SOCKET/],
    ['half an answer', 'unreachable', /./],
    ['fails', 'failing', /500/],
    ['bare 404', 'not_a_registry', /right address/],
    ['a page of a proxy', 'not_a_registry', /right address/],
  ])('names what it has instead of an answer: the registry %s', async (mood, fault, detail) => {
    registry.mood = mood
    const client = clientOf(ACCOUNT.password, mood === 'hangs' ? SHORT_MS : TIMEOUT_MS)
    expect(await client(1)).toEqual({ kind: 'unavailable', fault, detail: expect.stringMatching(detail) })
  })

  it('names a registry that is not there and one that does not let it in, and no password', async () => {
    const denied = await clientOf('wrong-one')(1)
    expect(denied).toMatchObject({ kind: 'unavailable', fault: 'denied' })
    expect(JSON.stringify(denied)).not.toContain('wrong-one')
    const url = registry.url
    await registry.close()
    const gone = await createRegistryClient({ url, timeoutMs: TIMEOUT_MS })(1)
    expect(gone).toEqual({ kind: 'unavailable', fault: 'unreachable', detail: 'ECONNREFUSED' })
  })

  it('follows references to their end, in a ring too, and takes none that miss one or are too many', async () => {
    const uses = (n: number) => ({ schema: '"int"', references: [{ name: `n${n}`, subject: `s${n}`, version: 1 }] })
    registry.schemas.set(4, uses(0))
    expect(await clientOf()(4)).toMatchObject({ kind: 'unknown' })
    registry.subjects.set('s0', uses(1)).set('s1', uses(0))
    const references = ['n1', 'n0'].map((name) => ({ name, schema: '"int"' }))
    expect(await clientOf()(4)).toMatchObject({ kind: 'schema', schema: { references } })
    for (let n = 0; n < 101; n++) registry.subjects.set(`s${n}`, uses(n + 1))
    expect(await clientOf()(4)).toMatchObject({ kind: 'unknown', detail: expect.stringContaining('100 schemas') })
  })
})

describe('schemas', () => {
  it('are asked for once each, also by several at the same time', async () => {
    const source = sourceOf()
    const [first, second] = await Promise.all([source.load([1, 2, 1], never), source.load(new Set([2]), never)])
    expect([first?.size, second?.size]).toEqual([2, 1])
    await source.load([1, 2], never)
    expect(registry.requests.sort()).toEqual(['/schemas/ids/1', '/schemas/ids/2'])
  })

  it('that are unknown are asked for again by the next batch', async () => {
    const source = sourceOf()
    expect((await source.load([5], never))?.get(5)).toMatchObject({ kind: 'unknown_schema' })
    registry.schemas.set(5, { schema: '"int"' })
    expect((await source.load([5], never))?.get(5)).toMatchObject({ kind: 'schema', format: 'avro' })
  })

  it('are kept up to a number', async () => {
    const asked: number[] = []
    const source = createSchemaSource({
      fetchSchema: (id) => {
        asked.push(id)
        return Promise.resolve({ kind: 'schema', schema: { type: 'AVRO', schema: '"int"', references: [] } })
      },
    })
    const others = Array.from({ length: SCHEMAS_MAX }, (_, k) => 2 + k)
    for (const ids of [[1], others, [SCHEMAS_MAX + 1], [1]]) await source.load(ids, never)
    expect(asked).toEqual([1, ...others, 1])
  })

  it('are waited for while the registry is away, with pauses, and it is said once how it fails and once that it is back', async () => {
    const outages: (RegistryOutage | undefined)[] = []
    const source = sourceOf(outages)
    registry.mood = 'fails'
    const loading = source.load([1, 2], never)
    await sleep(400)
    expect(source.outage).toMatchObject({ fault: 'failing', detail: 'it answers 500' })
    // Two schemas, each at 0, 10, 30, 70, 110 … ms.
    expect(registry.requests.length).toBeGreaterThan(4)
    expect(registry.requests.length).toBeLessThanOrEqual(26)
    registry.mood = 'resets'
    await sleep(200)
    registry.mood = 'well'
    expect((await loading)?.size).toBe(2)
    expect(outages.map((one) => one?.fault)).toEqual(['failing', 'unreachable', undefined])
    expect(source.outage).toBeUndefined()
  })

  it('are not waited for by who was told to stop, nor after the end', async () => {
    const source = sourceOf()
    registry.mood = 'fails'
    expect(await source.load([1], AbortSignal.timeout(50))).toBeUndefined()
    // Records that need none must not overtake those that were left.
    expect(await source.load([], AbortSignal.abort())).toBeUndefined()
    const last = source.load([1], never)
    source.close()
    expect(await last).toBeUndefined()
  })
})

describe('the configuration of a schema registry', () => {
  const parse = (more: object, format = 'avro') =>
    parseClusterConfig(
      { kafka: { brokers: ['k:1'] }, clickhouse: { url: 'http://c' }, inputs: [{ topic: 't', format }], ...more },
      'c.json',
    )

  it('is needed by topics in Avro and Protobuf alone', () => {
    expect(parse({})).toEqual({ ok: false, detail: 'c.json: inputs.0.format: avro needs a schema_registry' })
    expect(parse({}, 'protobuf')).toMatchObject({ ok: false })
    expect(parse({}, 'json')).toMatchObject({ ok: true })
    expect(parse({ schema_registry: { url: 'https://r:8081/path' } })).toMatchObject({ ok: true })
  })

  it.each([
    { url: 'https://user:secret@r' },
    { url: 'https://r?key=secret' },
    { url: 'ftp://r' },
    { url: 'http://r', user: 'a:b' },
  ])('refuses %j', (schema_registry) => {
    const read = parse({ schema_registry })
    expect(read).toMatchObject({ ok: false, detail: expect.stringContaining('c.json: schema_registry.') })
    expect(JSON.stringify(read)).not.toContain('secret')
  })

  it('keeps the password out of the log', async () => {
    const logged: unknown[] = []
    const log = (...line: unknown[]) => logged.push(line)
    registry.mood = 'fails'
    const { user, password } = ACCOUNT
    const config = { schema_registry: { url: registry.url, user, timeout_ms: TIMEOUT_MS } }
    const source = openSchemas(config, { schemaRegistryPassword: password }, log)
    const loading = source.load([1], never)
    await sleep(100)
    registry.mood = 'well'
    expect((await loading)?.get(1)).toMatchObject({ kind: 'schema' })
    expect(logged).toEqual([
      ['warn', expect.stringContaining('(failing)'), { url: registry.url, reason: 'it answers 500' }],
      ['info', 'the schema registry answers again', {}],
    ])
    expect(JSON.stringify(logged)).not.toMatch(new RegExp(`${password}|${btoa(`${user}:${password}`)}`))
  })
})
