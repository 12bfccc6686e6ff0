import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Graph, Model } from './model.ts'

/** Rows of one run of the graph. Beyond this a larger batch is hardly faster and only holds memory. */
export const BATCH_ROWS_MAX = 256

/**
 * One thread: with two a quarter of the scores differ in their last bits, with one they are equal at every batch size.
 * The runtime's warnings would go to the console; its errors come back as exceptions.
 */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
}

export type OpenedGraph = { readonly ok: true; readonly graph: Graph } | { readonly ok: false; readonly detail: string }

/** Opens an ONNX graph that takes one float32 matrix [rows, features] and gives one float32 per row; refuses any other. */
export async function openGraph(bytes: Uint8Array): Promise<OpenedGraph> {
  let session: InferenceSession
  try {
    session = await InferenceSession.create(bytes, SESSION_OPTIONS)
  } catch (error) {
    return { ok: false, detail: `cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
  const [input, ...otherInputs] = session.inputMetadata
  const [output, ...otherOutputs] = session.outputMetadata
  const inputs = input?.isTensor && input.type === 'float32' && input.shape.length === 2 ? input.shape[1] : undefined
  const isScore = output?.isTensor && output.type === 'float32' && output.shape.length === 1
  if (typeof inputs !== 'number' || !isScore || otherInputs.length > 0 || otherOutputs.length > 0) {
    await session.release()
    return { ok: false, detail: 'does not take one float32 matrix of known width and give one float32 per row' }
  }
  const inputName = session.inputNames[0] as string
  const outputName = session.outputNames[0] as string

  async function run(matrix: Float32Array, rows: number): Promise<Float32Array> {
    const tensor = new Tensor('float32', matrix.subarray(0, rows * (inputs as number)), [rows, inputs as number])
    const results = await session.run({ [inputName]: tensor })
    return results[outputName]?.data as Float32Array
  }

  return { ok: true, graph: { inputs, run, release: () => session.release() } }
}

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
export function createScorer(model: Model, featureColumns: readonly string[]): Scorer {
  const { graph } = model
  const inputs = model.card.inputs.length
  const columns = Int32Array.from(model.card.inputs, (input) => {
    const column = featureColumns.indexOf(input)
    if (column < 0) throw new Error(`${model.id} reads ${input}, which is not among the columns`)
    return column
  })
  // Calls may overlap, and a run reads its input on another thread: each call borrows a buffer of its own.
  const buffers: Float32Array[] = []

  async function score(matrix: Float64Array, width: number, rows: number): Promise<Float32Array> {
    if (matrix.length < width * rows)
      throw new RangeError(`${rows} rows of ${width} do not fit ${matrix.length} values`)
    const scores = new Float32Array(rows)
    const buffer = buffers.pop() ?? new Float32Array(BATCH_ROWS_MAX * inputs)
    for (let first = 0; first < rows; first += BATCH_ROWS_MAX) {
      const count = Math.min(BATCH_ROWS_MAX, rows - first)
      fill(buffer, matrix, width, first, count)
      scores.set(await graph.run(buffer, count), first)
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
