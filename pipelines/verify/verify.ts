import { type FeatureDefinition, featureColumn } from '../../features/catalogue/define.ts'
import type { Model } from '../../models/model.ts'
import type { Database, Sql } from '../../sql/client.ts'
import { ensureFeatureColumns, migrate } from '../../sql/migrate.ts'
import { readBackfills, readReached } from '../../sql/queries/backfills.ts'
import { readProgress } from '../../sql/queries/progress.ts'
import { createScratch, dropScratch, type Scratch } from '../../sql/scratch.ts'
import { coverageOf } from '../backfill/coverage.ts'
import type { Coverage } from '../engine/coverage.ts'
import { createResolve, UnknownDefinitions } from '../engine/definitions.ts'
import type { JobProgress } from '../jobs.ts'
import { compareTable, type Difference, type TableReport } from './compare.ts'
import { recompute } from './recompute.ts'
import { COMPARED_NAMES, COMPARED_TABLES } from './tables.ts'

/** Differences that are named; all are counted. */
export const DIFFERENCES_NAMED_MAX = 100
/** How much of the work recomputing is: comparing is the rest. */
const RECOMPUTING_SHARE = 0.9

const SERVED = [...COMPARED_NAMES, 'progress', 'backfills']
/** What a sink writes. */
const RECOMPUTED = [...COMPARED_NAMES, 'progress', 'dead_letters']

export type VerifyParts = {
  readonly database: Database
  readonly shape: { readonly partitions: number; readonly slices: number }
  readonly catalogue: readonly FeatureDefinition[]
  readonly models: readonly Model[]
  /** The one tenant to compare; without it all. */
  readonly tenant?: string
  /** Runs what must see all tables at one and the same place, while nothing is written. */
  readonly atRest: (work: () => Promise<void>) => Promise<void>
  readonly onProgress: (progress: JobProgress) => void
  readonly signal: AbortSignal
}

export type VerifyReport = {
  /** Records of the log that were computed again. */
  readonly events: number
  readonly rows: number
  readonly cells: number
  /** Rows with a cell that differs, rows that lack and rows that are too many. */
  readonly rows_differing: number
  readonly tables: readonly TableReport[]
  readonly differences: readonly Difference[]
  readonly seconds: number
}

export type VerifyOutcome =
  | { readonly ok: true; readonly report: VerifyReport }
  | { readonly ok: false; readonly detail: string }

/**
 * Computes again, from the log alone, what the tables hold up to `progress`, and compares every cell. The tables are
 * linked into a scratch database at one place first, so that what is written meanwhile changes nothing; the recomputed
 * rows go into another one. Only one at a time may work on a directory. Throws the signal's reason when it fires.
 */
export async function verify(parts: VerifyParts): Promise<VerifyOutcome> {
  const { database, catalogue } = parts
  const sql = database.session()
  try {
    await migrate(sql)
    await ensureFeatureColumns(sql, catalogue.map(featureColumn))
    await dropScratch(sql)
    const served = await createScratch(database, sql, 'verify_served', SERVED)
    const recomputed = await createScratch(database, sql, 'verify_recomputed', RECOMPUTED)
    await parts.atRest(async () => {
      for (const table of SERVED) await served.link(table)
    })
    return { ok: true, report: await verifyServed(parts, served, recomputed) }
  } catch (error) {
    if (error instanceof UnknownDefinitions) return { ok: false, detail: error.message }
    throw error
  } finally {
    await dropScratch(sql)
    await sql.close()
  }
}

async function verifyServed(parts: VerifyParts, served: Scratch, recomputed: Scratch): Promise<VerifyReport> {
  const started = performance.now()
  const { database, shape, catalogue, models, tenant, signal, onProgress } = parts
  const [stored, log, target] = [served.session(), database.session(), recomputed.session()]
  try {
    const ends = new Array<number>(shape.partitions).fill(0)
    for (const { partition, offset } of await readProgress(stored)) ends[partition] = offset + 1
    const total = ends.reduce((sum, end) => sum + end, 0)
    let events = 0
    await recompute(log, target, {
      shape,
      catalogue,
      resolve: createResolve(models, catalogue),
      coverage: await readCoverage(stored, catalogue),
      ends,
      tenant,
      signal,
      onRecords(count) {
        events += count
        onProgress({ events, share: (events / total) * RECOMPUTING_SHARE, detail: 'computing again' })
      },
    })
    const tables: TableReport[] = []
    const differences: Difference[] = []
    for (const compared of COMPARED_TABLES) {
      const share = RECOMPUTING_SHARE + (1 - RECOMPUTING_SHARE) * (tables.length / COMPARED_TABLES.length)
      onProgress({ events, share, detail: `comparing ${compared.table}` })
      const scope = { ends, ...(tenant === undefined ? {} : { tenant }) }
      const left = DIFFERENCES_NAMED_MAX - differences.length
      const found = await compareTable(stored, target, compared, scope, left, signal)
      tables.push(found.report)
      differences.push(...found.differences)
    }
    const sum = (of: (table: TableReport) => number) => tables.reduce((total, table) => total + of(table), 0)
    return {
      events,
      rows: sum(({ rows }) => rows),
      cells: sum(({ cells }) => cells),
      rows_differing: sum((one) => one.rows_differing + one.rows_missing + one.rows_extra),
      tables,
      differences,
      seconds: Math.round(performance.now() - started) / 1000,
    }
  } finally {
    await Promise.all([stored, log, target].map((one) => one.close()))
  }
}

/** What backfills brought. One that was killed may have written a block that it has not put on record yet. */
async function readCoverage(stored: Sql, catalogue: readonly FeatureDefinition[]): Promise<Coverage> {
  const rows = await readBackfills(stored)
  const open = new Set(rows.filter((row) => row.next_offset < row.until).map(({ generation }) => generation))
  const reached = new Map<string, number>()
  for (const generation of open) {
    for (const { partition, offset } of await readReached(stored, generation)) {
      reached.set(`${generation} ${partition}`, offset + 1)
    }
  }
  return coverageOf(
    rows.map((row) => {
      const next = reached.get(`${row.generation} ${row.partition}`) ?? 0
      return next > row.next_offset ? { ...row, next_offset: next } : row
    }),
    catalogue,
  )
}
