import type { EventOf, FinancialStatement } from '../events/contract.ts'
import { dayOfDate, MS_PER_DAY } from '../time.ts'

/** How long reports count, and so are kept. */
export const COURT_DAYS = 365
export const CONTACT_DAYS = 730
/** The same of what decides about a loan's category as of a day: restated days may lie so far back. */
export const CATEGORY_REPORTS_DAYS = 730
/** Collaterals that are told apart, and statements that are kept. */
export const COLLATERALS_MAX = 16
export const STATEMENTS_MAX = 16

export type Dated = { readonly time: number; readonly amount_minor: number }
export type Contact = { readonly time: number; readonly loan: string }
/** `value` is the share of all debts that was over 90 days overdue. */
export type DebtsOverdue = { readonly time: number; readonly value: number }
/** The two latest valuations of one collateral. */
export type Collateral = { readonly reference: string; latest: Dated; previous: Dated | null }
export type Statement = { readonly period_day: number; readonly figures: FinancialStatement }

/** What others reported of a borrower: courts, valuers, statements, contacts. Plain data, rare and short. */
export class Reports {
  litigation: Dated[] = []
  enforcement: Dated[] = []
  guarantor_default: Dated[] = []
  contacts: Contact[] = []
  /** Loans that were past due by a technical cause; what bureaus said of the debts at all banks, by time. */
  technical_overdue: Contact[] = []
  debts_overdue: DebtsOverdue[] = []
  collaterals: Collateral[] = []
  /** By end of period, ties in log order. */
  statements: Statement[] = []

  /** Adds a signal; kinds that no feature reads are in the log alone. `asOf` is the borrower's time with it. */
  addSignal({ time, data }: EventOf<'signal.reported'>, asOf: number): void {
    switch (data.kind) {
      case 'litigation':
      case 'enforcement':
      case 'guarantor_default': {
        const kept = this[data.kind].filter((one) => one.time > asOf - COURT_DAYS * MS_PER_DAY)
        kept.push({ time, amount_minor: data.amount_minor ?? 0 })
        this[data.kind] = kept
        return
      }
      case 'collateral_valuation':
        if (data.amount_minor !== undefined) this.#addValuation(data.reference ?? '', time, data.amount_minor)
        return
      case 'financial_statement':
        if (data.statement !== undefined) this.#addStatement(data.statement)
        return
      case 'technical_overdue':
        this.technical_overdue = this.technical_overdue.filter((one) => isKept(one, asOf))
        this.technical_overdue.push({ time: data.reported_at, loan: data.reference ?? '' })
        return
      case 'debts_overdue_share':
        if (data.value !== undefined) this.#addDebtsOverdue({ time: data.reported_at, value: data.value }, asOf)
    }
  }

  addContact({ data }: EventOf<'contact.recorded'>, asOf: number): void {
    this.contacts = this.contacts.filter((one) => one.time > asOf - CONTACT_DAYS * MS_PER_DAY)
    this.contacts.push({ time: data.contacted_at, loan: data.loan ?? '' })
  }

  /** The latest one is kept however old it is: it is in force. */
  #addDebtsOverdue(added: DebtsOverdue, asOf: number): void {
    const all = [...this.debts_overdue, added].sort((a, b) => a.time - b.time)
    this.debts_overdue = all.filter((one, i) => i === all.length - 1 || isKept(one, asOf))
  }

  /** Only the two latest matter, by time, ties in log order. */
  #addValuation(reference: string, time: number, amount_minor: number): void {
    const valuation = { time, amount_minor }
    const known = this.collaterals.find((one) => one.reference === reference)
    if (known === undefined) {
      if (this.collaterals.length < COLLATERALS_MAX) {
        this.collaterals.push({ reference, latest: valuation, previous: null })
      }
    } else if (time >= known.latest.time) {
      known.previous = known.latest
      known.latest = valuation
    } else if (known.previous === null || time >= known.previous.time) known.previous = valuation
  }

  #addStatement(figures: FinancialStatement): void {
    const period_day = dayOfDate(figures.period_end)
    let at = this.statements.length
    while (at > 0 && (this.statements[at - 1] as Statement).period_day > period_day) at--
    this.statements.splice(at, 0, { period_day, figures })
    if (this.statements.length > STATEMENTS_MAX) this.statements.shift()
  }
}

function isKept({ time }: { readonly time: number }, asOf: number): boolean {
  return time > asOf - CATEGORY_REPORTS_DAYS * MS_PER_DAY
}
