import { availableParallelism } from 'node:os'

/**
 * What a machine or its operator decides: nothing here changes an outcome, for what does is in the log. This is the only
 * file that reads the environment.
 */

/** Partitions and slices of a new log. They are fixed with it. */
export const PARTITIONS_DEFAULT = 4
export const SLICES_DEFAULT = 8
export const TENANT_DEFAULT = 'default'
export const PORT_DEFAULT = 8080
export const HOST_DEFAULT = '127.0.0.1'
/** How long a data directory that another process holds is tried. */
export const LOCK_WAIT_MS_MAX = 5000
/** Threads for statements and files: above the number of sessions, or long queries would stop even reading a file. */
export const THREADS_MIN = 16

/** The ClickHouse server that the environment names, for the tests that run against one. It may hold a password. */
export function clickhouseUrl(): string | undefined {
  return process.env['CLICKHOUSE_URL'] || undefined
}

/** Sets the size of the thread pool. It counts only before the pool's first use, so it comes first in `main`. */
export function sizeThreadPool(): void {
  process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(THREADS_MIN, availableParallelism() * 4))
}

/** Whether progress may be drawn: on a terminal that is not asked to be plain. */
export function isTerminal(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb' && process.env['CI'] === undefined
}
