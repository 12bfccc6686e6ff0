/** A line of the log: a sentence, and what a program wants to find in it. Neither ever names a borrower. */
export type Level = 'debug' | 'info' | 'warn' | 'error'
export type Log = (level: Level, message: string, fields?: object) => void

export const LOG_FORMATS = ['plain', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** Writes lines: plain ones for people, or one JSON object each, with the time. What is of level `debug` goes nowhere. */
export function createLog(format: LogFormat, write: (line: string) => void): Log {
  return (level, message, fields = {}) => {
    if (level === 'debug') return
    write(format === 'json' ? jsonLine(level, message, fields) : plainLine(level, message, fields))
  }
}

function jsonLine(level: Level, message: string, fields: object): string {
  return JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })
}

function plainLine(level: Level, message: string, fields: object): string {
  const more = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`
  return `${level === 'info' ? '' : `${level}: `}${message}${more}`
}
