/** Rows with aligned columns, two blanks between them, the first row being the head. `right` are columns of numbers. */
export function alignColumns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))))
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const blanks = ' '.repeat(widths[column]! - widthOf(cell))
        return right.includes(column) ? `${blanks}${cell}` : `${cell}${blanks}`
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Cells of a terminal: Chinese characters and their punctuation take two. */
function widthOf(text: string): number {
  return text.length + (text.match(/[\u2E80-\u9FFF\uF900-\uFAFF\uFF00-\uFF60]/g)?.length ?? 0)
}
