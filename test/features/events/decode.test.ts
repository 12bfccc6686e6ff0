import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventJsonSchema } from '../../../features/events/contract.ts'
import {
  canonicalData,
  type Decoded,
  decodeBytes,
  decodeText,
  EVENT_BYTES_MAX,
  EVENT_DEPTH_MAX,
} from '../../../features/events/decode.ts'
import { AMOUNT_MINOR_MAX } from '../../../features/events/fields.ts'

const TENANT = 'default'

const transaction = {
  id: 't-1',
  source: 'core',
  type: 'transaction.posted',
  time: '2024-03-01T10:00:00+08:00',
  subject: 'b-1',
  data: { account: 'a-1', direction: 'out', currency: 'CNY', amount_minor: 1250, balance_after_minor: -300 },
}

const disbursement = {
  id: 'l-1',
  source: 'loans',
  type: 'loan.disbursed',
  time: 1_704_067_200_000,
  subject: 'b-1',
  data: {
    loan: 'loan-1',
    currency: 'CNY',
    principal_minor: 300,
    disbursed_at: 1_704_067_200_000,
    schedule: [
      { due_date: '2024-02-12', principal_minor: 100 },
      { due_date: '2024-03-12', principal_minor: 200, interest_minor: 5 },
    ],
  },
}

function decode(value: unknown): Decoded {
  return decodeText(JSON.stringify(value), TENANT)
}

function reasonOf(decoded: Decoded): string {
  return decoded.ok ? 'accepted' : `${decoded.reason}: ${decoded.detail}`
}

function withData(event: { data: object }, data: object): object {
  return { ...event, data: { ...event.data, ...data } }
}

function withSchedule(more: object): object {
  return withData(disbursement, { schedule: disbursement.data.schedule.map((one) => ({ ...one, ...more })) })
}

describe('an event that is as the contract says', () => {
  it('is taken, with instants as UTC milliseconds and without unknown fields', () => {
    const decoded = decode({
      ...transaction,
      specversion: '1.0',
      data: { ...transaction.data, name: 'someone' },
      extra: 1,
    })
    expect(decoded).toMatchObject({
      ok: true,
      dropped_fields: 2,
      event: { tenant: TENANT, time: Date.UTC(2024, 2, 1, 2), subject: 'b-1', data: transaction.data },
    })
    expect(JSON.stringify(decoded)).not.toContain('someone')
  })

  it('has one canonical form, whatever the order of its keys', () => {
    const reversed = Object.fromEntries(Object.entries(transaction.data).toReversed())
    const forms = [transaction, { ...transaction, data: reversed }].map((one) => {
      const decoded = decode(one)
      return decoded.ok ? canonicalData(decoded.event) : ''
    })
    expect(forms[0]).toBe(
      '{"account":"a-1","amount_minor":1250,"balance_after_minor":-300,"currency":"CNY","direction":"out"}',
    )
    expect(forms[1]).toBe(forms[0])
  })

  it('says zero for a negative zero, so that what is computed now equals what is replayed', () => {
    const decoded = decodeText(
      JSON.stringify(withData(transaction, { balance_after_minor: 7 })).replace('7', '-0'),
      TENANT,
    )
    expect(
      decoded.ok && Object.is((decoded.event.data as { balance_after_minor: number }).balance_after_minor, 0),
    ).toBe(true)
  })

  it('gets the tenant of its door, and is refused when it names another one', () => {
    expect(reasonOf(decode({ ...transaction, tenant: TENANT }))).toBe('accepted')
    expect(reasonOf(decode({ ...transaction, tenant: 'other' }))).toMatch(/^wrong_tenant/)
  })

  it('has a JSON Schema that names every type', () => {
    expect(JSON.stringify(eventJsonSchema())).toContain('"repayment.reversed"')
  })
})

describe('what is refused, with its reason', () => {
  it.each([
    ['a line that is not JSON', '{"id":', 'not_json'],
    ['NaN', JSON.stringify(transaction).replace('1250', 'NaN'), 'not_json'],
    ['an array', '[]', 'not_an_object'],
    ['a wrong type', JSON.stringify({ ...transaction, type: 'transaction.undone' }), 'unknown_type'],
    ['a missing type', '{}', 'unknown_type'],
    ['a tick from outside', JSON.stringify({ ...transaction, type: 'day.closed' }), 'control_from_outside'],
    [
      'definitions from outside',
      JSON.stringify({ ...transaction, type: 'definitions.published' }),
      'control_from_outside',
    ],
    ['a __proto__ key', '{"__proto__":{"a":1},"type":"transaction.posted"}', 'forbidden_key'],
    [
      'an escaped __proto__ key inside data',
      JSON.stringify(transaction).replace('"account"', '"\\u005f_proto__"'),
      'forbidden_key',
    ],
  ])('%s', (_, text, reason) => {
    expect(reasonOf(decodeText(text, TENANT))).toMatch(new RegExp(`^${reason}`))
  })

  it.each([
    ['a missing field', withData(transaction, { account: undefined }), 'data.account'],
    ['a negative amount', withData(transaction, { amount_minor: -1 }), 'data.amount_minor'],
    ['an amount of nothing', withData(transaction, { amount_minor: 0 }), 'data.amount_minor'],
    ['a fractional amount', withData(transaction, { amount_minor: 0.5 }), 'data.amount_minor'],
    ['an amount as text', withData(transaction, { amount_minor: '5' }), 'data.amount_minor'],
    ['an amount beyond the bound', withData(transaction, { amount_minor: AMOUNT_MINOR_MAX + 1 }), 'data.amount_minor'],
    ['a token with a space', { ...transaction, subject: 'b 1' }, 'subject'],
    ['a date that does not exist', { ...transaction, time: '2024-02-30T00:00:00Z' }, 'time'],
    ['an instant without a zone', { ...transaction, time: '2024-02-29T00:00:00' }, 'time'],
    ['an instant before 1970', { ...transaction, time: -1 }, 'time'],
    ['an instant after 2149-06-06', { ...transaction, time: '2149-06-07T00:00:00Z' }, 'time'],
    ['another version', { ...transaction, version: 2 }, 'version'],
    ['instalments that do not sum to the principal', withData(disbursement, { principal_minor: 301 }), 'data.schedule'],
    ['a schedule without an instalment', withData(disbursement, { schedule: [] }), 'data.schedule'],
    [
      'due dates out of order',
      withData(disbursement, { schedule: disbursement.data.schedule.toReversed() }),
      'data.schedule',
    ],
    [
      'a due date before the loan',
      withData(disbursement, { schedule: [{ due_date: '2023-12-01', principal_minor: 300 }] }),
      'data.schedule',
    ],
  ])('%s', (_, event, field) => {
    expect(reasonOf(decode(event))).toMatch(new RegExp(`^invalid_field: ${field.replace('.', '\\.')}`))
  })

  it('a split that does not sum to the amount', () => {
    const data = { loan: 'l', currency: 'CNY', amount_minor: 10, paid_at: 0, split: { principal_minor: 9 } }
    expect(reasonOf(decode({ ...transaction, type: 'repayment.received', data }))).toMatch(
      /^invalid_field: data\.split/,
    )
  })

  it.each([
    ['beside the known fields', (inner: object) => ({ ...transaction, extra: inner })],
    ['in data', (inner: object) => withData(transaction, { extra: inner })],
    ['in an instalment', (inner: object) => withSchedule({ extra: inner })],
  ])('what is left out %s, where it nests too deep or has a forbidden key', (_, eventWith) => {
    const deep = JSON.parse(`${'{"a":'.repeat(EVENT_DEPTH_MAX)}1${'}'.repeat(EVENT_DEPTH_MAX)}`) as object
    expect(reasonOf(decode(eventWith(deep)))).toMatch(/^too_deep/)
    expect(reasonOf(decodeText(JSON.stringify(eventWith({ a: 1 })).replace('"a"', '"__proto__"'), TENANT))).toMatch(
      /^forbidden_key/,
    )
    expect(reasonOf(decode(eventWith({ a: 1 })))).toBe('accepted')
  })

  it('a line of 10 MB, before it is parsed', () => {
    expect(reasonOf(decodeBytes(Buffer.alloc(10_000_000, 'a'), TENANT))).toMatch(/^too_long/)
  })

  it('invalid UTF-8', () => {
    expect(reasonOf(decodeBytes(Buffer.from([0x7b, 0xff, 0x7d]), TENANT))).toMatch(/^not_utf8/)
  })

  it('deep nesting, short or long, without parsing megabytes of brackets', () => {
    const nested = (depth: number) => Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)
    expect(reasonOf(decodeBytes(nested(20), TENANT))).toMatch(/^too_deep/)
    expect(reasonOf(decodeBytes(nested(EVENT_BYTES_MAX / 2 - 10), TENANT))).toMatch(/^too_deep/)
    // Brackets inside a string nest nothing.
    const text = JSON.stringify({ ...transaction, extra: '['.repeat(5000) })
    expect(reasonOf(decodeBytes(Buffer.from(text), TENANT))).toBe('accepted')
  })
})

describe('whatever bytes come', () => {
  it('decoding answers with a value and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(typeof decodeBytes(bytes, TENANT).ok).toBe('boolean')
        },
      ),
      { seed: 7, numRuns: 500 },
    )
  })

  it('what is accepted decodes to the same again from its canonical form', () => {
    const decoded = decode(disbursement)
    if (!decoded.ok) throw new Error(decoded.detail)
    const again = decode({ ...disbursement, data: JSON.parse(canonicalData(decoded.event)) as unknown })
    expect(again).toEqual({ ...decoded, dropped_fields: 0 })
  })
})
