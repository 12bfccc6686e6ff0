import { join } from 'node:path'
import { createEventLog } from '../../../pipelines/intake/event-log.ts'
import { Intake } from '../../../pipelines/intake/intake.ts'
import type { IntakeResult, LogShape } from '../../../pipelines/intake/items.ts'
import { Originals } from '../../../pipelines/intake/originals.ts'
import { recoverIntake } from '../../../pipelines/intake/recover.ts'
import type { Database, Sql } from '../../../sql/client.ts'
import { openEmbedded } from '../../../sql/embedded.ts'
import { migrate } from '../../../sql/migrate.ts'
import { type RawEvent, toIncoming } from '../run/events.ts'

/** One record of the log, as a test looks at it. */
export type Stored = {
  readonly type: string
  readonly id: string
  readonly borrower: string
  readonly time: number
  readonly received_at: number
  readonly data: string
}

/** Intake over the real log, without an engine behind it. */
export class IntakeLog {
  readonly database: Database
  readonly sql: Sql
  readonly shape: LogShape
  intake: Intake
  readonly #originals: Originals
  readonly #positions = new Map<string, number>()

  private constructor(database: Database, sql: Sql, shape: LogShape, intake: Intake, originals: Originals) {
    this.database = database
    this.sql = sql
    this.shape = shape
    this.intake = intake
    this.#originals = originals
  }

  static async open(folder: string, shape: LogShape): Promise<IntakeLog> {
    const database = await openEmbedded(join(folder, 'data'))
    if ('locked' in database) throw new Error('locked')
    const sql = database.session()
    await migrate(sql)
    const originals = new Originals(database.path)
    const intake = new Intake(createEventLog(sql, originals), shape, await recoverIntake(sql, shape))
    return new IntakeLog(database, sql, shape, intake, originals)
  }

  /** As after a crash: everything that intake knows comes from the log. */
  async restart(): Promise<void> {
    const position = await recoverIntake(this.sql, this.shape)
    this.intake = new Intake(createEventLog(this.sql, this.#originals), this.shape, position)
  }

  /** Hands over the next lines of a tenant's file, or with `now` of its live source. */
  async take(tenant: string, lines: readonly (RawEvent | string)[], now?: number): Promise<IntakeResult[]> {
    const partition = now === undefined ? `file:${tenant}` : 'http'
    const position = this.#positions.get(`${tenant} ${partition}`) ?? 1
    this.#positions.set(`${tenant} ${partition}`, position + lines.length)
    const { results } = await this.intake.take(toIncoming(lines, { tenant, partition, position }), now)
    return results
  }

  /** What became of each line: `accepted`, `repeat`, or the reason of its refusal. */
  async outcomes(tenant: string, lines: readonly (RawEvent | string)[], now?: number): Promise<string[]> {
    return (await this.take(tenant, lines, now)).map((result) => result.reason ?? result.status)
  }

  /** The tenant's records in partition 0, in order. */
  stored(tenant: string): Promise<Stored[]> {
    return this.sql.query<Stored>(
      `SELECT type, id, borrower, toUnixTimestamp64Milli(time) AS time, toUnixTimestamp64Milli(received_at) AS received_at, data
       FROM events WHERE tenant = '${tenant}' AND partition = 0 ORDER BY offset`,
    )
  }

  /** The tenant's records of partition 0 in short: ids of events, and `date/slice` of ticks. */
  async ids(tenant: string): Promise<string[]> {
    return (await this.stored(tenant))
      .filter(({ type }) => type !== 'tenant.configured')
      .map(({ id }) => id.replace('day.closed/', ''))
  }

  /** The tenant's closed days, each once. */
  async closedDays(tenant: string): Promise<string[]> {
    const dates = (await this.ids(tenant))
      .filter((id) => /^\d{4}-\d\d-\d\d\/\d+$/.test(id))
      .map((id) => id.slice(0, 10))
    return [...new Set(dates)]
  }

  async deadLetters(tenant: string): Promise<{ source_position: number; step: string; reason: string }[]> {
    return this.sql.query(
      `SELECT source_position, step, reason FROM dead_letters WHERE tenant = '${tenant}' ORDER BY source_position, step`,
    )
  }
}
