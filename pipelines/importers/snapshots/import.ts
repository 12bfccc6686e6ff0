import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { type Sql, SqlError } from '../../../sql/client.ts'
import type { EmbeddedDatabase } from '../../../sql/embedded.ts'
import { migrate } from '../../../sql/migrate.ts'
import { type Defect, readDefects } from '../../../sql/tapes/defects.ts'
import type { TapeMap } from '../../../sql/tapes/map.ts'
import type { TapeFile } from '../../../sql/tapes/read-statement.ts'
import {
  countTape,
  dropStaged,
  readTapeColumns,
  readTotals,
  stageTape,
  storeTape,
  type TapeTotals,
} from '../../../sql/tapes/tape.ts'
import type { JobProgress } from '../../jobs.ts'
import { unzipOnly } from '../zip.ts'

/** Where an archive's file is unpacked, inside the data directory. */
const UNPACKED_FOLDER = 'imports'
const TAPE_NAME = /\.(?:csv|parquet)$/i
/** The engine would take them for a pattern of names, or for a file inside an archive. */
const PATTERN = /[*?{}]|::/

export type ImportRequest = {
  /** Absolute path of a CSV or Parquet file, also compressed, or of a ZIP archive with one. */
  readonly file: string
  readonly map: TapeMap
  readonly tenant: string
  readonly dataset: string
  /** A data set of that name gives way to this one. */
  readonly replace: boolean
  /** Looks at the tape and stores nothing. */
  readonly check: boolean
}

/** What was found in a tape and what became of it. */
export type ImportReport = TapeTotals & {
  readonly file: string
  readonly tenant: string
  readonly dataset: string
  readonly defects: readonly Defect[]
  /** Rows stored; 0 where the tape has defects or was only looked at. */
  readonly stored: number
  readonly seconds: number
}

export type ImportOutcome =
  | { readonly ok: true; readonly report: ImportReport }
  | { readonly ok: false; readonly detail: string }

type Options = {
  readonly database: EmbeddedDatabase
  readonly onProgress: (progress: JobProgress) => void
  readonly signal: AbortSignal
}

/** Loads a month-end tape into `loan_months`: all of it, or, where anything is wrong with it or the process dies, nothing. */
export async function importTape(request: ImportRequest, options: Options): Promise<ImportOutcome> {
  const sql = options.database.session()
  const folder = join(options.database.path, UNPACKED_FOLDER)
  try {
    await migrate(sql)
    // What an import that was killed left behind.
    rmSync(folder, { recursive: true, force: true })
    const there = await countTape(sql, request.tenant, request.dataset)
    if (there > 0 && !request.replace && !request.check) {
      const detail = `data set ${request.dataset} is there already (${there.toLocaleString('en-US').replaceAll(',', ' ')} rows): add --replace, or choose another --dataset`
      return { ok: false, detail }
    }
    const found = await findTape(request, folder)
    if (!found.ok) return found
    return await load(sql, found.file, request, options)
  } catch (error) {
    if (error instanceof SqlError && error.failure === 'refused') {
      return { ok: false, detail: `${request.file} cannot be read: ${reasonOf(error)}` }
    }
    throw error
  } finally {
    await dropStaged(sql)
    await sql.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function load(
  sql: Sql,
  file: TapeFile,
  { map, tenant, dataset, check, file: name }: ImportRequest,
  { database, onProgress, signal }: Options,
): Promise<ImportOutcome> {
  const started = performance.now()
  const columns = await readTapeColumns(sql, file)
  if (columns === undefined) return { ok: false, detail: `${name} has no rows` }
  const missing = Object.values(map.columns).find((column) => column !== undefined && !columns.includes(column))
  if (missing !== undefined) {
    return { ok: false, detail: `${name} has no column ${missing}: it has ${columns.join(', ')}` }
  }
  onProgress({ events: 0, share: 0, detail: 'reading' })
  const rows = await stageTape(database, sql, file, map)
  signal.throwIfAborted()
  const totals = await readTotals(sql)
  if (totals.rows === 0) return { ok: false, detail: `${name} has no rows` }
  onProgress({ events: totals.rows, share: 0.5, detail: 'checking' })
  const defects = await readDefects(sql, rows, map)
  signal.throwIfAborted()
  onProgress({ events: totals.rows, share: 0.7, detail: 'storing' })
  const stored = check || defects.length > 0 ? 0 : await storeTape(sql, tenant, dataset)
  const seconds = Math.round(performance.now() - started) / 1000
  return { ok: true, report: { file: name, tenant, dataset, ...totals, defects, stored, seconds } }
}

/** The file that the engine reads: the one given, or the one in an archive. */
async function findTape(
  { file, map }: ImportRequest,
  folder: string,
): Promise<{ readonly ok: true; readonly file: TapeFile } | { readonly ok: false; readonly detail: string }> {
  if (!existsSync(file)) return { ok: false, detail: `there is no file ${file}` }
  const { delimiter } = map
  if (extname(file).toLowerCase() !== '.zip') {
    if (PATTERN.test(file)) return { ok: false, detail: `${file}: choose a path without * ? { } and ::` }
    return { ok: true, file: { path: file, format: map.format ?? formatOf(file), delimiter } }
  }
  mkdirSync(folder)
  const path = join(folder, 'tape')
  const unzipped = await unzipOnly(file, TAPE_NAME, path)
  if (!unzipped.ok) return unzipped
  return { ok: true, file: { path, format: map.format ?? formatOf(unzipped.name), delimiter } }
}

function formatOf(name: string): TapeFile['format'] {
  return /\.parquet(?:\.|$)/i.test(basename(name)) ? 'Parquet' : 'CSV'
}

/** What the engine says of a file, in one line. */
function reasonOf({ message }: SqlError): string {
  if (/different amount of values|number of column names/.test(message))
    return 'its rows have not as many values as its header'
  return (message.split('\n', 1)[0] ?? '').trim().replace(/:$/, '')
}
