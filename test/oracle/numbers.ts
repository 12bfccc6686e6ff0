/** Arithmetic that the definitions share. Missing is `null`. */

/**
 * The sum of integers, exact; beyond 2^53 the double nearest to it. Where the sizes alone stay below 2^53 no addition
 * of doubles has rounded, so that only the rare rest has to go through BigInt.
 */
export function sum(integers: readonly number[]): number {
  let plain = 0
  let size = 0
  for (const value of integers) {
    plain += value
    size += Math.abs(value)
  }
  if (size <= Number.MAX_SAFE_INTEGER) return plain
  return Number(integers.reduce((total, value) => total + BigInt(value), 0n))
}

export function largest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values)
}

export function smallest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.min(...values)
}

/** The middle value, or half the sum of the two middle ones. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('nothing has no median')
  const sorted = [...values].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

export function distinct(values: readonly (string | undefined)[]): number {
  return new Set(values.filter((value) => value !== undefined)).size
}

/** How many different ones are named, missing where none is. */
export function distinctNamed(values: readonly (string | undefined)[]): number | null {
  return distinct(values) || null
}

/** `numerator / denominator`, missing where either is or the denominator is zero. */
export function ratio(numerator: number | null, denominator: number | null): number | null {
  if (numerator === null || denominator === null || denominator === 0) return null
  return numerator / denominator
}

export function times(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor
}

/** `value − other`, missing where either is. */
export function less(value: number | null, other: number | null): number | null {
  return value === null || other === null ? null : value - other
}

/** Values under the same key, keys in the order in which they first come. */
export function groupBy<Key, Value>(values: readonly Value[], keyOf: (value: Value) => Key): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return groups
}
