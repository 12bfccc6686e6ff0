import { describe, expect, it } from 'vitest'
import { decodeInput, type InputRecord } from '../../../pipelines/cluster/inputs.ts'

const DATA = { account: 'a', direction: 'in', currency: 'CNY', amount_minor: 5 }
const EVENT = {
  id: '1',
  source: 's',
  type: 'transaction.posted',
  time: '2025-01-01T00:00:00Z',
  subject: 'b',
  data: DATA,
}

function record(value: unknown, headers: Record<string, string> = {}): InputRecord {
  return {
    value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  }
}

describe('an input topic', () => {
  it('reads our events, with the tenant whose topic it is', () => {
    const { tenant, decoded } = decodeInput({ topic: 't', format: 'json', tenant: 'acme' }, record(EVENT))
    expect(tenant).toBe('acme')
    expect(decoded).toMatchObject({ ok: true, event: { id: '1', tenant: 'acme', data: DATA } })
  })

  it('of many tenants takes the one that the event names, and refuses an event that names none', () => {
    const shared = { topic: 't', format: 'json' } as const
    expect(decodeInput(shared, record({ ...EVENT, tenant: 'zeta' })).tenant).toBe('zeta')
    expect(decodeInput(shared, record(EVENT)).decoded).toMatchObject({ ok: false, reason: 'wrong_tenant' })
  })

  it('of one tenant refuses an event of another', () => {
    const { decoded } = decodeInput(
      { topic: 't', format: 'json', tenant: 'acme' },
      record({ ...EVENT, tenant: 'zeta' }),
    )
    expect(decoded).toMatchObject({ ok: false, reason: 'wrong_tenant' })
  })

  it('reads CloudEvents in structured and in binary mode alike', () => {
    const input = { topic: 't', format: 'cloudevents', tenant: 'acme' } as const
    const structured = decodeInput(input, record({ specversion: '1.0', datacontenttype: 'application/json', ...EVENT }))
    const { data, ...attributes } = EVENT
    const headers = Object.fromEntries(
      Object.entries({ specversion: '1.0', ...attributes }).map(([k, v]) => [`ce_${k}`, v]),
    )
    const binary = decodeInput(input, record(data, headers))
    expect(structured.decoded).toMatchObject({ ok: true, dropped_fields: 0 })
    expect(binary).toEqual(structured)
  })

  it.each([
    ['no value', null, 'not_json'],
    ['what is no JSON', '{', 'not_json'],
    ['what is no object', '[]', 'not_an_object'],
  ])('refuses %s', (_, value, reason) => {
    expect(decodeInput({ topic: 't', format: 'json', tenant: 'acme' }, record(value)).decoded).toMatchObject({
      ok: false,
      reason,
    })
  })
})
