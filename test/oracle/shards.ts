/** A long run over random histories in parts that test files run beside each other. */

export type Run = {
  /** Seed of the whole run; each part has one of its own. */
  readonly seed: number
  /** Histories of all parts together. */
  readonly cases: number
}

/** What `fc.assert` takes: print both with a failure, and it can be repeated alone. */
export type Shard = { readonly seed: number; readonly numRuns: number }

/** Part `k` of `n`, counted from 0. Parts differ in size by one at most, and together make up all cases. */
export function shardOf(run: Run, k: number, n: number): Shard {
  if (!Number.isInteger(k) || k < 0 || k >= n) throw new Error(`no part ${k} of ${n}`)
  const before = Math.floor((run.cases * k) / n)
  return { seed: run.seed + k, numRuns: Math.floor((run.cases * (k + 1)) / n) - before }
}
