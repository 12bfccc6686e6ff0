import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { oracleCases } from '../oracle/arbitraries.ts'
import { ORACLE_FEATURE_NAMES, oracleEvaluations } from '../oracle/features.ts'
import type { OracleCase } from '../oracle/history.ts'
import { oracleDeadLetters } from '../oracle/reception.ts'
import { COLUMNS, runEngine } from './engine-run.ts'

const SEED = 20_260_101
const CASES = 60
const TIMEOUT_MS = 180_000

/** What differs between engine and oracle, cell by cell, as lines that name it. */
function differences({ history, configuration }: OracleCase): string[] {
  const engine = runEngine(history, configuration)
  const oracle = oracleEvaluations(history, configuration)
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
      say(`${at} ${name}`, Number.isNaN(value) ? null : value, expected.values[name] ?? null)
    })
  })
  const refused = (list: readonly { offset: number; reason: string }[]) =>
    list.map(({ offset, reason }) => `${offset} ${reason}`).join(', ')
  say('refused', refused(engine.refused), refused(oracleDeadLetters(history, configuration)))
  return lines
}

describe('the feature engine and the oracle', () => {
  it('know the same features', () => {
    expect([...COLUMNS].sort()).toEqual([...ORACLE_FEATURE_NAMES].sort())
  })

  it(
    `agree bit for bit on random histories (seed ${SEED})`,
    () => {
      fc.assert(
        fc.property(oracleCases, (one) => {
          expect(differences(one).slice(0, 5)).toEqual([])
        }),
        { seed: SEED, numRuns: CASES },
      )
    },
    TIMEOUT_MS,
  )
})
