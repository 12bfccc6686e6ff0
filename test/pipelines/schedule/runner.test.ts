import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validate } from 'node-cron'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dateOfDay, dayOfDate } from '../../../features/time.ts'
import { forgetOriginals } from '../../../pipelines/intake/originals.ts'
import { JOB_KINDS } from '../../../pipelines/run/jobs.ts'
import type { Pipeline } from '../../../pipelines/run/pipeline.ts'
import { closeDaysThrough } from '../../../pipelines/schedule/day-close.ts'
import { createInspectionLists } from '../../../pipelines/schedule/inspection-lists.ts'
import { dueDays, type Job, type JobOutcome, type Occasion } from '../../../pipelines/schedule/job.ts'
import { createMonthClose } from '../../../pipelines/schedule/month-close.ts'
import { createRetention } from '../../../pipelines/schedule/retention.ts'
import { JobRunner, type JobTenant } from '../../../pipelines/schedule/runner.ts'
import { jobsCheck } from '../../../pipelines/schedule/standing.ts'
import type { Sql } from '../../../sql/client.ts'
import { readJobRuns } from '../../../sql/queries/job-runs.ts'
import { configuration, disbursement, noon, repayment, toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { openAt } from '../run/open.ts'

/** Jobs over a real log of two tenants in two zones. No clock: what is due follows from the days that are closed. */

const directory = mkdtempSync(join(tmpdir(), 'foreshock-jobs-'))
const SHAPE = { partitions: 2, slices: 2 }
let pipeline: Pipeline
let sql: Sql

beforeAll(async () => {
  pipeline = await openAt(directory, { shape: SHAPE, withoutModel: true })
  sql = pipeline.database.session()
  await take('east', historyLines({ borrowers: 40, days: 100, seed: 11 }))
  await take('west', [
    configuration('c', noon(0), { zone: 'America/New_York' }),
    disbursement('d', noon(0), 'b1', 'l1'),
    disbursement('e', noon(0, 1), 'b2', 'l2'),
    repayment('p', noon(31), 'b1', 'l1'),
    repayment('q', noon(35), 'b1', 'l1'),
  ])
  await closeThrough('west', '2024-02-02')
})
afterAll(async () => {
  await sql.close()
  await pipeline.close()
  rmSync(directory, { recursive: true, force: true })
})
beforeEach(() => sql.command('TRUNCATE TABLE job_runs'))

async function take(tenant: string, lines: Parameters<typeof toIncoming>[0]): Promise<void> {
  await pipeline.take(toIncoming(lines, { tenant, partition: `file:${tenant}` }), undefined)
  await pipeline.drain()
}

async function closeThrough(tenant: string, date: string): Promise<void> {
  while (await pipeline.closeThrough(tenant, dayOfDate(date)));
  await pipeline.drain()
}

function runnerOf(...jobs: Job[]): JobRunner {
  const onError = (error: unknown) => {
    throw error
  }
  return new JobRunner({ sql, shape: SHAPE, jobs, onError })
}

/** A job that notes what it was run for, and fails where it is told to. */
function noting(cadence: Job['cadence'] = 'day') {
  const occasions: Occasion[] = []
  const failing = new Set<string>()
  const job: Job = {
    name: 'noting',
    description: '',
    cadence,
    schedule: '0 0 * * *',
    async run(occasion): Promise<JobOutcome> {
      occasions.push(occasion)
      return failing.has(occasion.date)
        ? { ok: false, detail: 'told to' }
        : { ok: true, result: { n: occasions.length } }
    },
  }
  return { job, occasions, failing, dates: () => occasions.splice(0).map(({ date }) => date) }
}

async function tenantOf(runner: JobRunner, name: string): Promise<JobTenant> {
  return (await runner.tenants()).find((tenant) => tenant.name === name)!
}

async function recorded(tenant = 'west'): Promise<string[]> {
  const runs = await readJobRuns(sql, tenant, 'noting')
  return runs.map(({ business_date, state, attempt }) => `${business_date} ${state} ${attempt}`)
}

describe('due dates', () => {
  const runs = (...dates: string[]) => new Map(dates.map((date) => [dayOfDate(date), { isDone: true }]))

  test('are all closed ones since the first that are not done, in order', () => {
    const days = (cadence: 'day' | 'month', done: Map<number, { isDone: boolean }>, closed: string) =>
      dueDays(cadence, done, dayOfDate(closed)).map(dateOfDay)
    expect(days('day', new Map(), '2024-03-10')).toEqual(['2024-03-10'])
    expect(days('month', new Map(), '2024-03-10')).toEqual(['2024-02-29'])
    expect(days('month', new Map(), '2024-03-31')).toEqual(['2024-03-31'])
    expect(days('day', runs('2024-03-05', '2024-03-07'), '2024-03-09')).toEqual([
      '2024-03-06',
      '2024-03-08',
      '2024-03-09',
    ])
    expect(days('month', runs('2023-11-30'), '2024-02-28')).toEqual(['2023-12-31', '2024-01-31'])
    const failed = new Map([[dayOfDate('2024-03-08'), { isDone: false }]])
    expect(days('day', failed, '2024-03-09')).toEqual(['2024-03-08', '2024-03-09'])
    expect(days('day', runs('2020-01-01'), '2024-03-09')).toHaveLength(400)
  })
})

describe('a job', () => {
  test('begins with the last closed date, then has one run for each, in order, however often it is started', async () => {
    const { job, occasions, dates } = noting()
    const runner = runnerOf(job)
    expect(await runner.runDue(job, 'west')).toEqual([{ state: 'done', date: '2024-02-02', result: { n: 1 } }])
    // The day begins where the tenant is.
    expect(occasions[0]).toEqual({
      tenant: 'west',
      date: '2024-02-02',
      day: dayOfDate('2024-02-02'),
      start_ms: Date.UTC(2024, 1, 2, 5),
    })
    dates()
    await closeThrough('west', '2024-02-05')
    // Two at once: the dates are shared, not doubled.
    await Promise.all([runner.runDue(job, 'west'), runner.runDue(job, 'west')])
    expect(dates()).toEqual(['2024-02-03', '2024-02-04', '2024-02-05'])
    // Another process, later.
    expect(await runnerOf(job).runDue(job, 'west')).toEqual([])
    const tenant = await tenantOf(runner, 'west')
    expect(await runner.runOnce(job, tenant, dayOfDate('2024-02-04'))).toMatchObject({ state: 'skipped', isDone: true })
    expect(dates()).toEqual([])
    expect(await recorded()).toEqual(['02', '03', '04', '05'].map((day) => `2024-02-${day} done 1`))
  })

  test('that fails holds up the dates after it, is seen, and is tried again', async () => {
    const { job, failing, dates } = noting()
    const runner = runnerOf(job)
    await runner.runOnce(job, await tenantOf(runner, 'west'), dayOfDate('2024-02-02'))
    failing.add('2024-02-04')
    expect((await runner.runDue(job, 'west')).map(({ state }) => state)).toEqual(['done', 'failed'])
    expect(jobsCheck(runner)).toBe('failed: noting 2024-02-04')
    await runner.runDue(job, 'west')
    expect(dates()).toEqual(['2024-02-02', '2024-02-03', '2024-02-04', '2024-02-04'])
    expect(await recorded()).toEqual(['2024-02-02 done 1', '2024-02-03 done 1', '2024-02-04 failed 2'])
    failing.clear()
    await runner.runDue(job, 'west')
    expect(dates()).toEqual(['2024-02-04', '2024-02-05'])
    expect(jobsCheck(runner)).toBe('ok')
    expect([...runner.counts]).toEqual([
      ['noting done', 4],
      ['noting failed', 2],
    ])
    expect(await recorded()).toContain('2024-02-04 done 3')
  })

  test('whose process died half way is run again', async () => {
    const { job, dates } = noting()
    const runner = runnerOf(job)
    await sql.command(
      `INSERT INTO job_runs (tenant, job, business_date, attempt, state, holder, version)
       VALUES ('west', 'noting', '2024-02-04', 1, 'running', 'dead', 2)`,
    )
    await runner.runDue(job, 'west')
    expect(dates()).toEqual(['2024-02-04', '2024-02-05'])
    expect(await recorded()).toEqual(['2024-02-04 done 2', '2024-02-05 done 1'])
  })

  test('has no run for a date that is not closed, nor a monthly one in the middle of a month', async () => {
    const { job, dates } = noting('month')
    const runner = runnerOf(job)
    const tenant = await tenantOf(runner, 'west')
    expect(await runner.runOnce(job, tenant, dayOfDate('2024-02-29'))).toMatchObject({
      detail: '2024-02-29 is not closed yet for tenant west: the last one that is is 2024-02-05',
    })
    expect(await runner.runOnce(job, tenant, dayOfDate('2024-02-01'))).toMatchObject({ state: 'skipped' })
    expect(dates()).toEqual([])
    expect(await recorded()).toEqual([])
  })

  test('of those there are starts at a time that the scheduler knows', () => {
    expect(JOB_KINDS.map(({ schedule }) => validate(schedule))).toEqual(JOB_KINDS.map(() => true))
  })
})

describe('day close', () => {
  test('closes days that are over by the clock it is given, once', async () => {
    const closer = {
      tenants: pipeline.intake.tenants,
      closeThrough: (tenant: string, day: number) => pipeline.closeThrough(tenant, day),
    }
    const day = dayOfDate('2024-02-07')
    // 2024-02-07 ends at 05:00 UTC of the next day in New York, and closes six hours later.
    const over = Date.UTC(2024, 1, 8, 11)
    expect(await closeDaysThrough(closer, 'west', day, over - 2)).toMatchObject({ state: 'skipped' })
    expect(await closeDaysThrough(closer, 'west', day, over)).toEqual({
      state: 'done',
      date: '2024-02-07',
      result: { days: 2 },
    })
    expect(await closeDaysThrough(closer, 'west', day, over)).toMatchObject({ state: 'skipped', isDone: true })
    await pipeline.drain()
    expect(dateOfDay((await tenantOf(runnerOf(), 'west')).closed_day!)).toBe('2024-02-07')
  })
})

describe('month close', () => {
  test('finds every month of an odd history right, and names the loans that somebody changed', async () => {
    const job = createMonthClose(sql)
    const runner = runnerOf(job)
    const east = await tenantOf(runner, 'east')
    const dates = ['2024-01-31', '2024-02-29', '2024-03-31']
    for (const date of dates) {
      expect(await runner.runOnce(job, east, dayOfDate(date))).toMatchObject({ state: 'done', date })
    }
    const [counted] = await sql.query<{ loans: number }>(
      "SELECT toInt64(count()) AS loans FROM loan_months WHERE tenant = 'east' AND month = '2024-03-01'",
    )
    const [last] = (await readJobRuns(sql, 'east', 'month-close')).slice(-1)
    expect(JSON.parse(last!.result)).toMatchObject({ loans: counted!.loans })
    expect(counted!.loans).toBeGreaterThan(10)

    const [gone, other] = await sql.query<{ loan: string }>(
      "SELECT loan FROM loan_months WHERE tenant = 'east' AND month = '2024-03-01' AND status = 'open' ORDER BY loan LIMIT 2",
    )
    const [was] = await sql.query<{ dpd: number }>(
      `SELECT dpd FROM loan_months WHERE tenant = 'east' AND month = '2024-03-01' AND loan = '${other!.loan}'`,
    )
    await sql.command(
      `ALTER TABLE loan_months DELETE WHERE loan = '${gone!.loan}' AND month = '2024-03-01' SETTINGS mutations_sync = 1`,
    )
    await sql.command(
      `ALTER TABLE loan_months UPDATE dpd = dpd + 7 WHERE loan = '${other!.loan}' AND month = '2024-03-01' SETTINGS mutations_sync = 1`,
    )
    await sql.command('TRUNCATE TABLE job_runs')
    const failed = await runner.runOnce(job, east, dayOfDate('2024-03-31'))
    expect(failed).toMatchObject({ state: 'failed' })
    const { detail } = failed as { detail: string }
    expect(detail).toContain('2 loans differ: ')
    expect(detail).toContain(`loan ${gone!.loan} has no row, but is open`)
    expect(detail).toContain(`loan ${other!.loan} is ('open',${was!.dpd + 7},`)
  })
})

describe('inspection lists', () => {
  test('count what the view lists at the end of the date, of this tenant alone', async () => {
    // Stands in for the view where the schema has none: first checks 7 days after the disbursement.
    await sql.command(
      `CREATE VIEW IF NOT EXISTS post_loan_checks AS
       SELECT tenant, loan, 'first' AS check, addDays(toDate(disbursed_at), 7) AS due_date,
         multiIf(due_date < {date:Date}, 'overdue', due_date < addDays({date:Date}, 7), 'due', 'done') AS status
       FROM loans FINAL WHERE toDate(disbursed_at) <= {date:Date}`,
    )
    const job = createInspectionLists(sql)
    const runner = runnerOf(job)
    const west = await tenantOf(runner, 'west')
    const run = (date: string) => runner.runOnce(job, west, dayOfDate(date))
    // Both loans were disbursed as 2024 began, on this side of midnight in New York and on the other in UTC.
    expect(await run('2024-01-02')).toMatchObject({ result: { listed: 2, due: { first: 2 }, overdue: {} } })
    expect(await run('2024-01-09')).toMatchObject({ result: { listed: 2, due: {}, overdue: { first: 2 } } })
  })
})

describe('retention', () => {
  test('removes originals by the business date, not by the clock', async () => {
    const folder = join(directory, 'originals')
    const [old, young] = ['old.ndjson', 'young.ndjson'].map((name) => join(folder, name)) as [string, string]
    for (const path of [old, young]) writeFileSync(path, '{}\n')
    const runner = runnerOf()
    const west = await tenantOf(runner, 'west')
    const kept = Date.UTC(2024, 0, 3, 5) / 1000
    utimesSync(old, kept - 1, kept - 1)
    utimesSync(young, kept, kept)
    const job = createRetention((before) => forgetOriginals(directory, before))
    // 30 days before 2024-02-02 began in New York.
    expect(await runner.runOnce(job, west, dayOfDate('2024-02-02'))).toMatchObject({ result: { originals_removed: 1 } })
    expect([existsSync(old), existsSync(young)]).toEqual([false, true])
    rmSync(young)
  })
})
