import type { WordBuffer } from '../state/words.ts'

/** Judgements of one loan that are kept, the latest ones: a view of a day before the first of them lacks it. */
export const JUDGEMENTS_MAX = 32

/** What a person decided, from business date `day` on. `reason` is a number among the names. */
export type Judgement = { readonly day: number; readonly category: number; readonly reason: number }

/** A change of the contract for a debtor in difficulty: articles 17 to 22. */
export type Restructuring = {
  /** From this business date on. */
  readonly day: number
  /** First due date of the new schedule: the observation begins there. */
  readonly first_due_day: number
  /** What the loan is at least until payments have come in time for long enough. */
  readonly floor: number
  /** It came while an earlier one was still observed. */
  readonly is_again: boolean
}

/**
 * What the categories need of a loan that the ledger has not: judgements by day, restructurings in log order. Most loans have
 * neither, and no object of this class.
 */
export class Assessment {
  readonly judgements: Judgement[] = []
  readonly restructurings: Restructuring[] = []

  judge(judgement: Judgement): void {
    let at = this.judgements.length
    while (at > 0 && (this.judgements[at - 1] as Judgement).day > judgement.day) at--
    this.judgements.splice(at, 0, judgement)
    if (this.judgements.length > JUDGEMENTS_MAX) this.judgements.shift()
  }

  /** The judgement in force at the end of a day. */
  judgementAt(day: number): Judgement | undefined {
    return this.judgements.findLast((one) => one.day <= day)
  }

  restructuringAt(day: number): Restructuring | undefined {
    return this.restructurings.findLast((one) => one.day <= day)
  }
}

export function packAssessment({ judgements, restructurings }: Assessment, to: WordBuffer): void {
  to.reserve(1 + judgements.length * 3 + restructurings.length * 3)
  to.put(judgements.length | (restructurings.length << 16))
  for (const { day, category, reason } of judgements) {
    to.put(day)
    to.put(category)
    to.put(reason)
  }
  for (const { day, first_due_day, floor, is_again } of restructurings) {
    to.put(day)
    to.put(first_due_day)
    to.put(floor | (is_again ? IS_AGAIN : 0))
  }
}

export function unpackAssessment(from: WordBuffer): Assessment {
  const assessment = new Assessment()
  const counts = from.get()
  for (let left = counts & 0xffff; left > 0; left--) {
    const day = from.get() | 0
    assessment.judgements.push({ day, category: from.get(), reason: from.get() })
  }
  for (let left = counts >>> 16; left > 0; left--) {
    const day = from.get() | 0
    const first_due_day = from.get() | 0
    const word = from.get()
    assessment.restructurings.push({ day, first_due_day, floor: word & ~IS_AGAIN, is_again: (word & IS_AGAIN) !== 0 })
  }
  return assessment
}

const IS_AGAIN = 8
