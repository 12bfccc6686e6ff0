import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeCursor } from '../../api/feed/cursor.ts'
import { bearer, createTestApp, KEYS, OPERATOR_TOKEN } from './support.ts'

/** Route × tenant, generated from the OpenAPI document: a route that is added is in it by being documented. */

type Operation = {
  security?: unknown[]
  parameters?: { name: string; in: string }[]
  responses: Record<string, unknown>
}
type Route = { method: string; path: string; operation: Operation; open: boolean }

const SECRET = 'secret-of-bank'
const test = createTestApp({ heartbeat_ms: 20 })
const row = test.feed.append('bank', 0, { borrower: `${SECRET}-borrower`, trigger_id: SECRET, loan: SECRET })
test.feed.append('lender', 1, { borrower: 'lender-borrower' })
const routes = await readRoutes()
let origin = ''

beforeAll(async () => {
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  origin = `http://127.0.0.1:${(test.app.server.address() as AddressInfo).port}`
})
afterAll(() => test.app.close())

describe('every route', () => {
  it('is in the document', () => {
    expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /docs',
      'POST /jobs/backfill',
      'POST /jobs/redrive',
      'POST /jobs/verify',
      'POST /jobs/verify-ledger',
      'GET /livez',
      'GET /metrics',
      'GET /openapi.json',
      'GET /readyz',
      'GET /sql',
      'POST /sql',
      'GET /v1/borrowers/{borrower}',
      'POST /v1/events',
      'GET /v1/warnings',
      'GET /v1/warnings/stream',
      'GET /v1/warnings/{id}',
    ])
  })

  it.each(routes)('$method $path asks for a key, unless it says that it needs none', async (route) => {
    const expected = route.open ? 200 : 401
    expect((await call(route, undefined)).status).toBe(expected)
    expect((await call(route, 'wrong')).status).toBe(expected)
  })
})

describe.each(routes.filter(({ open }) => !open))('$method $path', (route) => {
  it('shows one tenant nothing of another, whatever identifiers it knows', async () => {
    const own = await call(route, 'bank')
    const foreign = await call(route, 'lender')
    expect(foreign.text).not.toContain(SECRET)
    // The secret is where it should be: else the line above would prove nothing.
    if (route.path.startsWith('/v1/') && route.method === 'GET') expect(own.text).toContain(SECRET)
  })

  it('refuses a key that names another tenant, in the same words whether that exists or not', async () => {
    if (!takes(route, 'tenant')) return
    const existing = await call(route, 'lender', 'tenant=bank')
    const invented = await call(route, 'lender', 'tenant=nobody')
    expect(existing.status).toBe(403)
    expect(withoutInstance(existing.text)).toEqual(withoutInstance(invented.text))
  })

  it('refuses the cursor of another tenant', async () => {
    if (!takes(route, 'after')) return
    const response = await call(route, 'lender', `after=${encodeCursor('bank', [0, 0, 0])}`)
    expect(response.status).toBe(400)
  })

  it('opens to exactly one scope, or to the operator alone', async () => {
    const statuses = []
    for (const key of ['bank-events', 'bank-warnings', 'bank-borrowers']) statuses.push((await call(route, key)).status)
    const opened = statuses.filter((status) => status !== 403)
    expect(opened).toEqual(isOperators(route.path) ? [] : [200])
    expect((await call(route, OPERATOR_TOKEN, takes(route, 'tenant') ? 'tenant=bank' : '')).status).toBe(200)
  })
})

it('the keys of the tests are of two tenants', () => {
  expect(new Set(Object.values(KEYS).map(({ tenant }) => tenant))).toEqual(new Set(['bank', 'lender']))
})

async function readRoutes(): Promise<Route[]> {
  const document = (await test.app.inject('/openapi.json')).json<{ paths: Record<string, Record<string, Operation>> }>()
  return Object.entries(document.paths).flatMap(([path, methods]) => {
    return Object.entries(methods).map(([method, operation]) => {
      return { method: method.toUpperCase(), path, operation, open: operation.security?.length === 0 }
    })
  })
}

const STATEMENTS: Readonly<Record<string, string>> = {
  'GET /sql': 'query=SELECT%201',
  'POST /jobs/backfill': 'features=a%401',
}
const BODIES: Readonly<Record<string, string>> = { '/sql': 'SELECT 1', '/v1/events': '[]' }

function isOperators(path: string): boolean {
  return path === '/sql' || path.startsWith('/jobs/')
}

/** Calls a route with identifiers of the tenant `bank`. Of a stream it reads up to the first heartbeat. */
async function call({ method, path }: Route, key: string | undefined, query = '') {
  const url = path.replace('{borrower}', row.borrower).replace('{id}', row.id)
  const statement = STATEMENTS[`${method} ${path}`] ?? ''
  const headers: Record<string, string> = key === undefined ? {} : bearer(key)
  if (path === '/v1/events') headers['content-type'] = 'application/json'
  const body = BODIES[path] ?? null
  const response = await fetch(`${origin}${url}?${[statement, query].filter(Boolean).join('&')}`, {
    method,
    headers,
    body: method === 'POST' ? body : null,
  })
  if (response.headers.get('content-type') !== 'text/event-stream') {
    return { status: response.status, text: await response.text() }
  }
  let text = ''
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString('utf8')
    if (text.includes(': heartbeat')) break
  }
  return { status: response.status, text }
}

function takes({ operation }: Route, parameter: string): boolean {
  return operation.parameters?.some(({ name }) => name === parameter) ?? false
}

function withoutInstance(text: string): unknown {
  return { ...(JSON.parse(text) as object), instance: '' }
}
