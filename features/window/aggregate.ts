/**
 * A window aggregate as data: which rows of a stream, what is folded, over how many days. The compiler turns all of the
 * catalogue's into one backward pass per stream.
 */

export type StreamName = 'transactions' | 'queries'

export type Fold = 'count' | 'sum' | 'max' | 'min' | 'distinct'

export type WindowAggregate = {
  readonly stream: StreamName
  /** Bits that a row must have, all of them; 0 takes every row. */
  readonly where: number
  readonly fold: Fold
  /** Column of the stream's doubles that is folded; a count needs none. */
  readonly column: number
  /** The window is (T − days, T], a day being 86,400,000 ms. */
  readonly days: number
}

/** Identity of an aggregate, so that what several entries need is computed once. */
export function aggregateKey(aggregate: WindowAggregate): string {
  const { stream, where, fold, column, days } = aggregate
  return `${stream} ${where} ${fold} ${column} ${days}`
}
