import { flattenBands } from '../bands.ts'
import { INCONCLUSIVE } from '../severity.ts'
import { checkRules, type Rule } from './define.ts'

/**
 * Writes one code per rule to `out[0 …]`, in the order of the rules (0 none, 1 blue, 2 yellow, 3 orange, 4 red,
 * 255 inconclusive), for the row of feature values that begins at `matrix[base]`. NaN is a missing value.
 */
export type EvaluateRules = (matrix: Float64Array, base: number, out: Uint8Array) => void

export type CompiledRules = {
  readonly rules: readonly Rule[]
  readonly evaluate: EvaluateRules
  /** Per rule the column of its feature, counted from the row's base. */
  readonly columns: Int32Array
}

/**
 * Lays the rules out flat for the hot path; `evaluate` allocates nothing.
 * `featureColumns` are the `name@version` of the matrix's columns, in order. Throws on a rule whose feature has none.
 */
export function compileRules(rules: readonly Rule[], featureColumns: readonly string[]): CompiledRules {
  checkRules(rules, new Set(featureColumns))
  const count = rules.length
  const columns = Int32Array.from(rules, (rule) => featureColumns.indexOf(rule.feature))
  const flat = rules.map((rule) => flattenBands(rule.bands))
  // Rule r has the edges edges[firstEdge[r]] … edges[firstEdge[r + 1] - 1], and one more code than edges.
  const firstEdge = new Int32Array(count + 1)
  flat.forEach((one, r) => {
    firstEdge[r + 1] = (firstEdge[r] as number) + one.edges.length
  })
  const edges = Float64Array.from(flat.flatMap((one) => one.edges))
  const codes = Uint8Array.from(flat.flatMap((one) => one.codes))

  function evaluate(matrix: Float64Array, base: number, out: Uint8Array): void {
    let edge = 0
    for (let r = 0; r < count; r++) {
      const value = matrix[base + (columns[r] as number)] as number
      const lastEdge = firstEdge[r + 1] as number
      // biome-ignore lint/suspicious/noSelfCompare: the quickest test for NaN, in the hottest loop there is
      if (value !== value) out[r] = INCONCLUSIVE
      else {
        while (edge < lastEdge && value >= (edges[edge] as number)) edge++
        // Each rule before this one has one code more than it has edges.
        out[r] = codes[edge + r] as number
      }
      edge = lastEdge
    }
  }

  return { rules, evaluate, columns }
}
