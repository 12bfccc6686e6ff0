import type { Band } from './bands.ts'
import type { ModelCard } from './card.ts'

/** A graph that is ready to run: rows of `inputs` float32 values in, one score per row out. */
export type Graph = {
  readonly inputs: number
  /** Scores of the first `rows` rows of a row-major matrix, which must not change before the promise is fulfilled. */
  run(matrix: Float32Array, rows: number): Promise<Float32Array>
  release(): Promise<void>
}

/** A model that has been loaded: its graph and its card. */
export type Model = {
  /** `name@version`. */
  readonly id: string
  readonly card: ModelCard
  /** Bands of the score, contiguous from -Infinity to Infinity. */
  readonly bands: readonly Band[]
  readonly graph: Graph
}
