import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * What a machine or its operator decides: nothing here changes an outcome, for what does is in the log. This is the only
 * file that reads the environment.
 */

/**
 * Partitions and slices of a new log. They are fixed with it. Of 100,000 borrowers who owe something a slice of one partition
 * has some 1,560, which hold the engine for 60 ms.
 */
export const PARTITIONS_DEFAULT = 4
export const SLICES_DEFAULT = 16
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

/** What processes of a cluster are told apart from their configuration file, because it is secret. */
export function clusterSecrets() {
  const { FORESHOCK_CLICKHOUSE_PASSWORD, FORESHOCK_KAFKA_USER, FORESHOCK_KAFKA_PASSWORD } = process.env
  const { FORESHOCK_SCHEMA_REGISTRY_PASSWORD } = process.env
  return {
    clickhousePassword: FORESHOCK_CLICKHOUSE_PASSWORD,
    kafkaUser: FORESHOCK_KAFKA_USER,
    kafkaPassword: FORESHOCK_KAFKA_PASSWORD,
    schemaRegistryPassword: FORESHOCK_SCHEMA_REGISTRY_PASSWORD,
  }
}

/** A folder for copies of what is in a bucket: another one for each `place`. */
export function checkpointCache(place: string): string {
  return join(tmpdir(), `foreshock-checkpoints-${place}`)
}

/** This process's environment with some more, for a process that a benchmark starts. */
export function environmentWith(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...more }
}

/** Sets the size of the thread pool. It counts only before the pool's first use, so it comes first in `main`. */
export function sizeThreadPool(): void {
  process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(THREADS_MIN, availableParallelism() * 4))
}

/** Whether progress may be drawn: on a terminal that is not asked to be plain. */
export function isTerminal(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb' && process.env['CI'] === undefined
}

/**
 * What tests and benchmarks want to know of Kafka: brokers to use instead of one of their own, the folder that keeps the jars of
 * that one, and whether it is a failure if none can be started.
 */
export function testKafka(): { brokers: readonly string[]; cache: string; isRequired: boolean } {
  const { KAFKA_BROKERS, FORESHOCK_CACHE, XDG_CACHE_HOME, FORESHOCK_REQUIRE_KAFKA } = process.env
  return {
    brokers: (KAFKA_BROKERS ?? '').split(',').filter((address) => address !== ''),
    cache: FORESHOCK_CACHE ?? join(XDG_CACHE_HOME ?? tmpdir(), 'foreshock'),
    isRequired: FORESHOCK_REQUIRE_KAFKA === '1',
  }
}

/** The Python that tests of analysts' clients use. */
export function testPython(): string {
  return process.env['FORESHOCK_PYTHON'] ?? 'python3'
}
