import { Tensor } from 'onnxruntime-node'
import type { Model } from './model.ts'

/** Rows of one run of the graph. Beyond this a larger batch is hardly faster and only holds memory. */
export const BATCH_ROWS_MAX = 256

export type Scorer = {
  /**
   * Scores of the first `rows` rows of a row-major matrix of feature values, `width` columns each; NaN is missing.
   * The matrix is read as the batches run, so it must not change before the promise is fulfilled.
   * The scores are the same bits whatever the number of rows.
   */
  score(matrix: Float64Array, width: number, rows: number): Promise<Float32Array>
}

/**
 * A scorer of a model over matrices whose columns are `featureColumns` (`name@version`, in order).
 * Throws where a column that the model reads is not among them: the loader has checked the catalogue.
 */
export function createScorer(model: Pick<Model, 'id' | 'card' | 'session'>, featureColumns: readonly string[]): Scorer {
  const { session } = model
  const inputs = model.card.inputs.length
  const columns = Int32Array.from(model.card.inputs, (input) => {
    const column = featureColumns.indexOf(input)
    if (column < 0) throw new Error(`${model.id} reads ${input}, which is not among the columns`)
    return column
  })
  const inputName = session.inputNames[0] as string
  const outputName = session.outputNames[0] as string
  // Calls may overlap, and a run reads its input on another thread: each call borrows a buffer of its own.
  const buffers: Float32Array[] = []

  async function score(matrix: Float64Array, width: number, rows: number): Promise<Float32Array> {
    if (matrix.length < width * rows) throw new RangeError(`${rows} rows of ${width} do not fit ${matrix.length} values`)
    const scores = new Float32Array(rows)
    const buffer = buffers.pop() ?? new Float32Array(BATCH_ROWS_MAX * inputs)
    for (let first = 0; first < rows; first += BATCH_ROWS_MAX) {
      const count = Math.min(BATCH_ROWS_MAX, rows - first)
      fill(buffer, matrix, width, first, count)
      const tensor = new Tensor('float32', buffer.subarray(0, count * inputs), [count, inputs])
      const output = (await session.run({ [inputName]: tensor }))[outputName]
      scores.set(output?.data as Float32Array, first)
    }
    buffers.push(buffer)
    return scores
  }

  function fill(buffer: Float32Array, matrix: Float64Array, width: number, first: number, count: number): void {
    let at = 0
    for (let row = first; row < first + count; row++) {
      const base = row * width
      for (let input = 0; input < inputs; input++) buffer[at++] = matrix[base + (columns[input] as number)] as number
    }
  }

  return { score }
}
