import fc from 'fast-check'
import { expect } from 'vitest'
import { oracleCases } from '../../oracle/arbitraries.ts'
import { newCoverage } from '../../oracle/coverage.ts'
import { oracleEvaluations } from '../../oracle/features.ts'
import type { OracleCase } from '../../oracle/history.ts'
import { oracleDeadLetters } from '../../oracle/reception.ts'
import { shardOf } from '../../oracle/shards.ts'
import { COLUMNS, runEngine } from '../engine-run.ts'

/** Random borrower histories of one run of the suite, in parts that run side by side. */
const HISTORIES = 10_000
const PARTS = 4
export const SEED = 20_260_101
export const TIMEOUT_MS = 400_000

/** Compares engine and oracle on one part of the histories, and asks that every feature took part in it. */
export function comparePart(part: number): void {
  const coverage = newCoverage()
  fc.assert(
    fc.property(oracleCases, (one) => {
      const oracle = oracleEvaluations(one.history, one.configuration)
      for (const { values } of oracle) coverage.note(values)
      expect(differences(one, oracle).slice(0, 5)).toEqual([])
    }),
    shardOf({ seed: SEED, cases: HISTORIES }, part, PARTS),
  )
  // Agreement on a value that never changes would mean little.
  expect({ constant: coverage.constant(), neverMissing: coverage.alwaysPresent(), odd: coverage.impossible() }).toEqual(
    {
      constant: [],
      neverMissing: [],
      odd: [],
    },
  )
}

/** What differs between engine and oracle, cell by cell, as lines that name it. */
function differences({ history, configuration }: OracleCase, oracle: ReturnType<typeof oracleEvaluations>): string[] {
  const engine = runEngine(history, configuration)
  const lines: string[] = []
  const say = (what: string, mine: unknown, theirs: unknown) => {
    if (!Object.is(mine, theirs)) lines.push(`${what}: engine ${String(mine)}, oracle ${String(theirs)}`)
  }
  say('evaluations', engine.evaluations.length, oracle.length)
  oracle.forEach((expected, i) => {
    const actual = engine.evaluations[i]
    if (actual === undefined) return
    const at = `offset ${expected.offset}`
    say(`${at} offset`, actual.offset, expected.offset)
    say(`${at} time`, actual.time, expected.time)
    say(`${at} late_ms`, actual.late_ms, expected.late_ms)
    COLUMNS.forEach((name, column) => {
      const value = actual.values[column] as number
      const shown = Number.isNaN(value) ? null : value
      const wanted = expected.values[name] ?? null
      if (!Object.is(shown, wanted)) say(`${at} ${name}`, shown, wanted)
    })
  })
  const refused = (list: readonly { offset: number; reason: string }[]) =>
    list.map(({ offset, reason }) => `${offset} ${reason}`).join(', ')
  say('refused', refused(engine.refused), refused(oracleDeadLetters(history, configuration)))
  return lines
}
