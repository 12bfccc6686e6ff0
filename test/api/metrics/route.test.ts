import { describe, expect, it } from 'vitest'
import { createApp } from '../../../api/app.ts'
import { createProbes } from '../../../api/probes.ts'
import { bearer, createMemoryFeed, createTestApp, eventOf, KEYS, OPERATOR_TOKEN } from '../support.ts'

describe('GET /metrics', () => {
  it('gives what it is told, as it is, without a key', async () => {
    const response = await createTestApp().app.inject('/metrics')
    expect([response.statusCode, response.headers['content-type'], response.body]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
      'one_total 1\n',
    ])
  })
})

describe('answers', () => {
  it('are told of with their route as it is documented, never with what was asked for', async () => {
    const answered: { method: string; route: string; status: number; seconds: number }[] = []
    const app = createApp(
      {
        submit: async () => [],
        feed: createMemoryFeed(1),
        borrower: async () => undefined,
        warning: async () => undefined,
        keys: { verify: (key) => KEYS[key] },
        sql: async () => ({ ok: false, failure: { code: 1, name: 'NO', message: 'no' } }),
        operatorToken: OPERATOR_TOKEN,
        metrics: async () => ({ contentType: 'text/plain', text: '' }),
        readiness: () => ({ ready: true, checks: {} }),
      },
      { version: '0', reportError: () => {}, onAnswered: (one) => answered.push(one) },
    )
    await app.inject({ url: '/v1/borrowers/secret-token', headers: bearer('bank') })
    await app.inject('/v1/borrowers/secret-token')
    await app.inject({ url: '/secret-token', headers: bearer('bank') })
    await app.inject('/livez')
    expect(answered.map(({ method, route, status }) => [method, route, status])).toEqual([
      ['GET', '/v1/borrowers/:borrower', 404],
      ['GET', '/v1/borrowers/:borrower', 401],
      ['GET', 'none', 404],
      ['GET', '/livez', 200],
    ])
    for (const { seconds } of answered) expect(seconds).toBeGreaterThan(0)
  })

  it('leave streams out: how long somebody listened is no latency', async () => {
    const answered: unknown[] = []
    const test = createTestApp({ onAnswered: (one) => answered.push(one) })
    await test.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = test.app.server.address() as { port: number }
    const response = await fetch(`http://127.0.0.1:${port}/v1/warnings/stream`, { headers: bearer('bank') })
    expect(response.status).toBe(200)
    await fetch(`http://127.0.0.1:${port}/livez`)
    // Stopping ends the stream: it has been answered to its end.
    const closed = test.app.close()
    await response.text()
    await closed
    expect(answered).toEqual([expect.objectContaining({ route: '/livez' })])
  })
})

describe('a trace context', () => {
  const submit = async (traceparent: string | undefined) => {
    const seen: unknown[] = []
    const { app } = createTestApp({
      fault: {
        submit: async (_tenant, _items, _request, trace) => {
          seen.push(trace)
          return [{ id: 'e', status: 'accepted' }]
        },
      },
    })
    const headers = { ...bearer('bank'), ...(traceparent === undefined ? {} : { traceparent }) }
    const response = await app.inject({ method: 'POST', url: '/v1/events', headers, payload: eventOf('e') })
    expect(response.statusCode).toBe(200)
    return seen
  }

  it('goes along with the events of its request; what is none is ignored', async () => {
    const valid = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(await submit(valid)).toEqual([valid])
    expect(await submit('00-0af7651916cd43dd-b7ad6b7169203331-01')).toEqual([undefined])
    expect(await submit(undefined)).toEqual([undefined])
  })
})

describe('probes', () => {
  const probes = (ready: boolean) =>
    createProbes(
      {
        readiness: () => ({ ready, checks: { clickhouse: ready ? 'ok' : 'waited for' } }),
        metrics: async () => ({ contentType: 'text/plain', text: 'one_total 1\n' }),
      },
      { reportError: () => {} },
    )

  it('live while they are not ready, and say what is missing', async () => {
    const app = probes(false)
    expect((await app.inject('/livez')).json()).toEqual({ live: true })
    expect((await app.inject('/metrics')).body).toBe('one_total 1\n')
    const response = await app.inject('/readyz')
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1'])
    expect(response.json()).toMatchObject({ checks: { clickhouse: 'waited for' } })
    expect((await probes(true).inject('/readyz')).json()).toEqual({ ready: true, checks: { clickhouse: 'ok' } })
  })

  it('answer nothing else', async () => {
    for (const url of ['/v1/warnings', '/openapi.json', '/sql'])
      expect((await probes(true).inject(url)).statusCode).toBe(404)
  })
})
