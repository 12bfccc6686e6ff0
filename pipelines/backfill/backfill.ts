import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { compileCatalogue, type Evaluate } from '../../features/catalogue/compile.ts'
import { type FeatureDefinition, featureColumn } from '../../features/catalogue/define.ts'
import type { Database, Sql } from '../../sql/client.ts'
import { ensureFeatureColumns, migrate } from '../../sql/migrate.ts'
import { readBackfills } from '../../sql/queries/backfills.ts'
import { readProgress } from '../../sql/queries/progress.ts'
import { readPublished } from '../../sql/queries/published.ts'
import { readRebuildEvents } from '../../sql/queries/rebuild.ts'
import { readStoredTicks, readWarningTurns } from '../../sql/queries/stored-ticks.ts'
import { type BackfillRow, createBackfillsBlock } from '../../sql/tables/backfills.ts'
import type { JobProgress } from '../jobs.ts'
import { coverageOf } from './coverage.ts'
import { PlaceCursor } from './place-cursor.ts'
import { type BackfillJob, planBackfill } from './plan.ts'
import { Rewrite } from './rewrite.ts'
import { BackfillWriter } from './writer.ts'

/** After so long others get their turn. */
const TURN_MS = 5

export type BackfillParts = {
  readonly database: Database
  readonly shape: { readonly partitions: number; readonly slices: number }
  readonly catalogue: readonly FeatureDefinition[]
  /** `name@version` of each. */
  readonly features: readonly string[]
  readonly rowsPerBlock?: number
  readonly onProgress: (progress: JobProgress) => void
  readonly signal: AbortSignal
}

export type BackfillSummary = {
  /** Features that this command brought to history, and those that were there already. */
  readonly features: readonly string[]
  readonly already_done: readonly string[]
  /** Generation of the rows that were written, 0 where none had to be. */
  readonly generation: number
  /** Records of the log that were gone through, and rows written. */
  readonly events: number
  readonly rows: number
  readonly seconds: number
  readonly events_per_second: number
}

export type BackfillOutcome =
  | { readonly ok: true; readonly summary: BackfillSummary }
  | { readonly ok: false; readonly detail: string }

/**
 * Brings features to the rows that were written before they were in force, up to that place in each partition. Only one
 * at a time may work on a directory. Throws the signal's reason when it fires; run again, it goes on where it was.
 */
export async function backfill(parts: BackfillParts): Promise<BackfillOutcome> {
  const started = performance.now()
  const { catalogue, features, database, shape } = parts
  const sql = database.session()
  try {
    await migrate(sql)
    const plan = planBackfill(features, {
      catalogue,
      partitions: shape.partitions,
      published: await readPublished(sql),
      backfills: await readBackfills(sql),
      progress: new Map((await readProgress(sql)).map(({ partition, offset }) => [partition, offset])),
    })
    if (!plan.ok) return plan
    await ensureFeatureColumns(sql, catalogue.map(featureColumn))
    const run = new Run(parts, sql, plan.jobs)
    for (const job of plan.jobs) await run.do(job)
    const seconds = Math.round(performance.now() - started) / 1000
    const summary: BackfillSummary = {
      features: [...new Set(plan.jobs.flatMap(({ rows }) => rows.map(({ feature }) => feature)))],
      already_done: plan.done,
      generation: plan.jobs.at(-1)?.generation ?? 0,
      events: run.events,
      rows: run.rows,
      seconds,
      events_per_second: Math.round(run.events / Math.max(seconds, 0.001)),
    }
    return { ok: true, summary }
  } finally {
    await sql.close()
  }
}

class Run {
  readonly #parts: BackfillParts
  readonly #sql: Sql
  readonly #total: number
  readonly #writer: BackfillWriter
  readonly #evaluate: Evaluate
  events = 0

  constructor(parts: BackfillParts, sql: Sql, jobs: readonly BackfillJob[]) {
    this.#parts = parts
    this.#sql = sql
    this.#writer = new BackfillWriter(sql, parts.catalogue.map(featureColumn), parts.rowsPerBlock)
    this.#evaluate = compileCatalogue(parts.catalogue)
    const reaches = jobs.flatMap((job) => [...rowsByPartition(job).values()].map(reachOf))
    this.#total = reaches.reduce((sum, { until }) => sum + until, 0)
  }

  /** Rows written. */
  get rows(): number {
    return this.#writer.rows_written
  }

  async do(job: BackfillJob): Promise<void> {
    const earlier = (await readBackfills(this.#sql)).filter(({ generation }) => generation < job.generation)
    await this.#record(job.rows)
    // What this generation writes has its features whole.
    const coverage = coverageOf(
      [...earlier, ...job.rows.map((row) => ({ ...row, next_offset: row.until }))],
      this.#parts.catalogue,
    )
    for (const [partition, rows] of rowsByPartition(job)) {
      const { from, until } = reachOf(rows)
      if (from < until) await this.#rewrite(partition, rows, coverage)
      else this.events += until
    }
  }

  /** Puts the job on record before its first row is written. */
  async #record(rows: readonly BackfillRow[]): Promise<void> {
    const block = createBackfillsBlock()
    for (const row of rows) block.append(row)
    await this.#sql.insertBlock('backfills', block)
  }

  async #rewrite(partition: number, rows: readonly BackfillRow[], coverage: ReturnType<typeof coverageOf>) {
    const { database, catalogue, shape, signal, onProgress } = this.#parts
    const { from, until } = reachOf(rows)
    const sessions = [database.session(), database.session(), database.session()] as const
    const [log, ticksSql, turnsSql] = sessions
    const ticks = new PlaceCursor(readStoredTicks(ticksSql, partition, from, until))
    const turns = new PlaceCursor(readWarningTurns(turnsSql, partition, until))
    const writer = this.#writer
    writer.begin(rows)
    const evaluate = this.#evaluate
    const rewrite = new Rewrite({ shape, catalogue, evaluate, coverage, fromOffset: from, ticks, turns, writer })
    let turnEnds = performance.now() + TURN_MS
    try {
      for await (const page of readRebuildEvents(log, partition, 0, until - 1)) {
        for (const record of page) {
          const waiting = rewrite.apply(record)
          if (waiting !== undefined) await waiting
          this.events++
          if (writer.isFull) await writer.write(record.offset + 1)
          if (performance.now() < turnEnds) continue
          signal.throwIfAborted()
          onProgress({ events: this.events, share: this.events / this.#total, detail: `partition ${partition}` })
          await yieldToOthers()
          turnEnds = performance.now() + TURN_MS
        }
      }
      await writer.finish(until)
    } finally {
      await Promise.all([ticks.close(), turns.close()])
      await Promise.all(sessions.map((one) => one.close()))
    }
  }
}

function rowsByPartition({ rows }: BackfillJob): Map<number, BackfillRow[]> {
  const by = new Map<number, BackfillRow[]>()
  for (const row of rows) by.set(row.partition, [...(by.get(row.partition) ?? []), row])
  return by
}

/** Where the rows of one partition still have to be written: all features of a generation come equally far. */
function reachOf(rows: readonly BackfillRow[]): { readonly from: number; readonly until: number } {
  return {
    from: Math.min(...rows.map(({ next_offset }) => next_offset)),
    until: Math.max(...rows.map(({ until }) => until)),
  }
}
