import { quoteIdentifier, quoteString } from '../client.ts'
import { type MonthFormat, type TapeMap, WRITTEN_OFF } from './map.ts'

/** A file that ClickHouse's own readers read, and how. */
export type TapeFile = { readonly path: string; readonly format: 'CSV' | 'Parquet'; readonly delimiter: string }

/** Columns of the table that a tape is read into: what each row says, and what is wrong with it by itself, if anything. */
export const TAPE_ROW_COLUMNS = `
  row UInt64, loan String, borrower String, month Date, cohort Nullable(Date),
  product LowCardinality(String), channel LowCardinality(String), state LowCardinality(String),
  dpd Int32, bucket LowCardinality(String), balance_minor Nullable(Int64),
  defect LowCardinality(String), value String`

const BALANCE_DIGITS_MAX = 15
const CELLS = '_cells_of_the_tape'

/** Names of the columns of a file, as `DESCRIBE` gives them; of a text file its first line alone is looked at. */
export function describeStatement(file: TapeFile): string {
  return (
    `DESCRIBE file(${quoteString(file.path)}, ${quoteString(engineFormat(file))}) ` +
    `SETTINGS describe_compact_output = 1, input_format_max_rows_to_read_for_schema_inference = 1${delimiterSetting(file)}`
  )
}

/**
 * The SELECT that reads a tape as its map says: one row per row of the file, numbered from 1, in the order of
 * TAPE_ROW_COLUMNS. A row that cannot be understood comes too, with its first `defect` and the `value` that is at fault.
 */
export function readStatement(file: TapeFile, map: TapeMap): string {
  const { columns } = map
  // A tape may call its columns as columns here are called: they are taken by place.
  const names = [...new Set(Object.values(columns).filter((name) => name !== undefined))]
  const cell = (column: keyof TapeMap['columns']) => {
    const name = columns[column]
    return name === undefined ? "''" : `trimBoth(${CELLS}[${names.indexOf(name) + 1}])`
  }
  const codes = Object.entries(map.codes)
  const known = map.buckets.map(({ name }) => name)
  return `
SELECT
  row, loan, borrower, ifNull(month_read, toDate(0)) AS month, cohort_read AS cohort, product, channel, state,
  ifNull(dpd_read, 0) AS dpd, bucket, balance_read AS balance_minor,
  multiIf(
    loan = '', 'missing_loan',
    month_read IS NULL, 'bad_month',
    ${columns.status === undefined ? '0' : 'code = 0'}, 'unknown_code',
    state = 'closed', '',
    dpd_text != '' AND dpd_column IS NULL, 'bad_dpd',
    bucket_text != '' AND bucket_text NOT IN (${[...known, WRITTEN_OFF].map(quoteString).join(', ')}), 'unknown_bucket',
    dpd_read IS NULL, 'bad_dpd',
    bucket = '', 'unknown_bucket',
    balance_text != '' AND balance_read IS NULL, 'bad_balance',
    cohort_text != '' AND cohort_read IS NULL, 'bad_cohort',
    cohort_read > month_read, 'cohort_after_month',
    ''
  ) AS defect,
  multiIf(
    defect = 'bad_month', month_text,
    defect = 'unknown_code', code_text,
    defect = 'bad_dpd', dpd_text,
    defect = 'unknown_bucket', if(bucket_text != '', bucket_text, toString(ifNull(dpd_read, 0))),
    defect = 'bad_balance', balance_text,
    defect IN ('bad_cohort', 'cohort_after_month'), cohort_text,
    ''
  ) AS value
FROM (
  SELECT
    *,
    ${array(codes.map(([, { state }]) => quoteString(state)))}[code] AS code_state,
    if(code = 0, 'open', code_state) AS state,
    ${array(codes.map(([, { dpd }]) => `toInt32OrNull('${dpd ?? ''}')`))}[code] AS code_dpd,
    if(match(dpd_text, '^[0-9]{1,6}([.]0*)?$'), toInt32OrNull(extract(dpd_text, '^[0-9]+')), NULL) AS dpd_column,
    ${array(codes.map(([, code]) => quoteString(bucketOfCode(code))))}[code] AS code_bucket,
    if(code_bucket != '', code_bucket, bucket_text) AS bucket_said,
    coalesce(code_dpd, dpd_column, ${dpdOfBucket('bucket_said', map)}) AS dpd_read,
    if(bucket_said != '', bucket_said, ${bucketOfDpd('dpd_read', map)}) AS bucket,
    ${balanceOf('balance_text', map.balance_unit)} AS balance_read,
    ${monthOf('month_text', map.month_format, map.anchor)} AS month_read,
    ${monthOf('cohort_text', map.cohort_format ?? defaultCohortFormat(map.month_format), undefined)} AS cohort_read
  FROM (
    SELECT
      rowNumberInAllBlocks() + 1 AS row,
      ${cell('loan')} AS loan, ${cell('borrower')} AS borrower,
      ${cell('product')} AS product, ${cell('channel')} AS channel,
      ${cell('month')} AS month_text, ${cell('cohort')} AS cohort_text, ${cell('status')} AS code_text,
      ${cell('dpd')} AS dpd_text, ${cell('bucket')} AS bucket_text, ${cell('balance')} AS balance_text,
      indexOf(${array(codes.map(([code]) => quoteString(code)))}, code_text) AS code
    FROM (SELECT [${names.map((name) => `ifNull(CAST(${quoteIdentifier(name)} AS Nullable(String)), '')`).join(', ')}] AS ${CELLS} FROM ${source(file, map)})
  )
)
SETTINGS max_threads = 1, input_format_with_names_use_header = 1, input_format_skip_unknown_fields = 1${delimiterSetting(file)}`
}

function source(file: TapeFile, map: TapeMap): string {
  const place = `${quoteString(file.path)}, ${quoteString(engineFormat(file))}`
  if (file.format === 'Parquet') return `file(${place})`
  // All text: a number that the reader guesses would lose the zeros before it.
  const structure = [...new Set(Object.values(map.columns).filter((column) => column !== undefined))]
    .map((column) => `${quoteIdentifier(column)} Nullable(String)`)
    .join(', ')
  return `file(${place}, ${quoteString(structure)})`
}

function engineFormat({ format }: TapeFile): string {
  return format === 'CSV' ? 'CSVWithNames' : format
}

function delimiterSetting({ format, delimiter }: TapeFile): string {
  return format === 'CSV' ? `, format_csv_delimiter = ${quoteString(delimiter)}` : ''
}

function array(items: readonly string[]): string {
  return items.length === 0 ? "CAST([], 'Array(Nullable(String))')" : `[${items.join(', ')}]`
}

function bucketOfCode({ bucket, state }: { bucket?: string | undefined; state: string }): string {
  return bucket ?? (state === WRITTEN_OFF ? WRITTEN_OFF : '')
}

/** The lowest days past due of a bucket, NULL where the map gives none. */
function dpdOfBucket(bucket: string, map: TapeMap): string {
  const arms = map.buckets.flatMap(({ name, from_dpd }) => {
    return from_dpd === undefined ? [] : [`${bucket} = ${quoteString(name)}, ${from_dpd}`]
  })
  return arms.length === 0 ? 'NULL' : `multiIf(${arms.join(', ')}, NULL)`
}

/** The bucket that days past due fall into, empty below the lowest. */
function bucketOfDpd(dpd: string, map: TapeMap): string {
  const arms = map.buckets
    .flatMap(({ name, from_dpd }) => (from_dpd === undefined ? [] : [`${dpd} >= ${from_dpd}, ${quoteString(name)}`]))
    .reverse()
  return arms.length === 0 ? "''" : `multiIf(${arms.join(', ')}, '')`
}

/** Minor units, exact: more digits than a cent has are no amount. */
function balanceOf(text: string, unit: TapeMap['balance_unit']): string {
  const digits = `[0-9]{1,${BALANCE_DIGITS_MAX}}`
  if (unit === 'minor')
    return `if(match(${text}, '^-?${digits}([.]0*)?$'), toInt64OrNull(extract(${text}, '^-?[0-9]+')), NULL)`
  return `if(match(${text}, '^-?${digits}([.][0-9]{0,2}0*)?$'), toInt64(toDecimal128OrNull(${text}, 2) * 100), NULL)`
}

function defaultCohortFormat(format: MonthFormat): MonthFormat {
  return format === 'months_back' ? 'YYYY-MM' : format
}

/** Where the year, the month and the day stand in each form. */
const FORMS: Readonly<
  Record<Exclude<MonthFormat, 'months_back'>, { pattern: string; groups: readonly [number, number, number] }>
> = {
  'YYYY-MM': { pattern: '^([0-9]{4})-([0-9]{2})()$', groups: [1, 2, 3] },
  // A column of times of day comes with one.
  'YYYY-MM-DD': { pattern: '^([0-9]{4})-([0-9]{2})-([0-9]{2})([ T].*)?$', groups: [1, 2, 3] },
  YYYYMM: { pattern: '^([0-9]{4})([0-9]{2})()$', groups: [1, 2, 3] },
  YYYYMMDD: { pattern: '^([0-9]{4})([0-9]{2})([0-9]{2})$', groups: [1, 2, 3] },
  'DD/MM/YYYY': { pattern: '^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})$', groups: [3, 2, 1] },
  'MM/DD/YYYY': { pattern: '^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})$', groups: [3, 1, 2] },
}

/** The first day of the month, NULL for what is no date: the engine's own parser makes 2 March of 31 February. */
function monthOf(text: string, format: MonthFormat, anchor: string | undefined): string {
  if (format === 'months_back') {
    const back = `abs(toInt32OrNull(${text}))`
    const month = `addMonths(toDate32(${quoteString(`${anchor}-01`)}), -${back})`
    return `if(match(${text}, '^[+-]?[0-9]{1,4}$') AND ${month} >= toDate32('1970-01-01'), toDate(${month}), NULL)`
  }
  const { pattern, groups } = FORMS[format]
  const parts = `extractGroups(${text}, ${quoteString(pattern)})`
  const [year, month, day] = groups.map((group) => `toInt32OrZero(${parts}[${group}])`)
  const first = `makeDate(${year}, ${month}, 1)`
  const isDay =
    format === 'YYYY-MM' || format === 'YYYYMM' ? '1' : `${day} BETWEEN 1 AND toDayOfMonth(toLastDayOfMonth(${first}))`
  return `if(match(${text}, ${quoteString(pattern)}) AND ${year} BETWEEN 1970 AND 2148 AND ${month} BETWEEN 1 AND 12 AND ${isDay}, ${first}, NULL)`
}
