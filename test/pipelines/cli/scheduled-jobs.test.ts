import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openEmbedded } from '../../../sql/embedded.ts'
import { toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { valueOf } from '../watch/dashboard.ts'
import { foreshock, startRun, stop, temporaryFolder } from './support.ts'

/** `jobs list` and `jobs run` as people use them, and what `run` does by itself and shows of it. */

const directory = join(temporaryFolder(), 'data')

type Listed = {
  name: string
  tenant: string
  closed_through: string
  done_through: string | null
  failed: string | null
}

async function list(): Promise<Record<string, Listed>> {
  const { stdout } = await foreshock('jobs', 'list', '--data', directory, '--json')
  return Object.fromEntries((JSON.parse(stdout) as Listed[]).map((one) => [one.name, one]))
}

const run = (name: string, date: string) =>
  foreshock('jobs', 'run', name, '--date', date, '--data', directory, '--no-model')

it('jobs run once per date, in a process of their own or in `run`, which catches up and shows what failed', async () => {
  await withPipeline(
    directory,
    async (pipeline) => {
      const lines = historyLines({ borrowers: 25, days: 95, seed: 3 })
      await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:x' }), undefined)
    },
    { withoutModel: true },
  )
  const before = await list()
  expect(Object.keys(before)).toEqual(['day-close', 'month-close', 'model-watch', 'inspection-lists', 'retention'])
  expect(before['day-close']).toMatchObject({
    tenant: 'default',
    closed_through: '2024-04-03',
    done_through: '2024-04-03',
  })
  expect(before['month-close']).toMatchObject({ done_through: null, failed: null })

  const first = await run('month-close', '2024-01-31')
  expect([first.code, first.stderr]).toEqual([0, ''])
  expect(first.stdout).toMatch(/^month-close 2024-01-31: \{"loans":\d+,/)
  const again = await run('month-close', '2024-01-31')
  expect(again).toEqual({ code: 0, stdout: '', stderr: 'month-close is done for 2024-01-31 already\n' })

  // Somebody takes away a row of the last month: the run that starts now finds that by itself.
  const opened = await openEmbedded(directory)
  if ('locked' in opened) throw new Error('locked')
  const sql = opened.session()
  const [row] = await sql.query<{ loan: string }>(
    "SELECT loan FROM loan_months WHERE month = '2024-03-01' AND status = 'open' ORDER BY loan LIMIT 1",
  )
  await sql.command(
    `ALTER TABLE loan_months DELETE WHERE loan = '${row!.loan}' AND month = '2024-03-01' SETTINGS mutations_sync = 1`,
  )
  await opened.close()
  const running = await startRun(directory)
  const { url } = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as { url: string }
  const readiness = async () => {
    const response = await fetch(`${url}/readyz`)
    return [response.status, ((await response.json()) as { checks: Record<string, string> }).checks['jobs']]
  }
  await expect.poll(readiness, { timeout: 60_000 }).toEqual([200, 'failed: month-close 2024-03-31'])
  const scrape = async () => (await fetch(`${url}/metrics`)).text()
  // The last of the jobs that a start catches up with.
  await expect
    .poll(async () => valueOf(await scrape(), 'foreshock_job_runs_total', '{job="retention",outcome="done"}'), {
      timeout: 60_000,
    })
    .toBe(1)
  const after = await list()
  expect(after['month-close']).toMatchObject({ done_through: '2024-02-29', failed: '2024-03-31' })
  expect(after['retention']).toMatchObject({ done_through: '2024-04-03' })
  const metrics = await scrape()
  const value = (name: string, labels: string) => valueOf(metrics, `foreshock_job_${name}`, labels)
  expect(value('failing', '{job="month-close"}')).toBe(1)
  expect(value('failing', '{job="retention"}')).toBe(0)
  expect(value('runs_total', '{job="month-close",outcome="done"}')).toBe(1)
  expect(value('done_date_timestamp_seconds', '{job="month-close"}')).toBe(Date.UTC(2024, 1, 29) / 1000)
  expect(
    Math.abs((value('last_success_timestamp_seconds', '{job="retention"}') ?? 0) - Date.now() / 1000),
  ).toBeLessThan(300)
  const asked = await run('month-close', '2024-03-31')
  expect(asked.code).toBe(1)
  expect(asked.stderr).toContain(`1 loan differs: loan ${row!.loan} has no row, but is open`)
  await stop(running)
}, 300_000)
