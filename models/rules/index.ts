import { CASH_FLOW_RULES } from './cash-flow.ts'
import { CASH_OUT_RULES } from './cash-out.ts'
import type { Rule } from './define.ts'
import { EXPOSURE_RULES } from './exposure.ts'
import { MULTI_LENDER_RULES } from './multi-lender.ts'
import { REPAYMENT_HABIT_RULES } from './repayment-habit.ts'

/** All rules, in the order of their outcome codes. A new one is one more entry in its family's file. */
export const RULES: readonly Rule[] = [
  ...CASH_FLOW_RULES,
  ...CASH_OUT_RULES,
  ...MULTI_LENDER_RULES,
  ...REPAYMENT_HABIT_RULES,
  ...EXPOSURE_RULES,
]
