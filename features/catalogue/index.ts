import { CASH_FLOW } from './cash-flow.ts'
import { CASH_OUT } from './cash-out.ts'
import type { FeatureDefinition } from './define.ts'
import { EXPOSURE } from './exposure.ts'
import { MULTI_LENDER } from './multi-lender.ts'
import { REPAYMENT_HABIT } from './repayment-habit.ts'

/** All features, in the order of their columns. A new one is one more entry in its family's file. */
export const CATALOGUE: readonly FeatureDefinition[] = [
  ...CASH_FLOW,
  ...CASH_OUT,
  ...MULTI_LENDER,
  ...REPAYMENT_HABIT,
  ...EXPOSURE,
]
