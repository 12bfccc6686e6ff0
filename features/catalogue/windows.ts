import { QUERY_F64 } from '../streams/bureau.ts'
import { TRANSACTION_F64 } from '../streams/transactions.ts'
import type { Fold, WindowAggregate } from '../window/aggregate.ts'
import {
  daysText,
  type Family,
  type FeatureDefinition,
  type Formula,
  type Input,
  NEVER_MISSING,
  type Unit,
} from './define.ts'

/** Short forms in which the families are written. */

export function transactionCount(where: number, days: number): WindowAggregate {
  return { stream: 'transactions', where, fold: 'count', column: 0, days }
}

export function transactionAmount(fold: Fold, where: number, days: number): WindowAggregate {
  return {
    stream: 'transactions',
    where,
    fold,
    column: TRANSACTION_F64.AMOUNT,
    days,
  }
}

export function balanceAfter(fold: Fold, where: number, days: number): WindowAggregate {
  return {
    stream: 'transactions',
    where,
    fold,
    column: TRANSACTION_F64.BALANCE,
    days,
  }
}

export function distinctParties(where: number, days: number): WindowAggregate {
  return {
    stream: 'transactions',
    where,
    fold: 'distinct',
    column: TRANSACTION_F64.PARTY,
    days,
  }
}

export function queryCount(where: number, days: number): WindowAggregate {
  return { stream: 'queries', where, fold: 'count', column: 0, days }
}

export function distinctInstitutions(where: number, days: number): WindowAggregate {
  return {
    stream: 'queries',
    where,
    fold: 'distinct',
    column: QUERY_F64.INSTITUTION,
    days,
  }
}

export function lastQueryTime(where: number, days: number): WindowAggregate {
  return {
    stream: 'queries',
    where,
    fold: 'max',
    column: QUERY_F64.TIME,
    days,
  }
}

type Entry = {
  name: string
  family: Family
  formula: Formula
  reading: Formula
  unit: Unit
  inputs: readonly Input[]
  source: string
  missing?: string
  /** Days of transactions that a fact among the inputs needs; windows state theirs. */
  history_days?: number
  /** A fact among the inputs is of bureau queries; windows of queries need no mention. */
  needs_report?: boolean
  compute?: (...values: number[]) => number
}

/** A version 1 entry; its windows, minimum history and need of a report follow from its inputs. */
export function feature({ history_days = 0, needs_report = false, ...entry }: Entry): FeatureDefinition {
  const windows = entry.inputs.filter((input): input is WindowAggregate => 'stream' in input)
  const daysOf = (window: WindowAggregate) => ('days' in window ? [window.days] : [])
  const days = [...new Set(windows.flatMap(daysOf))].sort((a, b) => a - b)
  const history = windows.filter((window) => window.stream === 'transactions').flatMap(daysOf)
  return {
    version: 1,
    missing: NEVER_MISSING,
    ...entry,
    windows_days: days,
    minimum_history_days: Math.max(history_days, ...history),
    needs_report: needs_report || windows.some((window) => window.stream === 'queries'),
  }
}

/**
 * The same entry over several windows: `{d}` in its texts and `_{d}d` in its name stand for the days. `history_days`
 * says that the minimum history is the window where only facts read it.
 */
export function overWindows<const Days extends number>(
  days: readonly Days[],
  entry: Omit<Entry, 'inputs' | 'history_days'> & {
    inputs: (days: Days) => readonly Input[]
    history_days?: 'the window'
  },
): FeatureDefinition[] {
  return days.map((d) => {
    const fill = (text: string) => text.replaceAll('{d} days', daysText(d)).replaceAll('{d}', String(d))
    const { history_days, ...rest } = entry
    return feature({
      ...rest,
      ...(history_days === undefined ? {} : { history_days: d }),
      name: fill(entry.name),
      formula: { zh: fill(entry.formula.zh), en: fill(entry.formula.en) },
      inputs: entry.inputs(d),
    })
  })
}
