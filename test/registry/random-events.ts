import fc from 'fast-check'
import type { AvroObject, AvroType } from './records.ts'

/** Random events of every type that `event.avsc` has, as JSON has them: most are valid, the others are refused by the contract. */

const DAY_MAX = 65_535
const MS_PER_DAY = 86_400_000
const TIME_MS_MAX = 4_000_000_000_000
/** Beyond 2^52 avsc writes some negative longs as others. */
const EXACT_MAX = 4_500_000_000_000_000
const TOKENS = new Set(
  'id source subject tenant loan account counterparty merchant guarantor payer repayment institution'.split(' '),
)

type Json = Record<string, unknown>

const token = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)), minLength: 1 })
const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const date = fc.integer({ min: 0, max: DAY_MAX }).map(dateText)
const amount = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 10_000_000_000_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -EXACT_MAX, max: EXACT_MAX }) },
)

function dateText(day: number): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10)
}

export function randomEvents(schema: AvroObject): {
  readonly types: readonly string[]
  readonly event: fc.Arbitrary<Json>
} {
  const named = new Map<string, fc.Arbitrary<unknown>>()
  const data = schema.fields?.find(({ name }) => name === 'data')?.type as readonly AvroObject[]
  // `LoanWrittenOff` is of `loan.written_off`.
  const types = data.map(({ name = '' }) =>
    name
      .replace(/(?!^)[A-Z]/, '.$&')
      .replaceAll(/(?!^)(?<!\.)[A-Z]/g, '_$&')
      .toLowerCase(),
  )
  const events = data.map((one, i) =>
    fc
      .record({
        id: token,
        source: token,
        type: fc.constant(types[i]),
        time: fc.integer({ min: 0, max: TIME_MS_MAX }),
        subject: token,
        data: arbitraryOf('data', one, named) as fc.Arbitrary<Json>,
        isMended: fc.integer({ min: 0, max: 9 }).map((chance) => chance > 0),
      })
      .map(({ isMended, ...event }) => (isMended ? mended(event) : event)),
  )
  return { types, event: fc.oneof(...events) }
}

function arbitraryOf(field: string, type: AvroType, named: Map<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  if (typeof type === 'string') return named.get(type) ?? leaf(field, type)
  if (Array.isArray(type)) return arbitraryOf(field, (type as readonly AvroType[])[1] as AvroType, named)
  const one = type as AvroObject
  if (one.items !== undefined) return fc.array(arbitraryOf(field, one.items, named), { minLength: 1, maxLength: 4 })
  if (one.symbols !== undefined) return fc.constantFrom(...one.symbols)
  if (one.fields === undefined) return leaf(field, one.logicalType ?? '')
  const fields = Object.fromEntries(one.fields.map(({ name, type: of }) => [name, arbitraryOf(name, of, named)]))
  const requiredKeys = one.fields.filter((f) => !Array.isArray(f.type)).map(({ name }) => name)
  const record = fc.record(fields, { requiredKeys })
  if (one.name !== undefined) named.set(one.name, record)
  return record
}

function leaf(field: string, type: string): fc.Arbitrary<unknown> {
  if (type === 'date') return date
  if (type === 'timestamp-millis') return fc.integer({ min: 0, max: TIME_MS_MAX })
  if (type === 'double') return fc.double({ noNaN: true, noDefaultInfinity: true })
  if (type === 'long') return amount
  if (field === 'currency') return fc.constantFrom('CNY', 'USD', 'cny')
  if (field === 'mcc') return fc.integer({ min: 0, max: 9999 }).map((code) => String(code).padStart(4, '0'))
  return TOKENS.has(field) ? token : label
}

/** Makes what must sum up sum up, and dates rise. */
function mended<Event extends { readonly data: Json }>(event: Event): Event {
  const data = { ...event.data }
  const { schedule, split } = data as { schedule?: Json[]; split?: Record<string, number> }
  const sumTo = (field: string, parts: readonly number[]) => {
    const sum = parts.reduce((all, part) => all + part, 0)
    if (field in data && Math.abs(sum) <= EXACT_MAX) data[field] = sum
  }
  if (schedule !== undefined) {
    data['schedule'] = schedule.map((one, i) => ({ ...one, due_date: dateText(DAY_MAX - schedule.length + i) }))
    sumTo(
      'principal_minor',
      schedule.map((one) => one['principal_minor'] as number),
    )
  }
  if (split !== undefined) sumTo('amount_minor', Object.values(split))
  return { ...event, data }
}
