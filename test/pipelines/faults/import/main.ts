import { importTape } from '../../../../pipelines/importers/snapshots/import.ts'
import type { Sql } from '../../../../sql/client.ts'
import { type EmbeddedDatabase, openEmbedded } from '../../../../sql/embedded.ts'
import { parseMap } from '../../../../sql/tapes/map.ts'

/** `main.ts DIR FILE MAP POINT`: imports a tape again and kills its own process before the statement that matches `POINT`. */

const [directory = '', file = '', mapText = '', point = ''] = process.argv.slice(2)

function dying(sql: Sql): Sql {
  return {
    ...sql,
    command(statement) {
      if (new RegExp(point).test(statement)) process.kill(process.pid, 'SIGKILL')
      return sql.command(statement)
    },
  }
}

const database = await openEmbedded(directory)
if ('locked' in database) throw new Error('locked')
const parsed = parseMap(JSON.parse(mapText))
if (!parsed.ok) throw new Error(parsed.detail)
const watched: EmbeddedDatabase = { ...database, session: (options) => dying(database.session(options)) }
await importTape(
  { file, map: parsed.map, tenant: 'default', dataset: 'tape', replace: true, check: false },
  { database: watched, onProgress: () => {}, signal: new AbortController().signal },
)
throw new Error(`no statement matched ${point}`)
