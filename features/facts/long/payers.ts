import { TimedValues } from './timed-values.ts'

/** Receipts of one payer, oldest first, and what was found of them when they last changed. */
export class Payer {
  readonly party: number
  readonly number: number
  readonly times: number[] = []
  readonly days: number[] = []
  readonly amounts: number[] = []
  /** Place of the newest receipt among those of the same time. */
  newest = 0
  isChanged = false
  /** Set by whoever judges: whether the payer is regular, and if so, the sum and what else there is to say. */
  isRegular = false
  sum = 0
  cadence_days = 0
  last_to_mean = 0

  constructor(party: number, number: number) {
    this.party = party
    this.number = number
  }

  /** Whether the newest receipt came after the other payer's. */
  isNewerThan(other: Payer): boolean {
    const time = this.times[this.times.length - 1] as number
    const otherTime = other.times[other.times.length - 1] as number
    return time > otherTime || (time === otherTime && this.newest > other.newest)
  }
}

/** Receipts of the lookback by payer. */
export class Payers {
  /** Time and payer of each receipt. */
  readonly #receipts = new TimedValues()
  /** Receipts at or before this time are outside the lookback. */
  #after = Number.NEGATIVE_INFINITY
  readonly #byParty = new Map<number, Payer>()
  readonly #payers: Payer[] = []
  readonly #freeNumbers: number[] = []
  #taken = 0
  readonly #changed: Payer[] = []
  readonly #regular = new Set<Payer>()

  clear(): void {
    this.#receipts.clear()
    this.#after = Number.NEGATIVE_INFINITY
    this.#byParty.clear()
    this.#payers.length = 0
    this.#freeNumbers.length = 0
    this.#taken = 0
    this.#changed.length = 0
    this.#regular.clear()
  }

  /** Adds a receipt behind those of the same time. */
  add(time: number, day: number, party: number, amount: number): void {
    if (time <= this.#after) return
    const payer = this.#byParty.get(party) ?? this.#begin(party)
    this.#receipts.add(time, 0, payer.number)
    this.#taken++
    const { times, days, amounts } = payer
    let at = times.length
    if (at === 0 || (times[at - 1] as number) <= time) {
      times.push(time)
      days.push(day)
      amounts.push(amount)
      payer.newest = this.#taken
    } else {
      while (at > 0 && (times[at - 1] as number) > time) at--
      times.splice(at, 0, time)
      days.splice(at, 0, day)
      amounts.splice(at, 0, amount)
    }
    this.#note(payer)
  }

  /** Moves the lookback's begin on: receipts at or before `time` leave it. */
  moveTo(time: number): void {
    this.#after = time
    const receipts = this.#receipts
    for (; receipts.hasUpTo(time); receipts.first++) {
      const payer = this.#payers[receipts.keys[receipts.first] as number] as Payer
      payer.times.shift()
      payer.days.shift()
      payer.amounts.shift()
      this.#note(payer)
      if (payer.times.length === 0) this.#end(payer)
    }
  }

  /** Has the payers judged that changed, and gives the regular ones. */
  regular(judge: (payer: Payer) => void): ReadonlySet<Payer> {
    for (const payer of this.#changed) {
      payer.isChanged = false
      payer.isRegular = false
      if (payer.times.length > 0) judge(payer)
      if (payer.isRegular) this.#regular.add(payer)
      else this.#regular.delete(payer)
    }
    this.#changed.length = 0
    return this.#regular
  }

  #note(payer: Payer): void {
    if (payer.isChanged) return
    payer.isChanged = true
    this.#changed.push(payer)
  }

  #begin(party: number): Payer {
    const payer = new Payer(party, this.#freeNumbers.pop() ?? this.#payers.length)
    this.#payers[payer.number] = payer
    this.#byParty.set(party, payer)
    return payer
  }

  #end(payer: Payer): void {
    this.#byParty.delete(payer.party)
    this.#freeNumbers.push(payer.number)
  }
}
