import type { Pipeline } from '../run/pipeline.ts'
import { groupDigits, say } from './output.ts'

/** What a doing command prints with `--json`. */
export type Summary = {
  /** Borrowers and loans that the data directory knows, of all tenants. */
  readonly borrowers: number
  readonly loans: number
  readonly events: number
  readonly repeats: number
  readonly evaluations: number
  readonly late: number
  readonly warnings: number
  readonly warnings_by_severity: Readonly<Record<string, number>>
  readonly dead_letters: Readonly<Record<string, number>>
  readonly dropped_fields: number
  readonly seconds: number
  /** Processor time of this process, all threads, from its start. */
  readonly cpu_seconds: number
  readonly memory_peak_bytes: number
}

export function summaryOf(pipeline: Pipeline, evaluationsBefore: number, seconds: number): Summary {
  const { counts, engine } = pipeline
  const usage = process.resourceUsage()
  const borrowers = engine.partitions.flatMap((state) => state.features.borrowers)
  return {
    borrowers: borrowers.length,
    loans: borrowers.reduce((sum, borrower) => sum + borrower.loanCount, 0),
    events: counts.events,
    repeats: counts.repeats,
    evaluations: engine.evaluations - evaluationsBefore,
    late: counts.late,
    warnings: Object.values(counts.warnings).reduce((sum, one) => sum + one, 0),
    warnings_by_severity: { ...counts.warnings },
    dead_letters: { ...counts.dead_letters },
    dropped_fields: counts.dropped_fields,
    seconds: Math.round(seconds * 1000) / 1000,
    cpu_seconds: Math.round((usage.userCPUTime + usage.systemCPUTime) / 1000) / 1000,
    memory_peak_bytes: usage.maxRSS * 1024,
  }
}

/** The summary for people, on standard error. */
export function saySummary(summary: Summary): void {
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key} ${groupDigits(value)}`)
      .join(', ') || 'none'
  say(`borrowers     ${groupDigits(summary.borrowers)}, with ${groupDigits(summary.loans)} loans`)
  say(
    `events        ${groupDigits(summary.events)} (${groupDigits(summary.repeats)} repeats left out, ${groupDigits(summary.late)} late)`,
  )
  say(`evaluations   ${groupDigits(summary.evaluations)} (events and borrower-days)`)
  say(`warnings      ${list(summary.warnings_by_severity)}`)
  say(`dead letters  ${list(summary.dead_letters)}`)
  if (summary.dropped_fields > 0)
    say(`dropped       ${groupDigits(summary.dropped_fields)} unknown fields, never stored`)
  say(`seconds       ${summary.seconds} (${summary.cpu_seconds} of processor time)`)
}
