import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PACKED_ROWS_MAX, PackedRows, type RowColumns } from '../../../features/streams/packed-rows.ts'
import { TransactionColumns } from '../../../features/streams/transaction-rows.ts'
import { calendarOf, MS_PER_DAY } from '../../../features/time.ts'

const SEED = 20_260_601
const RUNS = 60
const CAPACITY = 4096
const TRAITS_END = 2 ** 30
const PARTY_END = 2 ** 48
const BORROWERS = 3

type Row = { day: number; ms: number; amount: number; balance: number; party: number; traits: number; account: number }

/** What a format ends at, one below and above, and what the contract bounds. */
const edges = (...ends: number[]) => fc.constantFrom(...ends.flatMap((end) => [end - 1, end, end + 1]))
const amount = fc.oneof(
  { arbitrary: fc.nat(2_000_000), weight: 8 },
  { arbitrary: edges(2 ** 25, 2 ** 32, 2 ** 36), weight: 1 },
  { arbitrary: fc.constantFrom(2 ** 44 - 1, 1), weight: 1 },
)
const balance = fc.oneof(
  { arbitrary: fc.integer({ min: -1_000_000, max: 3_000_000 }), weight: 8 },
  { arbitrary: edges(2 ** 25, -(2 ** 25), 2 ** 32, -(2 ** 36), 2 ** 36), weight: 1 },
  { arbitrary: fc.constantFrom(2 ** 44 - 1, -(2 ** 44)), weight: 1 },
)
/** Most rows are everyday ones: what is out of the ordinary makes all rows of a borrower wider. */
const ordinary = fc.record({
  day: fc.integer({ min: 20_000, max: 20_200 }),
  ms: fc.nat(MS_PER_DAY - 1),
  amount: fc.nat(2_000_000),
  balance: fc.integer({ min: -1_000_000, max: 3_000_000 }),
  party: fc.oneof(
    fc.constant(0),
    fc.nat(150).map((n) => (n + 1) * 1_000_003 * 65_521),
  ),
  traits: fc.nat(TRAITS_END - 1),
  account: fc.nat(15),
})
const unusual = fc.record({
  day: fc.oneof(fc.integer({ min: 19_400, max: 21_000 }), fc.constantFrom(-1, 0, 65_535, 65_024, 57_344)),
  ms: fc.constantFrom(0, MS_PER_DAY - 1),
  amount,
  balance,
  party: fc.oneof(
    fc.constantFrom(1, PARTY_END - 1, 2 ** 32, 2 ** 32 - 1),
    fc.maxSafeNat().map((n) => n % PARTY_END),
  ),
  traits: fc.constantFrom(0, TRAITS_END - 1),
  account: fc.constantFrom(15, 16, 127),
})
const step = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      row: ordinary,
      place: fc.double({ min: 0.9, max: 1, noNaN: true }),
    }),
    weight: 60,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      row: unusual,
      place: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({ kind: fc.constant('turn' as const), place: fc.double({ min: 0, max: 0.99, noNaN: true }) }),
    weight: 10,
  },
  {
    arbitrary: fc.record({ kind: fc.constant('drop' as const), place: fc.double({ min: 0, max: 1, noNaN: true }) }),
    weight: 1,
  },
)
const borrower = fc.nat(BORROWERS - 1)

const calendar = calendarOf('Asia/Shanghai')

function columnsOf(rows: readonly Row[]): TransactionColumns {
  const columns = new TransactionColumns(Math.max(CAPACITY, rows.length))
  columns.start = 3
  columns.length = rows.length
  rows.forEach((row, k) => {
    const at = columns.start + k
    columns.times[at] = calendar.startOfDay(row.day) + row.ms
    columns.days[at] = row.day
    columns.amounts[at] = row.amount
    columns.balances[at] = row.balance
    columns.parties[at] = row.party
    columns.traits[at] = row.traits
    columns.accounts[at] = row.account
  })
  return columns
}

/** All rows of a borrower as they are unpacked. */
function unpacked(packed: PackedRows, borrower: number, zone = calendar): Row[] {
  const rows = packed.open(borrower)
  expect(packed.count(borrower)).toBe(rows)
  const columns: RowColumns = new TransactionColumns(CAPACITY)
  packed.unpack(borrower, columns, rows, zone)
  return Array.from({ length: rows }, (_, i) => ({
    day: columns.days[i] as number,
    ms: (columns.times[i] as number) - calendar.startOfDay(columns.days[i] as number),
    amount: columns.amounts[i] as number,
    balance: columns.balances[i] as number,
    party: columns.parties[i] as number,
    traits: columns.traits[i] as number,
    account: columns.accounts[i] as number,
  }))
}

function insert(packed: PackedRows, borrower: number, rows: Row[], row: Row, at: number): void {
  rows.splice(at, 0, row)
  packed.open(borrower)
  const columns = columnsOf(rows)
  if (!packed.insert(borrower, columns, columns.start + at, calendar)) packed.replace(borrower, columns, calendar)
}

describe('packed rows', () => {
  it(`are unpacked as they were, whatever their values (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(borrower, step), { minLength: 10, maxLength: 300, size: 'max' }), (steps) => {
        const packed = new PackedRows()
        const plain: Row[][] = Array.from({ length: BORROWERS }, () => [])
        for (const [who, one] of steps) {
          const rows = plain[who] as Row[]
          const place = Math.floor(one.place * (one.kind === 'turn' ? rows.length : rows.length + 0.999))
          if (one.kind === 'insert') insert(packed, who, rows, one.row, place)
          else if (one.kind === 'turn') {
            const row = rows[place]
            if (row === undefined) continue
            packed.open(who)
            packed.turn(who, place, 1 << 26)
            row.traits ^= 1 << 26
          } else if (rows.length > 0) {
            rows.splice(0, place)
            packed.open(who)
            if (packed.isWide && place % 2 === 0) packed.dropWide(who, place)
            else packed.replace(who, columnsOf(rows), calendar)
          }
        }
        plain.forEach((rows, who) => {
          expect(unpacked(packed, who)).toEqual(rows)
          expect(unpacked(packed, who, calendarOf('Asia/Shanghai'))).toEqual(rows)
        })
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })

  const everyday: Row = { day: 20_000, ms: 5, amount: 900, balance: -3, party: 7 ** 16, traits: 5, account: 1 }

  it.each([
    ['an everyday one', {}, 4],
    ['a large amount', { amount: 2 ** 25 }, 5],
    ['a larger amount', { amount: 2 ** 36 }, 7],
    ['a large balance', { balance: 2 ** 25 }, 5],
    ['a deep overdraft', { balance: -(2 ** 36) - 1 }, 7],
    ['a sixteenth account', { account: 16 }, 5],
    ['a day two years off', { day: 20_700 }, 5],
    ['a day thirty years off', { day: 31_000 }, 7],
  ] as const)('take as few words as all of a borrower allow: %s', (_, other, words) => {
    const packed = new PackedRows()
    const rows: Row[] = []
    for (let k = 0; k < 50; k++) insert(packed, 0, rows, everyday, k)
    insert(packed, 0, rows, { ...everyday, ...other }, 50)
    const parties = words === 7 ? 0 : 2
    expect(packed.runs.length(0)).toBe(1 + 51 * words + parties)
    expect(unpacked(packed, 0)).toEqual(rows)
    // Without that one they are everyday rows again.
    rows.pop()
    packed.replace(0, columnsOf(rows), calendar)
    expect(packed.runs.length(0)).toBe(1 + 50 * 4 + 2)
    expect(unpacked(packed, 0)).toEqual(rows)
  })

  it('become wide ones where there are many parties or rows', () => {
    const packed = new PackedRows()
    const rows: Row[] = []
    const words: number[] = []
    for (let k = 0; k <= PACKED_ROWS_MAX; k++) {
      insert(packed, 0, rows, { ...everyday, party: PARTY_END - 1 - k * 65_537 }, k)
      words.push(packed.runs.length(0))
    }
    const partyWords = (count: number) => count + Math.ceil(count / 2)
    expect(words[126]).toBe(1 + 127 * 4 + partyWords(127))
    expect(words[127]).toBe(1 + 128 * 5 + partyWords(128))
    expect(words[1022]).toBe(1 + 1023 * 5 + partyWords(1023))
    expect(words[1023]).toBe(1 + 1024 * 7)
    expect(unpacked(packed, 0)).toEqual(rows)
  })
})
