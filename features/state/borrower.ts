import type { EventOf, EventType } from '../events/contract.ts'
import type { Loan } from '../ledger/loan.ts'
import { emptySegment } from './segments.ts'
import type { Tenant } from './tenant.ts'

/** Types that wait for a loan not known yet. */
export type LoanEventType =
  | 'loan.restructured'
  | 'loan.written_off'
  | 'loan.closed'
  | 'repayment.received'
  | 'repayment.reversed'

export type HeldEvent = {
  readonly offset: number
  readonly event: EventOf<LoanEventType & EventType>
  /** It becomes the dead letter `unknown_loan` when this many of the borrower's days have closed. */
  readonly expires_after_closings: number
}

const NO_LOANS: Loan[] = []
const NO_TIMES: number[] = []

/** Everything foreshock remembers of one borrower, apart from decisions. */
export class Borrower {
  readonly tenant: Tenant
  readonly token: string
  /** Place in the partition's list of borrowers: the order of first appearance in the log. */
  readonly index: number
  readonly slice: number

  /** As-of time of the latest evaluation: the largest event time seen, ticks included; −Infinity before any. */
  time = Number.NEGATIVE_INFINITY
  readonly transactions = emptySegment()
  readonly queries = emptySegment()
  /** Smallest time of a transaction received. */
  transactions_since = Number.POSITIVE_INFINITY
  last_balance_minor = Number.NaN
  last_balance_time = Number.NEGATIVE_INFINITY
  last_salary_time = Number.NEGATIVE_INFINITY
  /** End of the latest report date of a bureau query. */
  report_end = Number.NEGATIVE_INFINITY
  loans: Loan[] = NO_LOANS
  held: HeldEvent[] | null = null
  litigation_times: number[] = NO_TIMES
  enforcement_times: number[] = NO_TIMES
  guarantor_default_times: number[] = NO_TIMES

  constructor(tenant: Tenant, token: string, index: number, slice: number) {
    this.tenant = tenant
    this.token = token
    this.index = index
    this.slice = slice
  }

  /** Has a loan that is neither closed nor written off. */
  isExposed(): boolean {
    for (const loan of this.loans) if (loan.status === 'open') return true
    return false
  }

  findLoan(token: string): Loan | undefined {
    for (const loan of this.loans) if (loan.terms.loan === token) return loan
    return undefined
  }

  addLoan(loan: Loan): void {
    if (this.loans === NO_LOANS) this.loans = [loan]
    else this.loans.push(loan)
  }

  /** Adds the time of a public-record signal; other kinds are stored in the log alone for now. */
  addSignal(kind: string, time: number): void {
    const field = SIGNAL_FIELDS.get(kind)
    if (field === undefined) return
    if (this[field] === NO_TIMES) this[field] = [time]
    else this[field].push(time)
  }
}

const SIGNAL_FIELDS: ReadonlyMap<string, 'litigation_times' | 'enforcement_times' | 'guarantor_default_times'> =
  new Map([
    ['litigation', 'litigation_times'],
    ['enforcement', 'enforcement_times'],
    ['guarantor_default', 'guarantor_default_times'],
  ] as const)
