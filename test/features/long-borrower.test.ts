import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { type BorrowerEvent, FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { LONG_ROWS } from '../../features/streams/transaction-rows.ts'
import { TRAIT } from '../../features/streams/transactions.ts'
import { MS_PER_DAY, MS_PER_HOUR } from '../../features/time.ts'
import { decoded } from '../pipelines/engine/one-borrower.ts'
import { disbursement, noon, repayment, transaction } from '../pipelines/run/events.ts'
import { COLUMNS } from './engine-run.ts'

const SEED = 20_260_301
const RUNS = 24
const SUBJECT = 'heavy'
/** Rows before the first step, so that it is long from then on. */
const ROWS_FIRST = LONG_ROWS + 200
/** The largest amount that is taken: a thousand of them are more than a double holds exactly. */
const AMOUNT_MAX = 10_000_000_000_000
const ROWS_TOO_LARGE = 4000
const VALUES_COMPARED_MIN = 200_000

/** Numbers that spread like random ones, from a seed of the case's own. */
function createDraw(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) % below
  }
}

const KINDS = ['employer', 'person', 'merchant', 'lender', 'securities', 'own_account']

/** A transaction of the mixture that the facts tell apart; `largest` is its amount at most. */
function drawn(draw: (below: number) => number, largest: number): Record<string, unknown> {
  const parties = draw(2) === 0 ? 5 : 150
  const kind = KINDS[draw(KINDS.length)]
  const amount_minor = largest === AMOUNT_MAX ? largest - draw(1000) : 1 + (draw(largest) % largest)
  const balance = draw(12) === 0 ? {} : { balance_after_minor: (draw(4) - 1) * Math.floor(largest / 2.3) + draw(100) }
  const incoming = { direction: 'in', counterparty: `c${draw(parties)}`, counterparty_kind: kind }
  const salary = { direction: 'in', counterparty: 'employer', counterparty_kind: 'employer', category: 'salary' }
  const card = { direction: 'out', merchant: `m${draw(parties)}`, mcc: '5411', entry_mode: 'chip' }
  const out = { direction: 'out', counterparty: `c${draw(parties)}`, counterparty_kind: kind }
  const failed = { direction: 'out', category: 'failed_debit' }
  const what = [incoming, incoming, salary, card, card, card, out, out, failed, { direction: 'in' }][draw(10)]
  return { amount_minor, ...balance, ...what, account: `a${draw(3)}` }
}

type Step =
  | { readonly kind: 'append'; readonly count: number; readonly gap_ms: number; readonly largest: number }
  | { readonly kind: 'late'; readonly count: number; readonly back_ms: number }
  | { readonly kind: 'wait'; readonly days: number }
  | { readonly kind: 'loan' }
  | { readonly kind: 'reopen' }

const largest = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(1000, 1_000_000, 50_000_000) },
  { weight: 1, arbitrary: fc.constant(AMOUNT_MAX) },
)
const back_ms = fc.constantFrom(0, 1, MS_PER_HOUR, 3 * MS_PER_DAY, 40 * MS_PER_DAY, 100 * MS_PER_DAY, 190 * MS_PER_DAY)
const gap_ms = fc.constantFrom(0, 7, MS_PER_HOUR, MS_PER_HOUR * 5, MS_PER_HOUR * 11)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('append'), count: fc.integer({ min: 1, max: 150 }), gap_ms, largest }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('late'), count: fc.integer({ min: 1, max: 6 }), back_ms }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), days: fc.integer({ min: 1, max: 25 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('loan') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
)

const evaluateLong = compileCatalogue(CATALOGUE)
const evaluatePlainly = compileCatalogue(CATALOGUE, Number.POSITIVE_INFINITY)

/** One borrower, whose events are applied one by one, and compared are the two ways of computing all features. */
class Comparison {
  readonly partition = new FeaturePartition(1, 1)
  readonly #draw: (below: number) => number
  readonly #long = new Float64Array(COLUMNS.length)
  readonly #plain = new Float64Array(COLUMNS.length)
  #applied = 0
  compared = 0
  time = noon(0)

  constructor(seed: number) {
    this.#draw = createDraw(seed)
  }

  #apply(raw: Parameters<typeof decoded>[0]): void {
    const applied = this.partition.apply(decoded(raw) as BorrowerEvent, this.#applied)
    if (applied.kind !== 'applied') throw new Error(JSON.stringify(applied))
    this.#applied++
  }

  append(count: number, gap_ms: number, most: number, comparedEach: number): void {
    for (let k = 1; k <= count; k++) {
      this.time += this.#draw(gap_ms + 1)
      this.#apply(transaction(`t${this.#applied}`, this.time, SUBJECT, drawn(this.#draw, most)))
      if (k % comparedEach === 0) this.compare()
    }
  }

  /** What one payer pays on some days, counted from now. */
  pay(counterparty: string, days: readonly number[]): void {
    const data = { amount_minor: 5000, counterparty, counterparty_kind: 'person' }
    for (const day of days) this.#apply(transaction(`t${this.#applied}`, this.time + day * MS_PER_DAY, SUBJECT, data))
  }

  take(one: Step): void {
    const draw = this.#draw
    if (one.kind === 'append') this.append(one.count, one.gap_ms, one.largest, 1 + draw(40))
    else if (one.kind === 'late') {
      for (let k = 0; k < one.count; k++) {
        const time = Math.max(noon(0), this.time - draw(one.back_ms + 1))
        this.#apply(transaction(`t${this.#applied}`, time, SUBJECT, drawn(draw, 1_000_000)))
        if (draw(2) === 0) this.compare()
      }
    } else if (one.kind === 'wait') this.time += one.days * MS_PER_DAY
    else if (one.kind === 'reopen') this.partition.transactions.forget()
    else {
      const loan = `l${this.#applied}`
      this.#apply(disbursement(`d${this.#applied}`, this.time, SUBJECT, loan))
      this.#apply(repayment(`r${this.#applied}`, this.time, SUBJECT, loan))
    }
    this.compare()
  }

  /** Computes all features both ways. */
  compare(): void {
    const borrower = this.partition.borrowers[0] as Borrower
    evaluateLong(borrower, this.#long, 0)
    evaluatePlainly(borrower, this.#plain, 0)
    const differing = COLUMNS.flatMap((name, k) =>
      Object.is(this.#long[k], this.#plain[k]) ? [] : [`${name}: ${this.#long[k]}, plainly ${this.#plain[k]}`],
    )
    expect(differing).toEqual([])
    if (borrower.transactions.length > LONG_ROWS) this.compared += COLUMNS.length
  }

  valueOf(name: string): number | undefined {
    return this.#long[COLUMNS.indexOf(name)]
  }

  /** Every party's latest row of a kind has the bit that says so, and no other row. */
  checkLastRows(): void {
    const { traits, parties, start, length } = (this.partition.borrowers[0] as Borrower).transactions
    for (const [where, last] of [
      [TRAIT.OUT | TRAIT.PARTY, TRAIT.LAST_OUT],
      [TRAIT.CARD, TRAIT.LAST_CARD],
    ] as const) {
      const seen = new Set<number>()
      for (let i = start + length - 1; i >= start; i--) {
        const isOfKind = ((traits[i] as number) & where) === where
        const isLast = isOfKind && !seen.has(parties[i] as number)
        if (isOfKind) seen.add(parties[i] as number)
        expect(((traits[i] as number) & last) !== 0, `row ${i - start}`).toBe(isLast)
      }
    }
  }
}

describe(`a borrower with very many rows (seed ${SEED})`, () => {
  it('gets the values of a walk through its rows, bit for bit, whatever comes, comes late or expires', () => {
    let compared = 0
    fc.assert(
      fc.property(fc.nat(), fc.array(step, { minLength: 12, maxLength: 30 }), (seed, steps) => {
        const comparison = new Comparison(seed)
        comparison.append(ROWS_FIRST, MS_PER_HOUR * 3, 1_000_000, ROWS_FIRST)
        for (const one of steps) comparison.take(one)
        comparison.checkLastRows()
        compared += comparison.compared
      }),
      { seed: SEED, numRuns: RUNS },
    )
    expect(compared).toBeGreaterThan(VALUES_COMPARED_MIN)
  }, 240_000)

  it('has of regular payers of the same sum the one that paid last, at one instant the one later in the log', () => {
    const comparison = new Comparison(SEED)
    comparison.append(ROWS_FIRST, MS_PER_HOUR, 1000, ROWS_FIRST)
    comparison.time += MS_PER_DAY
    const cadence = () => comparison.valueOf('regular_income_cadence_days')
    comparison.pay('x', [-60, -40, -20, 0])
    comparison.compare()
    expect(cadence()).toBe(20)
    comparison.pay('y', [-30, -20, -10, 0])
    comparison.compare()
    expect(cadence()).toBe(10)
    comparison.pay('x', [20])
    comparison.pay('y', [10])
    comparison.time += 20 * MS_PER_DAY
    comparison.compare()
    expect(cadence()).toBe(20)
    comparison.time += 175 * MS_PER_DAY
    comparison.append(3, 1, 1000, 1)
  })

  it('gets them also while the sums are too large for doubles, and when they are so no more', () => {
    const comparison = new Comparison(SEED)
    comparison.append(ROWS_TOO_LARGE, MS_PER_HOUR / 2, AMOUNT_MAX, ROWS_TOO_LARGE / 10)
    for (let k = 0; k < 12; k++) {
      comparison.take({ kind: 'wait', days: 10 })
      comparison.take({ kind: 'append', count: 20, gap_ms: MS_PER_HOUR, largest: 1000 })
      comparison.take({ kind: 'late', count: 3, back_ms: 2 * MS_PER_DAY })
    }
    expect(comparison.partition.borrowers[0]?.transactions.length).toBeGreaterThan(LONG_ROWS)
    comparison.checkLastRows()
  }, 60_000)
})
