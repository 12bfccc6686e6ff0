import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clickhouseUrl } from '../../pipelines/config.ts'
import type { Database } from '../../sql/client.ts'
import { type EmbeddedDatabase, openEmbedded } from '../../sql/embedded.ts'
import { openServer, type ServerOptions } from '../../sql/server.ts'
import { type Gateway, startGateway } from '../gateway/start.ts'

/** The embedded engine in a directory of its own. A process can hold one at a time, so a test file opens one. */
export type TestDatabase = { readonly database: EmbeddedDatabase; readonly directory: string; close(): Promise<void> }

export async function openTestDatabase(): Promise<TestDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'foreshock-sql-'))
  const database = await openEmbedded(directory)
  if ('locked' in database) throw new Error(`${directory} is locked`)
  return {
    database,
    directory,
    async close() {
      await database.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** A server by URL: the one that CLICKHOUSE_URL names, in a database of its own, else a gateway. */
export type TestServer = {
  readonly database: Database
  /** Undefined with a server of somebody else's, which cannot be told to fail. */
  readonly gateway: Gateway | undefined
  /** What `openServer` was called with. */
  readonly options: ServerOptions
  close(): Promise<void>
}

export async function openTestServer(more: Partial<ServerOptions> = {}): Promise<TestServer> {
  const url = clickhouseUrl()
  return url === undefined ? openGateway(more) : openOwnDatabase(url, more)
}

async function openGateway(more: Partial<ServerOptions>): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'foreshock-gateway-'))
  const gateway = await startGateway(directory)
  const options = { url: gateway.url, password: gateway.password, ...more }
  const database = openServer(options)
  return {
    database,
    gateway,
    options,
    async close() {
      await database.close()
      await gateway.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function openOwnDatabase(url: string, more: Partial<ServerOptions>): Promise<TestServer> {
  const main = openServer({ url })
  const sql = main.session()
  const name = `foreshock_test_${process.pid}`
  await sql.command(`DROP DATABASE IF EXISTS ${name} SYNC`)
  await sql.command(`CREATE DATABASE ${name}`)
  const options = { url, database: name, ...more }
  const database = openServer(options)
  return {
    database,
    gateway: undefined,
    options,
    async close() {
      await database.close()
      await sql.command(`DROP DATABASE ${name} SYNC`)
      await main.close()
    },
  }
}

/** Both ways to reach ClickHouse, for tests that hold for each. */
export const BOTH: readonly (readonly [
  name: string,
  open: () => Promise<{ readonly database: Database; close(): Promise<void> }>,
])[] = [
  ['embedded', openTestDatabase],
  ['by URL', () => openTestServer()],
]
