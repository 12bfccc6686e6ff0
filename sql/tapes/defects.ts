import type { Sql } from '../client.ts'
import type { TapeMap } from './map.ts'

/** How many rows of each kind of defect are shown. */
const EXAMPLES_MAX = 5

/** A row of a tape that shows a defect: its number in the file, and the value or the months that are at fault. */
export type DefectExample = {
  readonly row: number
  readonly loan: string
  readonly month: string
  readonly value: string
}

/** One kind of defect: how often, of how many loans, and the first rows of the file that have it. */
export type Defect = {
  readonly kind: string
  readonly count: number
  readonly loans: number
  readonly examples: readonly DefectExample[]
}

const NO_MONTH = '1970-01-01'

/**
 * What is wrong with a tape that was read into `table`: rows by themselves first, then what rows of one loan say against each
 * other: two for one month, months without a row, a loan that is there again after its end, two cohorts.
 */
export async function readDefects(sql: Sql, table: string, map: TapeMap): Promise<Defect[]> {
  const rows = await sql.query<{ kind: string; count: number; loans: number; examples: Example[] }>(
    `SELECT kind, toInt64(sum(n)) AS count, toInt64(uniqExact(loan)) AS loans,
       groupArraySorted(${EXAMPLES_MAX})((row, loan, toString(month), value)) AS examples
     FROM (${ownDefects(table)} UNION ALL ${sequenceDefects(table, map)})
     GROUP BY kind ORDER BY count DESC, kind`,
  )
  const absent = map.gaps === 'keep' ? [] : await readAbsentMonths(sql, table)
  const examples = absent.slice(0, EXAMPLES_MAX).map((month) => ({ row: 0, loan: '', month, value: '' }))
  return [
    ...rows.map(({ examples: found, ...defect }) => ({ ...defect, examples: found.map(toExample) })),
    ...(absent.length === 0 ? [] : [{ kind: 'absent_month', count: absent.length, loans: 0, examples }]),
  ]
}

type Example = readonly [row: number, loan: string, month: string, value: string]

function toExample([row, loan, month, value]: Example): DefectExample {
  return { row, loan, month: month === NO_MONTH ? '' : month.slice(0, 7), value }
}

function ownDefects(table: string): string {
  return `SELECT toString(defect) AS kind, 1 AS n, row, loan, month, value FROM ${table} WHERE defect != ''`
}

function sequenceDefects(table: string, map: TapeMap): string {
  const isRepeat = map.duplicates === 'refuse' ? '1' : 'NOT is_identical'
  const gaps = map.gaps === 'refuse' ? '1' : '0'
  return `
SELECT found.1 AS kind, found.2 AS n, row, loan, month, found.3 AS value
FROM (
  SELECT
    row, loan, month,
    arrayJoin(arrayFilter(one -> one.2 > 0, [
      ('duplicate', toInt64(month = month_before AND ${isRepeat}), concat('also row ', toString(row_before))),
      ('gap', toInt64(if(${gaps}, dateDiff('month', month_before, month) - 1, 0)),
        concat('no row after ', formatDateTime(month_before, '%Y-%m'))),
      ('after_end', toInt64(month > month_before AND state_before != 'open' AND state != state_before),
        concat(state, ' after ', state_before)),
      ('cohort_changes', toInt64(cohort != cohort_before), toString(cohort_before))
    ])) AS found
  FROM (
    SELECT
      row, loan, month, toString(state) AS state, cohort,
      lagInFrame(row) OVER w AS row_before,
      lagInFrame(month) OVER w AS month_before,
      lagInFrame(toString(state)) OVER w AS state_before,
      lagInFrame(cohort) OVER w AS cohort_before,
      cityHash64(toString(tuple(state, dpd, bucket, balance_minor, product, channel, cohort))) AS said,
      said = lagInFrame(said) OVER w AS is_identical,
      row_number() OVER w AS nth
    FROM ${table}
    WHERE defect = ''
    WINDOW w AS (PARTITION BY loan ORDER BY month, row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  )
  WHERE nth > 1
)`
}

/** Months between the first and the last that no loan has a row for. */
async function readAbsentMonths(sql: Sql, table: string): Promise<string[]> {
  const rows = await sql.query<{ absent: string }>(
    `SELECT formatDateTime(month, '%Y-%m') AS absent FROM (
       SELECT addMonths(first, number) AS month FROM (
         SELECT min(month) AS first, max(month) AS last FROM ${table} WHERE defect = ''
       ) ARRAY JOIN range(toUInt32(greatest(0, dateDiff('month', first, last)))) AS number
     ) WHERE month NOT IN (SELECT month FROM ${table} WHERE defect = '') ORDER BY absent`,
  )
  return rows.map(({ absent }) => absent)
}
