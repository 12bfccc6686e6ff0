import { BALANCE_FACTS } from './balance.ts'
import { CONCENTRATION_FACTS } from './concentration.ts'
import { DELINQUENCY_FACTS } from './delinquency.ts'
import { ENVIRONMENT_FACTS } from './environment.ts'
import { EXPOSURE_FACTS } from './exposure.ts'
import { HABIT_FACTS } from './habit.ts'
import { INCOME_FACTS } from './income.ts'
import { PAYMENT_FACTS } from './payments.ts'
import { PROCEEDS_FACTS } from './proceeds.ts'
import { QUERY_FACTS } from './queries.ts'
import type { FactGroup } from './view.ts'

/**
 * Values that no window aggregate gives: of the ledger, of single rows, of both together. In the order in which they are
 * computed: the exposure goes before the balance, which is compared with the next instalment.
 */
const GROUPS = [
  DELINQUENCY_FACTS,
  HABIT_FACTS,
  PAYMENT_FACTS,
  EXPOSURE_FACTS,
  BALANCE_FACTS,
  INCOME_FACTS,
  CONCENTRATION_FACTS,
  PROCEEDS_FACTS,
  QUERY_FACTS,
  ENVIRONMENT_FACTS,
] as const

export const FACT_GROUPS: readonly FactGroup[] = GROUPS

/** Name of a fact, as entries of the catalogue use it. */
export type Fact = (typeof GROUPS)[number]['names'][number]
