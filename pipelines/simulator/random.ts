/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey's PractRand), one stream per (seed, stream number).
 * Only integer operations and IEEE arithmetic are used (and `Math.exp`, which V8 computes by fdlibm), so that a seed
 * gives the same numbers on every machine.
 */
export class Random {
  // The state is kept as signed 32-bit integers, which the engine stores without boxing.
  private a: number
  private b: number
  private c: number
  private counter: number

  constructor(seed: number, stream: number) {
    this.a = mix32(seed | 0, 0x9e3779b9)
    this.b = mix32(Math.floor(seed / 0x1_0000_0000) | 0, this.a)
    this.c = mix32(stream | 0, this.b)
    this.counter = 1
    for (let i = 0; i < 12; i++) this.next()
  }

  /** A signed 32-bit integer. */
  private next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return (this.next() >>> 0) / 0x1_0000_0000
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform()
  }

  /** A uniform integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit)
  }

  /** A uniform integer from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.uniform() < probability
  }

  /** Near normal with mean 0 and deviation 1, bounded by ±3.5: four uniforms summed. */
  normal(): number {
    return (this.uniform() + this.uniform() + this.uniform() + this.uniform() - 2) * SQRT_3
  }

  /** Log-normal with median 1. */
  logNormal(deviation: number): number {
    return Math.exp(deviation * this.normal())
  }

  /** A Poisson count (Knuth's product of uniforms: meant for small means). */
  poisson(mean: number): number {
    const floor = Math.exp(-mean)
    let count = 0
    for (let product = this.uniform(); product > floor; product *= this.uniform()) count++
    return count
  }

  /** An index drawn by cumulative weights that end at 1. */
  pick(cumulative: readonly number[]): number {
    const at = this.uniform()
    let index = 0
    while (index < cumulative.length - 1 && at >= cumulative[index]!) index++
    return index
  }
}

const SQRT_3 = 1.7320508075688772

/** Mixes two 32-bit integers to one, signed (the finaliser of MurmurHash3). */
export function mix32(value: number, salt: number): number {
  let hash = (value ^ Math.imul(salt | 0, 0x85ebca6b)) | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Running sums of weights, scaled to end at 1, for `Random.pick`. */
export function cumulate(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let running = 0
  return weights.map((weight) => {
    running += weight
    return running / total
  })
}
