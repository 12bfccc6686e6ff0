import { once } from 'node:events'
import { STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { InjectOptions } from 'fastify'
import { describe, expect, it } from 'vitest'
import { encodeCursor } from '../../api/feed/cursor.ts'
import { PROBLEMS } from '../../api/problem.ts'
import { bearer, createTestApp, OPERATOR_TOKEN } from './support.ts'

/** Every bad request gets a problem that is documented for its route, and never a 500. */

const JSON_BODY = { ...bearer('bank'), 'content-type': 'application/json' }
const events = (payload: string | Buffer, headers: Record<string, string> = JSON_BODY): InjectOptions => {
  return { method: 'POST', url: '/v1/events', headers, payload }
}
const get = (url: string, headers: Record<string, string> = bearer('bank')): InjectOptions => ({ url, headers })

const sql = (payload: string | Buffer, headers: Record<string, string> = {}): InjectOptions => {
  return { method: 'POST', url: '/sql', headers: { ...bearer('bank'), ...headers }, payload }
}
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const CASES: readonly [string, InjectOptions, number, keyof typeof PROBLEMS][] = [
  ['no key', get('/v1/warnings', {}), 401, 'missing_key'],
  ['an empty key', get('/v1/warnings', { authorization: 'Bearer ' }), 401, 'missing_key'],
  ['another scheme', get('/v1/warnings', { authorization: 'Basic YTpi' }), 401, 'missing_key'],
  ['a key that is none', get('/v1/warnings', bearer('nonsense')), 401, 'invalid_key'],
  ['a mistyped key', get('/v1/warnings', bearer(`fsk_${'a'.repeat(8)}_${'b'.repeat(46)}`)), 401, 'invalid_key'],
  ['no key for a path that is not there', get('/nowhere', {}), 401, 'missing_key'],
  ['no key, before its body is looked at', { ...events('x'.repeat(11 << 20)), headers: {} }, 401, 'missing_key'],
  ['a scope that the key lacks', get('/v1/warnings', bearer('bank-events')), 403, 'missing_scope'],
  ['another tenant', get('/v1/warnings?tenant=lender', bearer('bank')), 403, 'other_tenant'],
  ['a tenant twice', get('/v1/warnings?tenant=bank&tenant=bank', bearer('bank')), 403, 'other_tenant'],
  ['the operator naming nonsense', get('/v1/warnings?tenant=a%20b', bearer(OPERATOR_TOKEN)), 400, 'invalid_parameter'],
  ['a path that is not there', get('/v1/nothing'), 404, 'not_found'],
  ['a path that is not there, posted', { ...events('<a/>'), url: '/v2/events' }, 404, 'not_found'],
  [
    'a path that is not there, with a body that nothing takes',
    { ...events('<a/>', { ...JSON_BODY, 'content-type': 'text/xml' }), url: '/v2/events' },
    404,
    'not_found',
  ],
  [
    'a wrong method with a body that nothing takes',
    { ...events('<a/>', { ...JSON_BODY, 'content-type': 'text/xml' }), url: '/v1/warnings' },
    405,
    'method_not_allowed',
  ],
  ['a wrong method', { ...get('/v1/events'), method: 'GET' }, 405, 'method_not_allowed'],
  [
    'a wrong method on a path with a parameter',
    { ...get('/v1/borrowers/b1'), method: 'DELETE' },
    405,
    'method_not_allowed',
  ],
  ['a wrong percent escape', get('/v1/borrowers/%E0%A4%A'), 400, 'malformed_request'],
  ['a path part that is too long', get(`/v1/borrowers/${'a'.repeat(2_000)}`), 414, 'uri_too_long'],
  ['a borrower with a line break', get('/v1/borrowers/a%0Ab'), 400, 'invalid_parameter'],
  ['an id that is none', get('/v1/warnings/..%2f..%2fetc'), 400, 'invalid_parameter'],
  ['an unknown parameter', get('/v1/warnings?limits=5'), 400, 'invalid_parameter'],
  ['a parameter named __proto__', get('/v1/warnings?__proto__=5'), 400, 'invalid_parameter'],
  ['a parameter named constructor', get('/v1/warnings?constructor=5'), 400, 'invalid_parameter'],
  ['an unknown parameter where there are none', get('/livez?x=1', {}), 400, 'invalid_parameter'],
  ...['0', '1001', '-1', '1.5', '1e2', '0x10', '', 'NaN', '99999999999999999999', '1&limit=2'].map(
    (value): (typeof CASES)[number] => [`limit=${value}`, get(`/v1/warnings?limit=${value}`), 400, 'invalid_parameter'],
  ),
  ...['31', '-1', '0.5', 'x'].map((value): (typeof CASES)[number] => [
    `wait=${value}`,
    get(`/v1/warnings?wait=${value}`),
    400,
    'invalid_parameter',
  ]),
  ['an unknown severity', get('/v1/warnings?severity=purple'), 400, 'invalid_parameter'],
  ['an empty severity', get('/v1/warnings?severity='), 400, 'invalid_parameter'],
  ['too many severities', get(`/v1/warnings?severity=${'red,'.repeat(1_000)}red`), 400, 'invalid_parameter'],
  ['an unknown type', get('/v1/warnings?type=closed'), 400, 'invalid_parameter'],
  ['a date that does not exist', get('/v1/warnings?since=2024-02-30T00:00:00Z'), 400, 'invalid_parameter'],
  ['an instant without a zone', get('/v1/warnings?since=2024-02-03T00:00:00'), 400, 'invalid_parameter'],
  ['an instant beyond time', get('/v1/warnings?since=99999999999999999'), 400, 'invalid_parameter'],
  ['a cursor of nonsense', get('/v1/warnings?after=nonsense'), 400, 'invalid_cursor'],
  ['a cursor of somebody else', get(`/v1/warnings?after=${encodeCursor('lender', [1, 1, 1])}`), 400, 'invalid_cursor'],
  ['a cursor of another log', get(`/v1/warnings?after=${encodeCursor('bank', [1])}`), 400, 'invalid_cursor'],
  ['an empty cursor', get('/v1/warnings?after='), 400, 'invalid_parameter'],
  ['a cursor of nonsense, streamed', get('/v1/warnings/stream?after=%00%ff'), 400, 'invalid_cursor'],
  ['no body', { method: 'POST', url: '/v1/events', headers: JSON_BODY }, 400, 'malformed_body'],
  ['no body and no media type', { method: 'POST', url: '/v1/events', headers: bearer('bank') }, 400, 'malformed_body'],
  ['a body that is not JSON', events('{"id":'), 400, 'malformed_body'],
  ['an array that does not end', events('[{},{}'), 400, 'malformed_body'],
  ['two arrays', events('[][]'), 400, 'malformed_body'],
  ['brackets to the limit', events('['.repeat(10 << 20)), 400, 'malformed_body'],
  [
    'NDJSON without a line',
    events('\n\n', { ...JSON_BODY, 'content-type': 'application/x-ndjson' }),
    400,
    'malformed_body',
  ],
  ['a body that is too large', events(Buffer.alloc((10 << 20) + 1, 0x20)), 413, 'too_large'],
  ['too many events', events(`[${'1,'.repeat(10_000)}1]`), 413, 'too_large'],
  [
    'a form',
    events('id=1', { ...JSON_BODY, 'content-type': 'application/x-www-form-urlencoded' }),
    415,
    'unsupported_media_type',
  ],
  ['a media type of nonsense', events('{}', { ...JSON_BODY, 'content-type': ';;' }), 415, 'unsupported_media_type'],
  ['a body without media type', events('{}', bearer('bank')), 415, 'unsupported_media_type'],
  ['a compressed body', events('{}', { ...JSON_BODY, 'content-encoding': 'gzip' }), 415, 'unsupported_media_type'],
  ['a key without the scope of /sql', get('/sql?query=SELECT%201', bearer('bank-events')), 403, 'missing_scope'],
  ['another tenant on /sql', get('/sql?query=SELECT%201&tenant=lender'), 403, 'other_tenant'],
  ['no key on /sql', get('/sql?query=SELECT%201', {}), 401, 'missing_key'],
  ['no password on /sql', get('/sql?query=SELECT%201', { authorization: basic('bank', '') }), 401, 'missing_key'],
  ['a wrong password on /sql', get('/sql', { authorization: basic('bank', 'nonsense') }), 401, 'invalid_key'],
  ['a wrong key of ClickHouse’s', get('/sql', { 'x-clickhouse-key': 'nonsense' }), 401, 'invalid_key'],
  ['a key of ClickHouse’s elsewhere', get('/v1/warnings', { 'x-clickhouse-key': 'bank' }), 401, 'missing_key'],
  ['a format of nonsense', get('/sql?query=SELECT%201&default_format=../x'), 400, 'invalid_parameter'],
  [
    'a statement in an unknown encoding',
    sql('SELECT 1', { 'content-encoding': 'lzma' }),
    415,
    'unsupported_media_type',
  ],
  ['a statement that is not in its encoding', sql('SELECT 1', { 'content-encoding': 'gzip' }), 400, 'malformed_body'],
  ['a statement too large', sql('x'.repeat(262_145)), 413, 'too_large'],
  [
    'a statement that grows too large',
    sql(gzipSync('x'.repeat(400_000)), { 'content-encoding': 'gzip' }),
    413,
    'too_large',
  ],
]

describe('a bad request', () => {
  it.each(CASES)('%s', async (_name, request, status, problem) => {
    const { app, errors } = createTestApp()
    const response = await app.inject(request)
    expect([response.statusCode, response.json<{ type: string }>().type]).toEqual([
      status,
      `urn:foreshock:problem:${problem}`,
    ])
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(response.json()).toMatchObject({ status, title: STATUS_CODES[status] })
    expect(response.headers['x-content-type-options']).toBe('nosniff')
    if (status === 401) expect(response.headers['www-authenticate']).toMatch(/^Bearer realm="foreshock"/)
    if (status === 405) expect(response.headers.allow).toBeDefined()
    const documented = await documentedStatuses(app, request)
    if (documented !== undefined) expect(documented).toContain(String(status))
    expect(errors).toEqual([])
  })

  it('names each parameter that is wrong', async () => {
    const response = await createTestApp().app.inject(get('/v1/warnings?limit=0&wiat=3'))
    expect(response.json()).toMatchObject({
      errors: [
        { parameter: 'limit', message: 'Too small: expected number to be >=1' },
        { parameter: 'wiat', message: 'is not a parameter of this route' },
      ],
    })
  })

  it('that has waited for its turn too often is told to come back', async () => {
    const test = createTestApp()
    const polls = Array.from({ length: 200 }, () => test.app.inject(get('/v1/warnings?wait=30')))
    while (test.feed.reads < 200) await setTimeout(5)
    for (const url of ['/v1/warnings?wait=30', '/v1/warnings/stream']) {
      const response = await test.app.inject(get(url))
      expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '5'])
    }
    expect((await test.app.inject(get('/v1/warnings'))).statusCode).toBe(200)
    const other = test.app.inject(get('/v1/warnings?wait=1', bearer('lender')))
    expect((await other).statusCode).toBe(200)
    await test.app.close()
    for (const poll of polls) expect((await poll).statusCode).toBe(200)
  })
})

describe('what is not HTTP', () => {
  it.each([
    ['nonsense', 'nonsense\r\n\r\n', 400],
    ['a header without a colon', 'GET /livez HTTP/1.1\r\nHost: a\r\nbroken header\r\n\r\n', 400],
    ['two lengths', 'POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['headers without end', `GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['a method that no route has', 'PROPFIND /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 401],
  ])('%s gets a problem', async (_name, text, status) => {
    const { app, errors } = createTestApp()
    await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.on('error', () => {})
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('utf8')
    })
    socket.write(text)
    await once(socket, 'close')
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json')
    expect(errors).toEqual([])
    await app.close()
  })
})

/** The statuses that the document has for a request's route; undefined when it has no such route. */
async function documentedStatuses(app: ReturnType<typeof createTestApp>['app'], request: InjectOptions) {
  const document = (await app.inject('/openapi.json')).json<{
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  }>()
  const path = (typeof request.url === 'string' ? request.url : '').split('?')[0] ?? ''
  const template = Object.keys(document.paths).find((one) => {
    return one === path || (one.includes('{') && new RegExp(`^${one.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path))
  })
  const operation =
    template === undefined ? undefined : document.paths[template]?.[(request.method ?? 'GET').toLowerCase()]
  return operation === undefined ? undefined : Object.keys(operation.responses)
}
