import { FACT_GROUPS } from '../facts/index.ts'
import { FactView } from '../facts/view.ts'
import type { Borrower } from '../state/borrower.ts'
import { COLUMN } from '../state/borrower-columns.ts'
import { LONG_ROWS } from '../streams/transaction-rows.ts'
import { RARE_TRAITS, TRAIT, TRANSACTION_F64 } from '../streams/transactions.ts'
import { MS_PER_DAY } from '../time.ts'
import { SEGMENT_LAYOUT } from '../window/accumulators.ts'
import { aggregateKey, type WindowAggregate } from '../window/aggregate.ts'
import { compileBlockPass } from '../window/blocks.ts'
import { compileWindowPass } from '../window/compile.ts'
import { generateFunction } from '../window/generate.ts'
import type { FeatureDefinition, Input } from './define.ts'

/** Writes all features of a borrower at its current as-of time to `out[at …]`, in catalogue order; NaN is missing. */
export type Evaluate = (borrower: Borrower, out: Float64Array, at: number) => void

/**
 * Compiles a catalogue: each window and fact is computed once whatever number of entries reads it. For a borrower with more
 * rows than `longRows` much is kept from one evaluation to the next; the values are the same, bit for bit.
 */
export function compileCatalogue(catalogue: readonly FeatureDefinition[], longRows: number = LONG_ROWS): Evaluate {
  const windows = new Map<string, { aggregate: WindowAggregate; slot: number }>()
  const factNames = FACT_GROUPS.flatMap((group) => group.names)
  const windowsFrom = factNames.length

  function slotOf(input: Input): number {
    if ('fact' in input) return factNames.indexOf(input.fact)
    const aggregate = asCount(input)
    const key = aggregateKey(aggregate)
    const known = windows.get(key)
    if (known !== undefined) return known.slot
    const slot = windowsFrom + windows.size
    windows.set(key, { aggregate, slot })
    return slot
  }

  const slotsOf = catalogue.map((entry) => entry.inputs.map(slotOf))
  const slots = new Float64Array(windowsFrom + windows.size)
  const computeFacts = compileFacts(slots)
  const ofStream = (stream: WindowAggregate['stream']) => {
    const mine = [...windows.values()].filter((one) => one.aggregate.stream === stream)
    return { aggregates: mine.map((one) => one.aggregate), slotOf: mine.map((one) => one.slot) }
  }
  const transactions = ofStream('transactions')
  const transactionPass = compileWindowPass(transactions.aggregates, transactions.slotOf, SEGMENT_LAYOUT, RARE_TRAITS)
  const longPass = compileBlockPass(transactions.aggregates, transactions.slotOf, RARE_TRAITS)
  const queries = ofStream('queries')
  const queryPass = compileWindowPass(queries.aggregates, queries.slotOf)
  const assemble = compileAssembly(catalogue, slotsOf)
  const view = new FactView(longRows)

  return (borrower, out, at) => {
    view.open(borrower)
    const { time } = view
    computeFacts(view)
    const { rows } = view
    if (rows.length > longRows) {
      rows.blocks ??= longPass.createBlocks()
      longPass.run(rows, rows.blocks, time, slots)
    } else transactionPass(rows, time, slots)
    queryPass(view.queries, view.bureauTime, slots)
    const since = borrower.columns.get(borrower.index, COLUMN.TRANSACTIONS_SINCE)
    const history = since === Number.POSITIVE_INFINITY ? -1 : time - since
    assemble(slots, out, at, history, borrower.hasQueries)
  }
}

/** Computes all facts, each group into its part of the slots; one call a group in the text, so that each can be inlined. */
function compileFacts(slots: Float64Array): (view: FactView) => void {
  let from = 0
  const bound: Record<string, unknown> = {}
  const lines = FACT_GROUPS.map((group, k) => {
    bound[`group${k}`] = group
    bound[`out${k}`] = slots.subarray(from, from + group.names.length)
    from += group.names.length
    return `group${k}.compute(view, out${k})`
  })
  return generateFunction('computeFacts(view)', lines, bound)
}

/** Distinct parties of transactions are counted by a bit that the latest row of each party has: T never lies before a row. */
function asCount(aggregate: WindowAggregate): WindowAggregate {
  const { stream, fold, column, where } = aggregate
  if (stream !== 'transactions' || fold !== 'distinct') return aggregate
  const last = where === TRAIT.CARD ? TRAIT.LAST_CARD : where === (TRAIT.OUT | TRAIT.PARTY) ? TRAIT.LAST_OUT : 0
  if (column !== TRANSACTION_F64.PARTY || last === 0)
    throw new Error(`no bit says which rows of ${where} are the latest of their party`)
  return { ...aggregate, fold: 'count', column: 0, where: where | last }
}

type Assemble = (slots: Float64Array, out: Float64Array, at: number, history: number, hasReport: boolean) => void

/** From slots to columns, made once at start like the window passes. Entries that are missing together stand together. */
function compileAssembly(catalogue: readonly FeatureDefinition[], slotsOf: readonly (readonly number[])[]): Assemble {
  const bound: Record<string, unknown> = {}
  const values = catalogue.map((entry, i) => {
    const inputs = (slotsOf[i] as readonly number[]).map((slot) => `slots[${slot}]`).join(', ')
    if (entry.compute === undefined) return inputs
    // A name of its own for each, so that a call is a call of one known function.
    bound[`compute${i}`] = entry.compute
    return `compute${i}(${inputs})`
  })
  const lines: string[] = []
  for (const [condition, places] of Map.groupBy(catalogue.keys(), (i) =>
    conditionOf(catalogue[i] as FeatureDefinition),
  )) {
    const assignments = places.map((i) => `  out[at + ${i}] = ${values[i]}`)
    if (condition === '') lines.push(...assignments)
    else
      lines.push(`if (${condition}) {`, ...assignments, '} else {', ...places.map((i) => `  out[at + ${i}] = NaN`), '}')
  }
  return generateFunction('assemble(slots, out, at, history, hasReport)', lines, bound)
}

/** When an entry can have a value at all, as text; empty where always. */
function conditionOf(entry: FeatureDefinition): string {
  const conditions: string[] = []
  if (entry.minimum_history_days > 0) conditions.push(`history >= ${entry.minimum_history_days * MS_PER_DAY}`)
  if (entry.needs_report) conditions.push('hasReport')
  return conditions.join(' && ')
}
