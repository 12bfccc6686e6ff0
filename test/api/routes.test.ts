import { describe, expect, it } from 'vitest'
import { bearer, createTestApp } from './support.ts'

describe('GET /v1/warnings/{id}', () => {
  it('gives the row, 404 where there is none', async () => {
    const { app, feed } = createTestApp()
    const row = feed.append('bank', 1)
    const get = (id: string) => app.inject({ url: `/v1/warnings/${id}`, headers: bearer('bank') })
    expect((await get(row.id)).json()).toEqual(row)
    expect((await get('0'.repeat(32))).statusCode).toBe(404)
    expect((await get('nonsense')).statusCode).toBe(400)
  })
})

describe('GET /v1/borrowers/{borrower}', () => {
  it('gives features, score and open warnings, 404 for an unknown one', async () => {
    const { app, feed } = createTestApp()
    const row = feed.append('bank', 0, { borrower: 'a/b?c%d' })
    const get = (borrower: string) => {
      return app.inject({ url: `/v1/borrowers/${encodeURIComponent(borrower)}`, headers: bearer('bank') })
    }
    expect((await get('a/b?c%d')).json()).toEqual({
      borrower: 'a/b?c%d',
      evaluated_at: '2024-03-01T00:00:00.000Z',
      features: { inflow_sum_30d: 120_000, balance_last: null },
      score: { model: 'dpd30_90@1', score: 0.25, band: 'yellow' },
      warnings: [row],
    })
    expect((await get('nobody')).statusCode).toBe(404)
    expect((await get('~'.repeat(128))).statusCode).toBe(404)
    expect((await get('a'.repeat(129))).statusCode).toBe(400)
  })
})

describe('health', () => {
  it('answers without a key', async () => {
    const { app } = createTestApp()
    expect((await app.inject('/livez')).json()).toEqual({ live: true })
    expect((await app.inject('/readyz')).json()).toEqual({ ready: true, checks: { log: 'ok' } })
  })

  it('tells what is missing while it is not ready', async () => {
    const { app } = createTestApp({ fault: { readiness: () => ({ ready: false, checks: { engine: 'replaying' } }) } })
    const response = await app.inject('/readyz')
    expect(response.statusCode).toBe(503)
    expect(response.json()).toMatchObject({
      type: 'urn:foreshock:problem:not_ready',
      checks: { engine: 'replaying' },
    })
    expect((await app.inject('/livez')).statusCode).toBe(200)
  })
})

describe('a fault', () => {
  it('is a 500 that tells nothing but where to look, and is reported', async () => {
    const secret = new Error('password of the database: hunter2')
    const { app, errors } = createTestApp({ fault: { borrower: () => Promise.reject(secret) } })
    const response = await app.inject({ url: '/v1/borrowers/b1', headers: bearer('bank') })
    expect(response.statusCode).toBe(500)
    expect(response.body).not.toContain('hunter2')
    expect(response.json<{ instance: string }>().instance).toBe(`urn:uuid:${String(response.headers['x-request-id'])}`)
    expect(errors).toEqual([secret])
  })

  it('in an answer that does not fit its schema is a 500 too', async () => {
    const { app, errors } = createTestApp({ fault: { warning: async () => ({}) as never } })
    const response = await app.inject({ url: `/v1/warnings/${'0'.repeat(32)}`, headers: bearer('bank') })
    expect(response.statusCode).toBe(500)
    expect(errors).toHaveLength(1)
  })
})
