import { CATALOGUE } from '../../../../features/catalogue/index.ts'
import { backfill } from '../../../../pipelines/backfill/backfill.ts'
import { readShape } from '../../../../pipelines/run/log-shape.ts'
import { openEmbedded } from '../../../../sql/embedded.ts'

/** A backfill that dies by kill -9 once it has gone through so many records: `main.ts DIRECTORY FEATURE RECORDS`. */

const ROWS_PER_BLOCK = 100
const [directory = '', feature = '', records = ''] = process.argv.slice(2)
const database = await openEmbedded(directory)
const shape = readShape(directory)
if ('locked' in database || shape === undefined) throw new Error(`${directory} cannot be used`)
await backfill({
  database,
  shape,
  catalogue: CATALOGUE,
  features: [feature],
  rowsPerBlock: ROWS_PER_BLOCK,
  signal: new AbortController().signal,
  onProgress({ events }) {
    if (events >= Number(records)) process.kill(process.pid, 'SIGKILL')
  },
})
throw new Error(`the backfill ended before ${records} records`)
