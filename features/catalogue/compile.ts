import { BEHAVIOUR_FACTS, behaviourFacts } from '../behaviour.ts'
import { LEDGER_FACTS, ledgerFacts } from '../ledger/facts.ts'
import type { Borrower } from '../state/borrower.ts'
import { MS_PER_DAY } from '../time.ts'
import { aggregateKey, type WindowAggregate } from '../window/aggregate.ts'
import { compileWindowPass } from '../window/compile.ts'
import type { FeatureDefinition, Input } from './define.ts'

/** Writes all features of a borrower at its current as-of time to `out[at …]`, in catalogue order; NaN is missing. */
export type Evaluate = (borrower: Borrower, out: Float64Array, at: number) => void

/**
 * Compiles a catalogue: each window and fact is computed once whatever number of entries reads it.
 * The ledger of the borrower must have been advanced to the business date of its as-of time.
 */
export function compileCatalogue(catalogue: readonly FeatureDefinition[]): Evaluate {
  const windows = new Map<string, { aggregate: WindowAggregate; slot: number }>()
  const factsFrom = { ledger: 0, behaviour: LEDGER_FACTS.length }
  const windowsFrom = LEDGER_FACTS.length + BEHAVIOUR_FACTS.length

  function slotOf(input: Input): number {
    if ('fact' in input) {
      const inLedger = (LEDGER_FACTS as readonly string[]).indexOf(input.fact)
      if (inLedger >= 0) return factsFrom.ledger + inLedger
      return factsFrom.behaviour + (BEHAVIOUR_FACTS as readonly string[]).indexOf(input.fact)
    }
    const key = aggregateKey(input)
    const known = windows.get(key)
    if (known !== undefined) return known.slot
    const slot = windowsFrom + windows.size
    windows.set(key, { aggregate: input, slot })
    return slot
  }

  const slotsOf = catalogue.map((entry) => entry.inputs.map(slotOf))
  const slots = new Float64Array(windowsFrom + windows.size)
  const ledger = slots.subarray(factsFrom.ledger, LEDGER_FACTS.length)
  const behaviour = slots.subarray(factsFrom.behaviour, windowsFrom)
  const passOf = (stream: WindowAggregate['stream']) => {
    const mine = [...windows.values()].filter((one) => one.aggregate.stream === stream)
    return compileWindowPass(
      mine.map((one) => one.aggregate),
      mine.map((one) => one.slot),
    )
  }
  const transactionPass = passOf('transactions')
  const queryPass = passOf('queries')
  const assemble = compileAssembly(catalogue, slotsOf)

  return (borrower, out, at) => {
    const { time } = borrower
    const bureauTime = borrower.report_end === Number.NEGATIVE_INFINITY ? time : Math.min(borrower.report_end, time)
    ledgerFacts(borrower, time, borrower.tenant.calendar.dayOf(time), ledger)
    behaviourFacts(borrower, time, bureauTime, behaviour)
    transactionPass(borrower.transactions, time, slots)
    queryPass(borrower.queries, bureauTime, slots)
    const history = borrower.transactions_since === Number.POSITIVE_INFINITY ? -1 : time - borrower.transactions_since
    assemble(slots, out, at, history, borrower.queries.chunk !== null)
  }
}

type Assemble = (slots: Float64Array, out: Float64Array, at: number, history: number, hasReport: boolean) => void

/** From slots to columns, one statement per entry, made once at start like the window passes. */
function compileAssembly(catalogue: readonly FeatureDefinition[], slotsOf: readonly (readonly number[])[]): Assemble {
  const lines = catalogue.map((entry, i) => {
    const values = (slotsOf[i] as readonly number[]).map((slot) => `slots[${slot}]`).join(', ')
    const value = entry.compute === undefined ? values : `compute[${i}](${values})`
    const conditions: string[] = []
    if (entry.minimum_history_days > 0) conditions.push(`history >= ${entry.minimum_history_days * MS_PER_DAY}`)
    if (entry.inputs.some((input) => 'stream' in input && input.stream === 'queries')) conditions.push('hasReport')
    return `out[at + ${i}] = ${conditions.length === 0 ? value : `${conditions.join(' && ')} ? ${value} : NaN`}`
  })
  const makeAssembly = new Function(
    'compute',
    `return function assemble(slots, out, at, history, hasReport) {\n${lines.join('\n')}\n}`,
  )
  return makeAssembly(catalogue.map((entry) => entry.compute)) as Assemble
}
