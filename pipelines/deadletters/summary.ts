import type { DeadLetter, RedriveOutcome } from '../../sql/queries/dead-letters.ts'

/** What came of one dead letter, or would. */
export type Redriven = {
  readonly letter: DeadLetter
  readonly outcome: RedriveOutcome
  /** Why it was refused, as one word. */
  readonly reason?: string | undefined
  readonly detail: string
  readonly place?: { readonly partition: number; readonly offset: number }
}

/** Dead letters that a summary names; all are counted. */
export const LETTERS_NAMED_MAX = 1000

export type RedriveSummary = {
  readonly dry_run: boolean
  readonly dead_letters: number
  readonly accepted: number
  readonly repeats: number
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>
  /** Their original bytes are gone. */
  readonly lost: number
  /** They are in a cluster's log, and no worker had come to them. */
  readonly sent: number
  /** Whether more would have matched. */
  readonly left: boolean
  readonly seconds: number
  readonly letters: readonly {
    readonly id: string
    readonly tenant: string
    readonly event_id: string
    readonly was: string
    readonly outcome: RedriveOutcome
    readonly reason: string
    readonly detail: string
  }[]
}

export function summaryOf(
  redriven: readonly Redriven[],
  { dryRun, left, seconds }: { readonly dryRun: boolean; readonly left: boolean; readonly seconds: number },
): RedriveSummary {
  const refused: Record<string, number> = {}
  for (const { outcome, reason, letter } of redriven) {
    if (outcome !== 'refused') continue
    const key = reason ?? letter.reason
    refused[key] = (refused[key] ?? 0) + 1
  }
  const countOf = (wanted: RedriveOutcome) => redriven.filter(({ outcome }) => outcome === wanted).length
  return {
    dry_run: dryRun,
    dead_letters: redriven.length,
    accepted: countOf('accepted'),
    repeats: countOf('repeat'),
    refused,
    lost: countOf('lost'),
    sent: countOf('sent'),
    left,
    seconds: Math.round(seconds * 1000) / 1000,
    letters: redriven.slice(0, LETTERS_NAMED_MAX).map(({ letter, outcome, reason, detail }) => {
      const { id, tenant, event_id, reason: was } = letter
      return { id, tenant, event_id, was, outcome, reason: reason ?? '', detail }
    }),
  }
}
