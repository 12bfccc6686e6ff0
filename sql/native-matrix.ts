import { bytesOf, columnHeader } from './native.ts'

/** Many Nullable(Float64) columns that are filled a row at a time from row-major matrices; NaN is NULL. */
export type MatrixColumns = {
  readonly structure: readonly { readonly name: string; readonly type: string }[]
  /** Takes the `columns` values of `matrix` that begin at `start` as the next row. */
  append(matrix: Float64Array, start: number): void
  /** Headers and values of the first `rows` rows, column by column. */
  chunks(rows: number): Uint8Array[]
  clear(): void
}

const TYPE = 'Nullable(Float64)'
const CAPACITY_FIRST = 1024
/**
 * Rows that are kept as they came before they are written to the columns together: each column then takes so many
 * neighbouring values at once, where one value to each of 250 columns would miss the cache with every one.
 */
const ROWS_KEPT = 64
/**
 * Distance between the ends and starts of neighbouring columns. Without it every column would begin at a multiple of
 * a power of two and all of them would compete for the same few lines of the processor's cache.
 */
const PADDING = 72

/** Columns named `names`, in order, with room for so many rows from the beginning: growing copies all of them. */
export function createMatrixColumns(names: readonly string[], rowsExpected = CAPACITY_FIRST): MatrixColumns {
  const width = names.length
  const structure = names.map((name) => ({ name, type: TYPE }))
  const headers = structure.map(columnHeader)
  let capacity = rowsExpected
  let stride = capacity + PADDING
  let values = new Float64Array(stride * width)
  let nulls = new Uint8Array(stride * width)
  /** Rows that are in the columns, and after them those that are kept. */
  let length = 0
  const kept = new Float64Array(ROWS_KEPT * width)
  let keptRows = 0

  function grow(): void {
    const largerStride = capacity * 2 + PADDING
    const largerValues = new Float64Array(largerStride * width)
    const largerNulls = new Uint8Array(largerStride * width)
    for (let column = 0; column < width; column++) {
      const from = column * stride
      largerValues.set(values.subarray(from, from + length), column * largerStride)
      largerNulls.set(nulls.subarray(from, from + length), column * largerStride)
    }
    capacity *= 2
    stride = largerStride
    values = largerValues
    nulls = largerNulls
  }

  /** Writes the rows kept to the columns. */
  function settle(): void {
    while (length + keptRows > capacity) grow()
    for (let column = 0; column < width; column++) {
      let at = column * stride + length
      for (let from = column, end = keptRows * width; from < end; from += width, at++) {
        const value = kept[from]!
        // Only NaN differs from itself. The value under a NULL is never read; zero compresses best.
        const isMissing = value !== value
        values[at] = isMissing ? 0 : value
        nulls[at] = isMissing ? 1 : 0
      }
    }
    length += keptRows
    keptRows = 0
  }

  return {
    structure,
    append(matrix, start) {
      if (start < 0 || start + width > matrix.length) throw new RangeError(`no row of ${width} values at ${start}`)
      const at = keptRows * width
      for (let column = 0; column < width; column++) kept[at + column] = matrix[start + column]!
      if (++keptRows === ROWS_KEPT) settle()
    },
    chunks(rows) {
      settle()
      const chunks: Uint8Array[] = []
      for (let column = 0; column < width; column++) {
        const from = column * stride
        chunks.push(headers[column]!)
        chunks.push(nulls.subarray(from, from + rows))
        chunks.push(bytesOf(values.subarray(from, from + rows), rows))
      }
      return chunks
    },
    clear() {
      length = 0
      keptRows = 0
    },
  }
}
