import { z } from 'zod'
import { classification, inspectionRecorded, loanClassified } from './classification.ts'
import {
  amountMinor,
  businessDate,
  currency,
  instant,
  label,
  merchantCategoryCode,
  positiveAmountMinor,
  signedAmountMinor,
  sortedObject,
  token,
} from './fields.ts'
import {
  loanBilled,
  loanCharged,
  loanClosed,
  loanDisbursed,
  loanDrawn,
  loanOpened,
  loanPaused,
  loanRestructured,
  loanWaived,
  loanWrittenOff,
  repaymentReceived,
  repaymentReversed,
} from './loans.ts'

export type { Instalment, RepaymentSplit } from './loans.ts'

/**
 * The event contract. One entry per type and version; everything that enters foreshock is one of these.
 * Unknown fields are dropped at the door and counted: there is no field for a name, a phone or an identity number.
 */

const transactionPosted = sortedObject({
  account: token,
  /** `credit` where the account spends a credit line; anything else is the borrower's own money. */
  account_kind: label.optional(),
  direction: z.enum(['in', 'out']),
  currency,
  amount_minor: positiveAmountMinor,
  balance_after_minor: signedAmountMinor.optional(),
  counterparty: token.optional(),
  counterparty_kind: label.optional(),
  merchant: token.optional(),
  mcc: merchantCategoryCode.optional(),
  channel: label.optional(),
  entry_mode: label.optional(),
  category: label.optional(),
})

const bureauQueried = sortedObject({
  institution: token,
  institution_type: label.optional(),
  reason: label,
  queried_at: instant,
  report_date: businessDate.optional(),
})

/** Figures of a business borrower's financial statement over the year that ends on `period_end`, minor units. */
const financialStatement = sortedObject({
  period_end: businessDate,
  current_assets_minor: amountMinor.optional(),
  current_liabilities_minor: amountMinor.optional(),
  total_assets_minor: amountMinor.optional(),
  total_liabilities_minor: amountMinor.optional(),
  receivables_minor: amountMinor.optional(),
  inventory_minor: amountMinor.optional(),
  revenue_minor: amountMinor.optional(),
  cost_of_sales_minor: amountMinor.optional(),
  operating_profit_minor: signedAmountMinor.optional(),
  interest_expense_minor: amountMinor.optional(),
  net_profit_minor: signedAmountMinor.optional(),
})
export type FinancialStatement = z.output<typeof financialStatement>

/**
 * What others report: `litigation`, `enforcement` (their `amount_minor`), `guarantor_default`, `collateral_valuation`
 * (`amount_minor` is the value, `reference` the collateral), `financial_statement`, `technical_overdue` (`reference` is the
 * loan), `debts_overdue_share` (`value`: of the debts at all banks, the share over 90 days overdue), and without a subject
 * `industry_index` and `region_index` (`value`, and the industry or region as `reference`).
 */
const signalReported = sortedObject({
  kind: label,
  reported_at: instant,
  amount_minor: signedAmountMinor.optional(),
  value: z.number().optional(),
  reference: label.optional(),
  statement: financialStatement.optional(),
})

/** A contact of collection with the borrower: `channel` such as call, message, visit; `result` as the platform words it. */
const contactRecorded = sortedObject({
  loan: token.optional(),
  channel: label,
  result: label.optional(),
  contacted_at: instant,
})

/** First DPD of each past due bucket; the last is open upwards. */
export const DEFAULT_BUCKETS_DPD: readonly number[] = [1, 31, 61, 91, 121, 151, 181]

const tenantConfigured = sortedObject({
  zone: z
    .string()
    .max(64)
    .refine((zone) => isTimeZone(zone), 'is not a time zone')
    .default('Asia/Shanghai'),
  currency: currency.default('CNY'),
  buckets: z
    .array(z.int().min(1).max(3650))
    .min(1)
    .max(12)
    .refine((lowers) => lowers.every((lower, i) => i === 0 || lower > lowers[i - 1]!), 'must rise')
    .default([...DEFAULT_BUCKETS_DPD]),
  grace_days: z.int().min(0).max(365).default(0),
  grace_counts: z.enum(['from_due_date', 'after_grace']).default('from_due_date'),
  /**
   * How a payment without a split is allocated: by instalment, oldest first and inside it fee, penalty, interest, principal,
   * which is what nobody has to say; or by part over all that is due. In force for loans that begin after it.
   */
  allocation: z.enum(['by_instalment', 'by_part']).optional(),
  /** The tenant's own institution token, left out of its multi-lender counts. */
  institution: token.optional(),
  classification: classification.optional(),
})
export type TenantConfiguration = z.output<typeof tenantConfigured>

/** What a tenant has that never configured anything. */
export const DEFAULT_TENANT_CONFIGURATION: TenantConfiguration = tenantConfigured.parse({})

const dayClosed = sortedObject({
  date: businessDate,
  slice: z.int().min(0),
  slices: z.int().min(1),
})

const definitionsPublished = sortedObject({
  features: z.array(token),
  rules: z.array(token),
  model: token.nullable(),
  decision: token,
})
export type PublishedDefinitions = z.output<typeof definitionsPublished>

/** What outsiders send: type → schema of `data`. The version of each is 1. */
export const businessEvents = {
  'loan.disbursed': loanDisbursed,
  'loan.opened': loanOpened,
  'loan.charged': loanCharged,
  'loan.waived': loanWaived,
  'loan.paused': loanPaused,
  'loan.drawn': loanDrawn,
  'loan.billed': loanBilled,
  'loan.restructured': loanRestructured,
  'loan.written_off': loanWrittenOff,
  'loan.closed': loanClosed,
  'loan.classified': loanClassified,
  'repayment.received': repaymentReceived,
  'repayment.reversed': repaymentReversed,
  'transaction.posted': transactionPosted,
  'bureau.queried': bureauQueried,
  'signal.reported': signalReported,
  'contact.recorded': contactRecorded,
  'inspection.recorded': inspectionRecorded,
} as const

/** What foreshock appends itself. Of these only `tenant.configured` may also come first in a file. */
export const controlEvents = {
  'tenant.configured': tenantConfigured,
  'day.closed': dayClosed,
  'definitions.published': definitionsPublished,
} as const

export const eventSchemas = { ...businessEvents, ...controlEvents } as const
export type EventType = keyof typeof eventSchemas
export type EventData<Type extends EventType> = z.output<(typeof eventSchemas)[Type]>

/** The one version that each type has now. */
export const EVENT_VERSION = 1

const envelope = {
  id: token,
  source: token,
  version: z.literal(EVENT_VERSION).default(EVENT_VERSION),
  time: instant,
  tenant: token.optional(),
}

function businessEvent<Type extends keyof typeof businessEvents>(type: Type) {
  // An index of an industry or a region concerns nobody in particular, so it has no subject.
  const subject = type === 'signal.reported' ? token.optional() : token
  return z.object({
    ...envelope,
    type: z.literal(type),
    subject,
    data: businessEvents[type],
  })
}

/** Everything that may stand in a file or a request: one discriminated union on `type`. */
export const incomingEvent = z.discriminatedUnion('type', [
  businessEvent('loan.disbursed'),
  businessEvent('loan.opened'),
  businessEvent('loan.charged'),
  businessEvent('loan.waived'),
  businessEvent('loan.paused'),
  businessEvent('loan.drawn'),
  businessEvent('loan.billed'),
  businessEvent('loan.restructured'),
  businessEvent('loan.written_off'),
  businessEvent('loan.closed'),
  businessEvent('loan.classified'),
  businessEvent('repayment.received'),
  businessEvent('repayment.reversed'),
  businessEvent('transaction.posted'),
  businessEvent('bureau.queried'),
  businessEvent('signal.reported'),
  businessEvent('contact.recorded'),
  businessEvent('inspection.recorded'),
  z.object({
    ...envelope,
    type: z.literal('tenant.configured'),
    data: tenantConfigured,
  }),
])

/** One decoded event: envelope and checked data. `subject` is '' where the event concerns nobody in particular. */
export type EventOf<Type extends EventType> = Type extends EventType
  ? {
      readonly id: string
      readonly source: string
      readonly type: Type
      readonly version: number
      /** When the source booked the fact, UTC milliseconds. */
      readonly time: number
      readonly tenant: string
      readonly subject: string
      readonly data: EventData<Type>
    }
  : never
export type Event = EventOf<EventType>

/** JSON Schema (draft 2020-12) of what may be sent. */
export function eventJsonSchema(): unknown {
  return z.toJSONSchema(incomingEvent, { io: 'input' })
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
