import type { AddressInfo } from 'node:net'
import { openSqlDoor, type SqlDoor } from '../../../pipelines/run/sql-door.ts'
import type { AnalystLimits } from '../../../sql/analyst/settings.ts'
import type { Database } from '../../../sql/client.ts'
import { fillTables } from '../../sql/analyst/support.ts'
import { openTestDatabase } from '../../sql/support.ts'
import { createTestApp } from '../support.ts'

/** The API over a store with rows of the tenants `bank` and `lender`, listening. */
export type Listening = {
  readonly origin: string
  readonly port: number
  readonly database: Database
  readonly door: SqlDoor
  readonly errors: readonly unknown[]
  close(): Promise<void>
}

export async function listen(limits?: AnalystLimits): Promise<Listening> {
  const stored = await openTestDatabase()
  await fillTables(stored.database, ['bank', 'lender'])
  const door = openSqlDoor(stored.database, limits)
  const { app, errors } = createTestApp({ fault: { sql: door.sql } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    database: stored.database,
    door,
    errors,
    async close() {
      // Clients keep connections open and silent.
      app.server.closeAllConnections()
      await app.close()
      await door.close()
      await stored.close()
    },
  }
}
