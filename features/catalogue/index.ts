import { BALANCE } from './cash-flow/balance.ts'
import { COURSE } from './cash-flow/course.ts'
import { FLOWS } from './cash-flow/flows.ts'
import { INCOME } from './cash-flow/income.ts'
import { MERCHANTS } from './cash-out/merchants.ts'
import { PROCEEDS } from './cash-out/proceeds.ts'
import { SPENDING } from './cash-out/spending.ts'
import { TURNING } from './cash-out/turning.ts'
import type { FeatureDefinition } from './define.ts'
import { ENVIRONMENT } from './exposure/environment.ts'
import { LOANS } from './exposure/loans.ts'
import { STATEMENTS } from './exposure/statements.ts'
import { QUERY_PATTERN } from './multi-lender/pattern.ts'
import { QUERIES } from './multi-lender/queries.ts'
import { TYPED_QUERIES } from './multi-lender/types.ts'
import { PAST_DUE } from './repayment-habit/past-due.ts'
import { PAYMENTS } from './repayment-habit/payments.ts'
import { SETTLING } from './repayment-habit/settling.ts'

/** All features, in the order of their columns. A new one is one more entry in a file of its family's folder. */
export const CATALOGUE: readonly FeatureDefinition[] = [
  ...FLOWS,
  ...INCOME,
  ...COURSE,
  ...BALANCE,
  ...SPENDING,
  ...MERCHANTS,
  ...PROCEEDS,
  ...TURNING,
  ...QUERIES,
  ...TYPED_QUERIES,
  ...QUERY_PATTERN,
  ...PAST_DUE,
  ...SETTLING,
  ...PAYMENTS,
  ...LOANS,
  ...ENVIRONMENT,
  ...STATEMENTS,
]
