import { MS_PER_DAY } from '../../features/time.ts'
import { type HistoryOptions, historyLines } from '../pipelines/run/history.ts'

/** Where the history of `historyLines` begins. */
const START = Date.UTC(2024, 0, 1)
const DATE = /^\d{4}-\d\d-\d\d$/
const TIME_MIN = Date.UTC(2000, 0, 1)

/**
 * A history with all that can be wrong or odd, that ends two days before today: what lies years back would bring a tick for
 * each day since.
 */
export function recentLines(options: HistoryOptions): string[] {
  const days = Math.floor((Date.now() - START) / MS_PER_DAY) - options.days - 2
  return historyLines(options).map((line) => {
    try {
      return JSON.stringify(shifted(JSON.parse(line), days))
    } catch {
      return line
    }
  })
}

/** The same, times and dates so many days later. */
function shifted(value: unknown, days: number): unknown {
  if (typeof value === 'number') return value > TIME_MIN ? value + days * MS_PER_DAY : value
  if (typeof value === 'string') {
    return DATE.test(value) ? new Date(Date.parse(value) + days * MS_PER_DAY).toISOString().slice(0, 10) : value
  }
  if (Array.isArray(value)) return value.map((one) => shifted(one, days))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shifted(one, days)]))
}

/** Lines of a history that say which event they are. */
export function withIds(lines: readonly string[]): string[] {
  return lines.filter((line) => {
    try {
      return typeof (JSON.parse(line) as { id?: unknown } | null)?.id === 'string'
    } catch {
      return false
    }
  })
}
