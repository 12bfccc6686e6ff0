import type { Database, SessionLimits, Sql } from './client.ts'

/**
 * Sessions for people's statements. The engine's `readonly = 1` refuses changes of data, schema and settings, and table
 * functions that reach files or other machines; three things pass it that are no reading, and are refused here: KILL
 * stops other sessions' statements, USE changes what later statements mean, INTO OUTFILE writes a file.
 */

const READING = ['SELECT', 'WITH', 'FROM', 'SHOW', 'DESCRIBE', 'DESC', 'EXPLAIN', 'EXISTS']
/** What may come before the first word: white space, comments, opening brackets. */
const LEADING = /^(?:\s+|--[^\n]*(?:\n|$)|#[ !][^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()*/
/** Anywhere, so that no comment or string can hide it; no column or table here has such a name. */
const OUTFILE = /\binto\b[\s\S]*\boutfile\b/i

/** Why a statement is not taken, in one line; undefined for one that reads. */
export function whyNotReading(statement: string): string | undefined {
  const text = statement.replace(LEADING, '')
  const word = /^[a-z]+/i.exec(text)?.[0].toUpperCase()
  if (text === '' || text === ';') return 'there is no statement'
  if (word === undefined || !READING.includes(word)) {
    return `only reading is possible here: a statement begins with ${READING.join(', ')}, not ${word ?? JSON.stringify(text.slice(0, 10))}`
  }
  if (OUTFILE.test(statement)) return 'INTO OUTFILE is no reading: send the output to a file instead'
  return undefined
}

/** A session on which the engine itself refuses whatever is not reading. Ask `whyNotReading` before each statement. */
export function openReadOnly(database: Database, limits: SessionLimits = {}): Sql {
  return database.session({ ...limits, read_only: true })
}
