/**
 * A window aggregate as data: which rows of a stream, what is folded, over how much of them. The compiler turns all of
 * the catalogue's into one backward pass per stream.
 */

export type StreamName = 'transactions' | 'queries'

export type Fold = 'count' | 'sum' | 'max' | 'min' | 'distinct'

/**
 * The window (T − days, T], a day being 86,400,000 ms (a fraction of one is taken to the nearest millisecond), or the
 * last `rows` rows not after T that the filter takes, fewer if there are fewer: of those that the stream still keeps.
 */
export type WindowExtent = { readonly days: number } | { readonly rows: number }

export type WindowAggregate = WindowExtent & {
  readonly stream: StreamName
  /** Bits that a row must have, all of them; 0 takes every row. */
  readonly where: number
  readonly fold: Fold
  /** Column of the stream's doubles that is folded; a count needs none. */
  readonly column: number
}

/** Identity of an aggregate, so that what several entries need is computed once. */
export function aggregateKey(aggregate: WindowAggregate): string {
  const { stream, where, fold, column } = aggregate
  const extent = 'days' in aggregate ? aggregate.days : `${aggregate.rows} rows`
  return `${stream} ${where} ${fold} ${column} ${extent}`
}
