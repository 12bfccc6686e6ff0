import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AMOUNT_MINOR_MAX, DATE_FIRST } from '../../../features/events/fields.ts'
import { dateOfDay, dayOfDate } from '../../../features/time.ts'

/**
 * The `.asc` tables of the Berka data: a header, `;` between fields, text in double quotes, dates `YYMMDD`, amounts
 * with a decimal point, one line break (CR LF or LF) after every row.
 */

/** A file is read whole; the original transaction file has 70 MB. */
export const FILE_BYTES_MAX = 400_000_000
/** So much of a refused row is reported. */
export const REFUSED_TEXT_LENGTH_MAX = 300

export type RefusedReason =
  | 'cut_row'
  | 'wrong_field_count'
  | 'bad_quotes'
  | 'bad_id'
  | 'bad_date'
  | 'bad_amount'
  | 'bad_counterparty'
  | 'bad_region'
  | 'bad_rate'
  | 'bad_duration'
  | 'unknown_type'
  | 'unknown_operation'
  | 'unknown_symbol'
  | 'contradicting_direction'
  | 'no_owner'
  | 'repeated_id'
  | 'second_owner'
  | 'second_loan_of_account'
  | 'second_standing_order'
  | 'no_standing_order'
  | 'instalments_exceed_loan'
  | 'repayment_without_loan'

/** One row, or one part of what a row says, that could not be turned into an event. `line` counts from 1, the header. */
export type Refused = {
  readonly file: string
  readonly line: number
  readonly reason: RefusedReason
  /** The row as it stands in the file, at most REFUSED_TEXT_LENGTH_MAX characters. */
  readonly text: string
}

export type BerkaFailure = {
  readonly ok: false
  readonly reason:
    | 'missing_directory'
    | 'missing_file'
    | 'several_transaction_files'
    | 'unreadable_file'
    | 'too_large'
    | 'wrong_header'
    | 'no_transactions'
  /** One line that says what is wrong and what to do. */
  readonly detail: string
}

export type AscRow<Column extends string> = {
  readonly line: number
  readonly text: string
  readonly fields: Readonly<Record<Column, string>>
}

export type AscTable<Column extends string> = {
  readonly ok: true
  readonly file: string
  readonly rows: readonly AscRow<Column>[]
  /** Adds a row to the report of what was refused. */
  refuse(row: { readonly line: number; readonly text: string }, reason: RefusedReason): void
}

/**
 * Reads one table. A row with another number of fields, with broken quotes or without its line break is added to
 * `refused`: nothing tells a row without its line break from one that was cut inside its last field.
 * The bytes are taken as Latin-1, so that a refused row is reported as it stands, whatever its encoding.
 */
export async function readAsc<const Column extends string>(
  directory: string,
  file: string,
  columns: readonly Column[],
  refused: Refused[],
): Promise<AscTable<Column> | BerkaFailure> {
  let bytes: Buffer
  try {
    bytes = await readFile(join(directory, file))
  } catch (error) {
    return unreadable(error, file, directory)
  }
  if (bytes.length > FILE_BYTES_MAX) {
    return { ok: false, reason: 'too_large', detail: `${file} has ${bytes.length} bytes, at most ${FILE_BYTES_MAX}` }
  }
  const lines = bytes.toString('latin1').split('\n')
  const header = splitFields(trimReturn(lines[0] ?? ''))
  if (header?.join(';') !== columns.join(';')) {
    return { ok: false, reason: 'wrong_header', detail: `${file} does not begin with the header ${columns.join(';')}` }
  }
  const refuse = (row: { readonly line: number; readonly text: string }, reason: RefusedReason) => {
    refused.push({ file, line: row.line, reason, text: row.text.slice(0, REFUSED_TEXT_LENGTH_MAX) })
  }
  const rows: AscRow<Column>[] = []
  const last = lines.length - 1
  for (let i = 1; i <= last; i++) {
    const whole = lines[i]!
    if (i === last && whole === '') break
    const row = { line: i + 1, text: trimReturn(whole) }
    const fields = splitFields(row.text)
    if (i === last && !whole.endsWith('\r')) refuse(row, 'cut_row')
    else if (fields === undefined) refuse(row, 'bad_quotes')
    else if (fields.length !== columns.length) refuse(row, 'wrong_field_count')
    else rows.push({ ...row, fields: named(columns, fields) })
  }
  return { ok: true, file, rows, refuse }
}

/** The value for a file or directory that cannot be read. */
export function unreadable(error: unknown, file: string, directory: string): BerkaFailure {
  const code = (error as NodeJS.ErrnoException).code
  if (code === undefined) throw error
  if (code === 'ENOENT') {
    return { ok: false, reason: 'missing_file', detail: `${file} is not in ${directory}` }
  }
  return { ok: false, reason: 'unreadable_file', detail: `${file} in ${directory} cannot be read (${code})` }
}

/** Minor units of a decimal with at most two places, read digit by digit; undefined when it is not one or too large. */
export function parseMinor(text: string): number | undefined {
  const parts = /^(-?)(\d{1,15})(?:\.(\d{1,2}))?$/.exec(text)
  if (parts === null) return undefined
  const minor = Number(parts[2]! + (parts[3] ?? '').padEnd(2, '0'))
  if (minor > AMOUNT_MINOR_MAX) return undefined
  return parts[1] === '-' && minor !== 0 ? -minor : minor
}

/** Day number of a date `YYMMDD` of the 20th century; undefined when it does not exist or lies before 1970. */
export function parseDay(text: string): number | undefined {
  const parts = /^(\d\d)(\d\d)(\d\d)$/.exec(text)
  if (parts === null) return undefined
  const date = `19${parts[1]}-${parts[2]}-${parts[3]}`
  const day = dayOfDate(date)
  return dateOfDay(day) === date && date >= DATE_FIRST ? day : undefined
}

/** True for an identifier of the data: digits only. */
export function isId(text: string): boolean {
  return /^\d{1,15}$/.test(text)
}

function trimReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text
}

/** The fields of one line without their quotes; undefined when a quote stands anywhere but around a field. */
function splitFields(text: string): string[] | undefined {
  const fields = text.split(';')
  for (let i = 0; i < fields.length; i++) {
    let field = fields[i]!
    if (field.length > 1 && field.startsWith('"') && field.endsWith('"')) field = field.slice(1, -1)
    if (field.includes('"')) return undefined
    fields[i] = field
  }
  return fields
}

function named<Column extends string>(columns: readonly Column[], fields: readonly string[]): Record<Column, string> {
  const record: Partial<Record<Column, string>> = {}
  for (let i = 0; i < columns.length; i++) record[columns[i]!] = fields[i]!
  return record as Record<Column, string>
}
