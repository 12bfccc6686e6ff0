import type { ClassificationConfiguration } from '../events/classification.ts'
import {
  CARD_TABLES,
  type CategoryTable,
  CLAUSE,
  LOAN_TABLES,
  LOSS,
  PASS,
  SPECIAL_MENTION,
  SUBSTANDARD,
  TECHNICAL_DAYS_MAX,
  tableOf,
} from './tables.ts'

/** What was decided of a loan: the place of its category in `CATEGORIES`, and what a row says decided it. */
export type Verdict = { readonly category: number; readonly clause: string }

/** A closed loan has no category. */
export const NO_VERDICT: Verdict = { category: -1, clause: '' }

/**
 * What binds one kind of loan of a tenant. Every verdict but a judgement's is made once, here: the sweep of a day asks for
 * hundreds of thousands.
 */
export class LoanKind {
  /** How rows name table and kind: `loans-2023@1 retail`. */
  readonly name: string
  readonly isRetail: boolean
  /** Whether what the debtor's other debts are binds it. */
  readonly isBound: boolean
  readonly #table: CategoryTable
  readonly pass: Verdict
  /** What it is when the share of debts at all banks would have to be known. */
  readonly #open = new Map<Verdict, Verdict>()
  readonly #overdue: readonly Verdict[]
  readonly technical: Verdict
  readonly debtor: Verdict
  readonly contagion: Verdict
  readonly all_banks: Verdict
  readonly cured: Verdict
  readonly written_off: Verdict
  readonly #restructured: readonly Verdict[]
  readonly #again: readonly Verdict[]

  constructor(tableId: string, kind: 'retail' | 'non-retail' | 'card', hasContagion: boolean) {
    const table = tableOf(tableId)
    this.#table = table
    this.name = `${tableId} ${kind}`
    this.isRetail = kind !== 'non-retail'
    this.isBound = !this.isRetail || hasContagion
    this.pass = this.#verdict(PASS, table.pass)
    this.#overdue = table.overdue.map(({ category, clause }) => this.#verdict(category, clause))
    this.technical = this.#verdict(PASS, CLAUSE.technical)
    this.debtor = this.#verdict(SUBSTANDARD, CLAUSE.debtor)
    this.contagion = this.#verdict(SPECIAL_MENTION, CLAUSE.contagion)
    this.all_banks = this.#verdict(SUBSTANDARD, CLAUSE.all_banks)
    this.cured = this.#verdict(SUBSTANDARD, CLAUSE.cured)
    this.written_off = this.#verdict(LOSS, CLAUSE.written_off)
    const all = [PASS, SPECIAL_MENTION, SUBSTANDARD, LOSS - 1, LOSS]
    this.#restructured = all.map((category) => this.#verdict(category, CLAUSE.restructured))
    this.#again = all.map((category) => this.#verdict(category, CLAUSE.again))
  }

  get exemptsTechnical(): boolean {
    return this.#table.exempts_technical
  }

  /** Largest DPD that is not yet substandard. */
  get substandardAbove(): number {
    return this.#table.overdue.find(({ category }) => category === SUBSTANDARD)?.above ?? Number.POSITIVE_INFINITY
  }

  /** What days past due alone make of it. */
  overdue(dpd: number): Verdict {
    const rows = this.#table.overdue
    let found = this.pass
    for (let k = 0; k < rows.length && dpd > (rows[k]?.above as number); k++) found = this.#overdue[k] as Verdict
    return found
  }

  restructured(category: number, isAgain: boolean): Verdict {
    return (isAgain ? this.#again : this.#restructured)[category] as Verdict
  }

  judgement(category: number, reason: string): Verdict {
    return this.#verdict(category, `${CLAUSE.judgement}: ${reason}`)
  }

  /** The same, saying that it is not known whether article 11(4) would have decided otherwise. */
  inconclusive(verdict: Verdict): Verdict {
    let open = this.#open.get(verdict)
    if (open === undefined) {
      open = { category: verdict.category, clause: `${verdict.clause}, ${CLAUSE.all_banks} inconclusive` }
      // A judgement's verdict is made anew each time and must not pile up here.
      if (this.#open.size < OPEN_MAX) this.#open.set(verdict, open)
    }
    return open
  }

  #verdict(category: number, clause: string): Verdict {
    return { category, clause: `${this.name} ${clause}` }
  }
}

const OPEN_MAX = 16

/** A tenant's choices, with what holds where it chose nothing. */
export class ClassificationRules {
  readonly #retail: LoanKind
  readonly #nonRetail: LoanKind
  readonly #card: LoanKind
  readonly #isRetail: boolean
  readonly #exceptions: ReadonlySet<string>
  readonly #cards: ReadonlySet<string>
  /** Whether any loan of the tenant can be bound by the debtor's other debts. */
  readonly mayBeBound: boolean
  readonly technicalDays: number
  readonly assumesTechnical: boolean

  constructor(configuration: ClassificationConfiguration = {}) {
    const hasContagion = configuration.retail_contagion ?? false
    const loans = configuration.loan_table ?? LOAN_TABLES[0]
    this.#retail = new LoanKind(loans, 'retail', hasContagion)
    this.#nonRetail = new LoanKind(loans, 'non-retail', hasContagion)
    this.#card = new LoanKind(configuration.card_table ?? CARD_TABLES[0], 'card', hasContagion)
    this.#isRetail = configuration.retail ?? true
    this.#exceptions = new Set(configuration.other_products)
    this.#cards = new Set(configuration.card_products)
    this.mayBeBound = hasContagion || !this.#isRetail || this.#exceptions.size > 0
    this.technicalDays = configuration.technical_days ?? TECHNICAL_DAYS_MAX
    this.assumesTechnical = configuration.technical_overdue === 'assumed'
  }

  /** What binds a loan of this product. */
  kindOf(product: string): LoanKind {
    if (this.#cards.size > 0 && this.#cards.has(product)) return this.#card
    const isException = this.#exceptions.size > 0 && this.#exceptions.has(product)
    return this.#isRetail === isException ? this.#nonRetail : this.#retail
  }
}
