import { z } from 'zod'
import { CARD_TABLES, CATEGORIES, LOAN_TABLES, TECHNICAL_DAYS_MAX } from '../classification/tables.ts'
import { instant, label, sortedObject, token } from './fields.ts'

/** What events say of categories and inspections of loans. */

/** Products that a tenant's classification may name. */
const PRODUCTS_MAX = 1000

/** How the money of a loan is paid out: by the borrower itself (自主支付), or by the lender to the seller (受托支付). */
export const paymentMode = z.enum(['self_directed', 'entrusted'])

/** What a person decided of a loan, from the business date of `classified_at` on: it may be worse than its days past due. */
export const loanClassified = sortedObject({
  loan: token,
  category: z.enum(CATEGORIES),
  reason: label,
  classified_at: instant,
})

/** A check of a loan, or without `loan` of all that the borrower has; `result` as the platform words it. */
export const inspectionRecorded = sortedObject({
  loan: token.optional(),
  kind: label.optional(),
  result: label.optional(),
  inspected_at: instant,
})

/**
 * Which tables bind a tenant's loans: `retail` is what they are, but for those of `other_products`; those of
 * `card_products` are credit card debts.
 */
export const classification = sortedObject({
  retail: z.boolean().optional(),
  other_products: z.array(label).max(PRODUCTS_MAX).optional(),
  card_products: z.array(label).max(PRODUCTS_MAX).optional(),
  /** Whether retail loans, too, are bound by what the debtor's other debts are. */
  retail_contagion: z.boolean().optional(),
  /** A short overdue is exempt where a `technical_overdue` signal names the loan, or always. */
  technical_overdue: z.enum(['reported', 'assumed']).optional(),
  technical_days: z.int().min(0).max(TECHNICAL_DAYS_MAX).optional(),
  loan_table: z.enum(LOAN_TABLES).optional(),
  card_table: z.enum(CARD_TABLES).optional(),
})
export type ClassificationConfiguration = z.output<typeof classification>
