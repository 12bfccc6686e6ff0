/**
 * The order of one account's rows on one day. The files carry dates only, and their order inside a day is not the order
 * in which the bank booked; the balance after each row tells it.
 */

/** A day with more rows is left in file order: the search visits 2^rows × rows² steps. */
export const SEARCH_ROWS_MAX = 12
/** The bank computes with more places than it prints amounts with: a balance may be off by 10 haléř from row to row. */
export const ROUNDING_MINOR_MAX = 10

export type DayRow = {
  /** Minor units, negative when it goes out. */
  readonly signed_minor: number
  readonly balance_after_minor: number
}

export type DayOrder = {
  /** Indices into the given rows. */
  readonly order: readonly number[]
  /** How well the balances follow from each other: to the haléř, within ROUNDING_MINOR_MAX at each row, or not. */
  readonly closes: 'exactly' | 'within_rounding' | 'not'
  /** False when the day had more than SEARCH_ROWS_MAX rows. */
  readonly searched: boolean
}

/** More than the rounding of all rows of a searched day, so that one break less always wins. */
const BREAK = ROUNDING_MINOR_MAX * SEARCH_ROWS_MAX + 1

/**
 * Finds the order of a day's rows with the fewest breaks (rows whose balance does not follow from the balance before),
 * among those the one with the smallest sum of rounding differences, and among those the first in file order.
 * Exact over all orders up to SEARCH_ROWS_MAX rows: dynamic programming over (rows placed, last row) as in Held and
 * Karp 1962, since a cost depends on nothing but a row and the one before it.
 */
export function orderDay(opening_minor: number, rows: readonly DayRow[]): DayOrder {
  const fileOrder = rows.map((_, i) => i)
  const inFileOrder = costOf(opening_minor, rows, fileOrder)
  const searched = rows.length <= SEARCH_ROWS_MAX
  // What closes exactly as it stands is the first of the best orders already.
  if (inFileOrder === 0 || rows.length === 1 || !searched) {
    return { order: fileOrder, closes: closing(inFileOrder), searched }
  }
  const { order, cost } = search(opening_minor, rows)
  return { order, closes: closing(cost), searched }
}

function closing(cost: number): DayOrder['closes'] {
  if (cost === 0) return 'exactly'
  return cost < BREAK ? 'within_rounding' : 'not'
}

function stepCost(balance_before_minor: number, row: DayRow): number {
  const difference = Math.abs(row.balance_after_minor - balance_before_minor - row.signed_minor)
  return difference <= ROUNDING_MINOR_MAX ? difference : BREAK
}

function costOf(opening_minor: number, rows: readonly DayRow[], order: readonly number[]): number {
  let balance = opening_minor
  let cost = 0
  let broken = false
  for (const i of order) {
    const row = rows[i]!
    const step = stepCost(balance, row)
    cost += step
    broken ||= step === BREAK
    balance = row.balance_after_minor
  }
  // A day beyond the search can add up many small differences; they are no break.
  return broken ? Math.max(cost, BREAK) : Math.min(cost, BREAK - 1)
}

function search(opening_minor: number, rows: readonly DayRow[]): { order: number[]; cost: number } {
  const count = rows.length
  const steps = rows.map((before) => rows.map((row) => stepCost(before.balance_after_minor, row)))
  const all = (1 << count) - 1
  // rest[placed * count + last]: the least cost of placing all other rows after `last`.
  const rest = new Int32Array((all + 1) * count)
  for (let placed = all - 1; placed > 0; placed--) {
    for (let last = 0; last < count; last++) {
      if ((placed & (1 << last)) === 0) continue
      let best = Number.MAX_SAFE_INTEGER
      for (let next = 0; next < count; next++) {
        if ((placed & (1 << next)) !== 0) continue
        best = Math.min(best, steps[last]![next]! + rest[(placed | (1 << next)) * count + next]!)
      }
      rest[placed * count + last] = best
    }
  }
  const order: number[] = []
  let placed = 0
  let total = 0
  let step = (next: number) => stepCost(opening_minor, rows[next]!)
  while (order.length < count) {
    let chosen = -1
    let chosenCost = Number.MAX_SAFE_INTEGER
    for (let next = 0; next < count; next++) {
      if ((placed & (1 << next)) !== 0) continue
      const cost = step(next) + rest[(placed | (1 << next)) * count + next]!
      // Strictly less: of equals the first in file order stays.
      if (cost < chosenCost) {
        chosen = next
        chosenCost = cost
      }
    }
    if (order.length === 0) total = chosenCost
    order.push(chosen)
    placed |= 1 << chosen
    step = (next) => steps[chosen]![next]!
  }
  return { order, cost: total }
}
