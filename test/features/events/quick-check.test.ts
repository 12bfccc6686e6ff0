import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compileCheck } from '../../../features/events/compile.ts'
import { incomingEvent } from '../../../features/events/contract.ts'
import { EVENT_DEPTH_MAX } from '../../../features/events/decode.ts'
import { AMOUNT_MINOR_MAX, TIME_MS_LAST } from '../../../features/events/fields.ts'
import { createSimulation } from '../../../pipelines/simulator/simulation.ts'

type Json = Record<string, unknown>

const options = incomingEvent.options.filter(({ shape }) => shape.type.value !== 'tenant.configured')
const checks = new Map(options.map((option) => [option.shape.type.value, { option, check: compileCheck(option) }]))

const envelope = { id: 'e-1', source: 'core', time: 1_709_258_400_000, subject: 'b-1' }
const schedule = [
  { due_date: '2024-03-31', principal_minor: 100 },
  { due_date: '2024-04-30', principal_minor: 200, interest_minor: 5, fee_minor: 0 },
]
/** One event of each type with every field there is. */
const WHOLE: Record<string, Json> = {
  'loan.disbursed': {
    loan: 'l-1',
    product: 'cash',
    channel: 'app',
    region: '上海',
    currency: 'CNY',
    principal_minor: 300,
    annual_rate: 7.2,
    disbursed_at: '2024-03-01T10:00:00.5+08:00',
    schedule,
    purpose: 'shop "corner"',
    industry: 'retail',
    collateral: 'none',
    guarantor: 'g-1',
    credit_limit_minor: 5,
  },
  'loan.restructured': { loan: 'l-1', effective_date: '2024-02-29', kind: 'extension', reason: 'hardship', schedule },
  'loan.written_off': { loan: 'l-1', written_off_at: '2024-02-29T23:59:59Z', reason: 'lost' },
  'loan.closed': { loan: 'l-1', closed_at: 0, reason: 'paid' },
  'repayment.received': {
    loan: 'l-1',
    currency: 'CNY',
    amount_minor: 10,
    split: { principal_minor: 4, interest_minor: 3, fee_minor: 2, penalty_minor: 1 },
    paid_at: TIME_MS_LAST,
    account: 'a-1',
    payer: 'p-1',
    channel: 'bank',
  },
  'repayment.reversed': { loan: 'l-1', repayment: 'r-1', reason: 'bounced' },
  'transaction.posted': {
    account: 'a-1',
    account_kind: 'credit',
    direction: 'out',
    currency: 'CNY',
    amount_minor: AMOUNT_MINOR_MAX,
    balance_after_minor: -AMOUNT_MINOR_MAX,
    counterparty: 'c-1',
    counterparty_kind: 'merchant',
    merchant: 'm-1',
    mcc: 742,
    channel: 'pos',
    entry_mode: 'chip',
    category: 'groceries',
  },
  'bureau.queried': {
    institution: 'i-1',
    institution_type: 'bank',
    reason: 'loan_approval',
    queried_at: '2024-02-29T23:59:59-23:59',
    report_date: '2024-02-29',
  },
  'signal.reported': {
    kind: 'financial_statement',
    reported_at: 5,
    amount_minor: -5,
    value: 0.25,
    reference: 'x',
    statement: { period_end: '2023-12-31', current_assets_minor: 1, net_profit_minor: -1 },
  },
  'contact.recorded': { loan: 'l-1', channel: 'call', result: 'promised', contacted_at: 1 },
}

const WIDE = '😀'.repeat(65)
/** Texts and numbers on either side of every bound, and all that is not what a field wants. */
const STRANGE_GROUPS: readonly (readonly unknown[])[] = [
  [null, true, false, [], {}, [1], { a: 1 }, '', ' ', 'a', 'a b', 'a"b\\c', 'é', '上海', '😀', '\ud800', 'a\udc00'],
  ['\u0000', '\u001f', '\u007f', '\u0080', '\u2028', '!', '~', 'a\n', '\n', 'CNY', 'cny', 'CN', 'CNYY', 'CNÝ', 'CNY\n'],
  ['in', 'out', '0742', '742', '07422', '٠٧٤٢', 'x'.repeat(128), 'x'.repeat(129), '上'.repeat(128), WIDE],
  ['2024-02-29', '2023-02-29', '1969-12-31', '1970-01-01', '2149-06-06', '2149-06-07', '2024-13-01', '24-01-01'],
  ['2024-02-29T00:00:00Z', '2024-02-29T24:00:00Z', '2024-02-29T23:59:60Z', '2024-02-30T00:00:00Z'],
  [
    '2024-02-29T00:00:00',
    '2024-02-29 00:00:00Z',
    '2024-02-29T00:00:00z',
    '2024-02-29T00:00Z',
    '2024-02-29T00:00:00,5Z',
  ],
  ['2024-02-29T00:00:00.123456789Z', '2024-02-29T00:00:00.Z', '2024-02-29T00:00:00+24:00', '2024-02-29T00:00:00+0800'],
  ['1970-01-01T00:00:00+00:01', '1969-12-31T23:59:59-00:01', '2149-06-06T23:59:59.999Z', '2149-06-07T00:00:00Z'],
  [0, -0, 1, -1, 0.5, 1e3, 1e21, 9999, 10_000, 100, 100.5, 5e-324, 1e308, AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX + 1],
  [-AMOUNT_MINOR_MAX, -AMOUNT_MINOR_MAX - 1, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), TIME_MS_LAST, TIME_MS_LAST + 1, '5'],
]
const STRANGE = STRANGE_GROUPS.flat()

/** Every field of an event, as the path to it. */
function pathsOf(value: unknown, at: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [[...at, key], ...pathsOf(inner, [...at, key])])
}

function at(event: Json, path: readonly string[]): Json {
  return path.slice(0, -1).reduce((inner, key) => inner[key] as Json, event)
}

function copyOf(type: string): Json {
  return JSON.parse(JSON.stringify({ ...envelope, type, version: 1, tenant: 'default', data: WHOLE[type] })) as Json
}

/** Zod's answer with its bytes, where the order of the keys shows, and what the quick check says of the same. */
function compare(type: string, event: unknown): 'equal' | 'abstained' | 'refused' {
  const { option, check } = checks.get(type as 'loan.closed') as { option: z.ZodObject; check: typeof quickCheck }
  const expected = option.safeParse(zeroed(event))
  const quick = check(event, { has_unknown: false })
  if (quick === undefined) {
    // Zod counts characters, where the quick check counts UTF-16 units and leaves what is near the bound to zod.
    return expected.success && !JSON.stringify(event).includes(WIDE) ? 'abstained' : 'refused'
  }
  expect(expected.error?.issues).toBeUndefined()
  expect(quick).toStrictEqual(expected.data)
  expect(JSON.stringify(quick)).toBe(JSON.stringify(expected.data))
  return 'equal'
}
declare const quickCheck: ReturnType<typeof compileCheck<z.ZodObject>>

/** As decoding hands it to zod: without negative zeros. */
function zeroed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown
}

describe('the quick check of an event that is as the contract says', () => {
  it.each(Object.keys(WHOLE))('%s: every field, and every field that may be left out', (type) => {
    expect(compare(type, copyOf(type))).toBe('equal')
    for (const path of pathsOf(copyOf(type))) {
      const event = copyOf(type)
      delete at(event, path)[path.at(-1) as string]
      expect(compare(type, event)).not.toBe('abstained')
    }
  })

  it('is enough for every event of the simulator', () => {
    const simulation = createSimulation({ seed: 5, borrowers: 100, start: '2024-01-01' })
    const seen = new Set<string>()
    for (let day = 0; day < 90; day++) {
      for (const line of Buffer.from(simulation.writeDay().lines).toString('utf8').split('\n')) {
        const event = line === '' ? undefined : (JSON.parse(line) as { type: string })
        if (event === undefined || event.type === 'tenant.configured') continue
        expect(compare(event.type, event)).toBe('equal')
        seen.add(event.type)
      }
    }
    expect(seen.size).toBeGreaterThan(4)
  })
})

describe('the quick check of an event that may be anything', () => {
  it.each(Object.keys(WHOLE))('%s: every field with every strange value says what zod says or nothing', (type) => {
    const told = { equal: 0, abstained: 0, refused: 0 }
    for (const path of pathsOf(copyOf(type))) {
      for (const strange of STRANGE) {
        const event = copyOf(type)
        at(event, path)[path.at(-1) as string] = strange
        told[compare(type, event)]++
      }
    }
    expect(told.equal).toBeGreaterThan(50)
    expect(told.refused).toBeGreaterThan(500)
    expect(told.abstained).toBe(0)
  })

  it('several fields changed, removed, added or moved at once', () => {
    const key = fc.oneof(fc.constantFrom('loan', 'amount_minor', 'id', 'x', 'specversion', 'toString'), fc.string())
    const change = fc.record({
      where: fc.nat(),
      how: fc.constantFrom('set', 'remove', 'add', 'reverse'),
      key,
      value: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...STRANGE) }, fc.jsonValue(), fc.integer(), fc.double()),
    })
    const told = { equal: 0, abstained: 0, refused: 0 }
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(WHOLE)),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (type, changes) => {
          const event = copyOf(type)
          for (const { where, how, key: name, value } of changes) apply(event, where, how, name, value)
          told[compare(type, event)]++
        },
      ),
      { seed: 11, numRuns: 3000 },
    )
    expect(told.equal).toBeGreaterThan(100)
    expect(told.refused).toBeGreaterThan(100)
    expect(told.abstained).toBe(0)
  })

  it('notices keys that are unknown, wherever they stand, and leaves a key without a value to zod', () => {
    const check = checks.get('loan.disbursed')?.check as typeof quickCheck
    for (const path of [['extra'], ['data', 'extra'], ['data', 'schedule', '1', 'extra']]) {
      const event = copyOf('loan.disbursed')
      const noticed = { has_unknown: false }
      expect(check(event, noticed)).toBeDefined()
      expect(noticed.has_unknown).toBe(false)
      at(event, path)['extra'] = { name: 'someone' }
      expect(JSON.stringify(check(event, noticed))).not.toContain('someone')
      expect(noticed.has_unknown).toBe(true)
    }
    expect(check({ ...copyOf('loan.disbursed'), tenant: undefined }, { has_unknown: false })).toBeUndefined()
  })
})

function apply(event: Json, where: number, how: string, key: string, value: unknown): void {
  const paths = pathsOf(event)
  const path = paths[where % paths.length]
  if (path === undefined) return
  const owner = at(event, path)
  const name = path.at(-1) as string
  if (how === 'set') owner[name] = value
  else if (how === 'remove') delete owner[name]
  else if (how === 'add') owner[key] = value
  else
    for (const [one, inner] of Object.entries(owner).toReversed()) {
      if (Array.isArray(owner)) return
      delete owner[one]
      owner[one] = inner
    }
}

describe('making a quick check', () => {
  it('of a least length counts no character twice, as zod does not', () => {
    const schema = z.object({ a: z.string().min(2) })
    const check = compileCheck(schema)
    for (const a of ['', 'a', 'ab', 'abcd', '😀', '😀😀']) {
      const quick = check({ a }, { has_unknown: false })
      if (quick !== undefined) expect(schema.safeParse({ a }).data).toEqual(quick)
    }
    expect(check({ a: 'abcd' }, { has_unknown: false })).toEqual({ a: 'abcd' })
  })

  it.each([
    ['an object that keeps what it does not know', z.looseObject({ a: z.string() })],
    ['a text that is changed', z.object({ a: z.string().trim() })],
    ['a format', z.object({ a: z.email() })],
    ['coercion', z.object({ a: z.coerce.number() })],
    ['a union that types do not tell apart', z.object({ a: z.union([z.string(), z.enum(['b'])]) })],
    ['a type that the contract does not use', z.object({ a: z.boolean() })],
  ])('of %s fails at once, rather than to say less than zod', (_, schema) => {
    expect(() => compileCheck(schema)).toThrow(/no quick check/)
  })

  it('of the contract comes nowhere near the depth that is refused', () => {
    expect(
      Math.max(...Object.keys(WHOLE).map((type) => Math.max(...pathsOf(copyOf(type)).map((p) => p.length)))),
    ).toBeLessThan(EVENT_DEPTH_MAX)
  })
})
