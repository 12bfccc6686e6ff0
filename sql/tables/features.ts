import { blockHeader, createBlock, type NativeBlock, type RowOf } from '../native.ts'
import { createMatrixColumns } from '../native-matrix.ts'

/**
 * One row per event, and per tick whose values had to be stored: the borrower's features as of (partition, offset).
 * Besides these columns the table has one Nullable(Float64) for each feature version (`ensureFeatureColumns`).
 */
export const FEATURES_COLUMNS = {
  tenant: 'String',
  partition: 'UInt16',
  offset: 'UInt64',
  borrower: 'String',
  type: 'String',
  time: 'DateTime64(3)',
  late_ms: 'Int64',
  generation: 'UInt32',
} as const

export type FeaturesRow = RowOf<typeof FEATURES_COLUMNS>
export type FeaturesBlock = NativeBlock & {
  /** Takes a row whose feature values stand in row `matrixRow` of a row-major matrix; NaN is missing. */
  append(row: FeaturesRow, matrix: Float64Array, matrixRow: number): void
}

/**
 * An empty block for `insertBlock('features', …)` with these feature columns, in the order of the matrix. It grows
 * beyond the rows expected; up to them it need not.
 */
export function createFeaturesBlock(featureColumns: readonly string[], rowsExpected?: number): FeaturesBlock {
  const keys = createBlock(FEATURES_COLUMNS)
  const matrixColumns = createMatrixColumns(featureColumns, rowsExpected)
  const width = featureColumns.length
  const structure = [...keys.structure, ...matrixColumns.structure]
  return {
    get rows() {
      return keys.rows
    },
    structure,
    append(row, matrix, matrixRow) {
      matrixColumns.append(matrix, matrixRow * width)
      keys.append(row)
    },
    chunks() {
      const [, ...keyChunks] = keys.chunks()
      return [blockHeader(structure.length, keys.rows), ...keyChunks, ...matrixColumns.chunks(keys.rows)]
    },
    clear() {
      keys.clear()
      matrixColumns.clear()
    },
  }
}
