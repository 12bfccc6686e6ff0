/**
 * Formats whose rows stand for themselves. Of any other each piece of an answer that the embedded engine streams would be a
 * document of its own, with a header and an end, so such an answer is made whole first.
 */
const STREAMABLE = new Set(
  [
    ['TabSeparated', 'TSV', 'TabSeparatedRaw', 'TSVRaw', 'Raw', 'CSV', 'TSKV', 'MsgPack', 'RowBinary', 'Native'],
    ['JSONEachRow', 'JSONLines', 'NDJSON', 'JSONCompactEachRow', 'JSONStringsEachRow', 'JSONCompactStringsEachRow'],
  ]
    .flat()
    .map((name) => name.toLowerCase()),
)

/** Whether the pieces of an answer in this format, put together, are the answer. */
export function isStreamable(format: string): boolean {
  return STREAMABLE.has(format.toLowerCase())
}
