import type { Defect } from '../../../sql/tapes/defects.ts'
import type { ImportReport } from './import.ts'

/** What each kind of defect is, for people: the words after its count. */
const KINDS: Readonly<Record<string, string>> = {
  missing_loan: 'rows without a loan',
  bad_month: 'rows whose month is none in this form',
  unknown_code: 'rows with a status that the map does not know',
  bad_dpd: 'rows whose days past due are no whole number from 0 on',
  unknown_bucket: 'rows for a bucket that the map does not know',
  bad_balance: 'rows whose balance is no amount in this unit',
  bad_cohort: 'rows whose cohort is no month in this form',
  cohort_after_month: 'rows with a cohort after their month',
  duplicate: 'rows for a loan and month that have one already',
  gap: 'months without a row between two rows of a loan',
  after_end: 'rows of a loan after it was closed or written off',
  cohort_changes: 'rows with another cohort than the loan’s row before',
  absent_month: 'months between the first and the last without any row',
}

/** An import's report, line by line. */
export function reportLines(report: ImportReport): string[] {
  const lines = [
    `rows          ${count(report.rows)} of ${count(report.loans)} loans, ${report.from_month} to ${report.to_month}`,
    `buckets       ${list(report.buckets)}`,
  ]
  if (report.closed_rows > 0) lines.push(`left out      ${count(report.closed_rows)} rows of closed loans`)
  if (report.repeated_rows > 0 && report.defects.length === 0) {
    lines.push(`left out      ${count(report.repeated_rows)} rows that repeat the one before`)
  }
  for (const defect of report.defects) lines.push(...defectLines(defect))
  lines.push(
    report.stored > 0
      ? `stored        ${count(report.stored)} rows as data set ${report.dataset} in ${report.seconds} s`
      : `stored        nothing`,
  )
  return lines
}

function defectLines({ kind, count: times, loans, examples }: Defect): string[] {
  const of = loans > 0 ? `, ${count(loans)} loans` : ''
  return [
    `${kind}: ${count(times)} ${KINDS[kind] ?? ''}${of}`,
    ...examples.map(({ row, loan, month, value }) => {
      const parts = [row > 0 ? `row ${row}` : '', loan === '' ? '' : `loan ${loan}`, month]
      const shown = value === '' ? '' : ` (${JSON.stringify(value)})`
      return `  ${parts.filter((part) => part !== '').join(' ')}${shown}`
    }),
  ]
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, n]) => `${name} ${count(n)}`)
    .join(', ')
}

function count(n: number): string {
  return n.toLocaleString('en-US').replaceAll(',', ' ')
}
