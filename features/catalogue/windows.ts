import { QUERY_F64 } from '../streams/bureau.ts'
import { TRANSACTION_F64 } from '../streams/transactions.ts'
import type { Fold, WindowAggregate } from '../window/aggregate.ts'
import type { Family, FeatureDefinition, Formula, Input, Unit } from './define.ts'

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
  compute?: (...values: number[]) => number
}

/** A version 1 entry; its windows and its minimum history follow from its inputs. */
export function feature(entry: Entry): FeatureDefinition {
  const windows = entry.inputs.filter((input): input is WindowAggregate => 'stream' in input)
  const daysOf = (window: WindowAggregate) => ('days' in window ? [window.days] : [])
  const days = [...new Set(windows.flatMap(daysOf))].sort((a, b) => a - b)
  const history = windows.filter((window) => window.stream === 'transactions').flatMap(daysOf)
  return {
    version: 1,
    missing: windows.some((window) => window.stream === 'queries') ? NO_REPORT : 'never',
    ...entry,
    windows_days: days,
    minimum_history_days: Math.max(0, ...history),
  }
}

const NO_REPORT = 'no bureau query was ever received'

/** The same entry over several windows: `{d}` in its texts and `_{d}d` in its name stand for the days. */
export function overWindows(
  days: readonly number[],
  entry: Omit<Entry, 'inputs'> & { inputs: (days: number) => readonly Input[] },
): FeatureDefinition[] {
  return days.map((d) => {
    const fill = (text: string) => text.replaceAll('{d}', String(d))
    return feature({
      ...entry,
      name: fill(entry.name),
      formula: { zh: fill(entry.formula.zh), en: fill(entry.formula.en) },
      inputs: entry.inputs(d),
    })
  })
}
