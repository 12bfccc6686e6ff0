/** Slots to look parties up in; a power of two above twice their number. */
const SLOTS = 4096

/** Numbers parties in the order in which they are asked for, from 1 on; no party, which is 0, is number 0. */
export class PartyNumbers {
  count = 0
  readonly #parties: Float64Array
  readonly #slots = new Uint16Array(SLOTS)

  /** Room for so many, less than half of the slots. */
  constructor(partiesMax: number) {
    this.#parties = new Float64Array(partiesMax + 1)
  }

  clear(): void {
    this.count = 0
    this.#slots.fill(0)
  }

  numberOf(party: number): number {
    if (party === 0) return 0
    let slot = party & (SLOTS - 1)
    while (true) {
      const number = this.#slots[slot] as number
      if (number === 0) break
      if (this.#parties[number] === party) return number
      slot = (slot + 1) & (SLOTS - 1)
    }
    this.count++
    this.#parties[this.count] = party
    this.#slots[slot] = this.count
    return this.count
  }

  /** Copies the parties to where their numbers say. */
  list(to: Float64Array): void {
    for (let number = 1; number <= this.count; number++) to[number] = this.#parties[number] as number
  }
}
