/** Small random choices from one seed, so that a step of a script is one number. */
export type Draw = {
  /** An integer in 0 … bound − 1. */
  below(bound: number): number
  of<Value>(values: readonly Value[]): Value
  chance(probability: number): boolean
}

/** A generator of the mulberry32 family: enough for choices, the same on every machine. */
export function drawing(seed: number): Draw {
  let state = seed | 0
  function unit(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    below: (bound) => Math.floor(unit() * bound),
    of: (values) => values[Math.floor(unit() * values.length)]!,
    chance: (probability) => unit() < probability,
  }
}
