import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createKey } from '../../../api/keys.ts'
import { type Running, start, stop, temporaryFolder, until } from '../cli/support.ts'
import { CLUSTER_ONLY, dashboardMetrics, metricNames, valueOf } from './dashboard.ts'

const folder = temporaryFolder()
const directory = join(folder, 'data')
const TRACE = '0af7651916cd43dd8448eb211c80319c'
let running: Running
let url = ''

const enforcement = (id: string, subject: string) => {
  const now = Date.now()
  return {
    id,
    source: 'court',
    type: 'signal.reported',
    time: now,
    subject,
    data: { kind: 'enforcement', reported_at: now },
  }
}

beforeAll(async () => {
  running = start('run', '--data', directory, '--port', '0', '--no-model', '--tenant', 'acme-bank', '--log', 'json')
  await until(() => running.output.stdout.includes('listens on') || running.child.exitCode !== null, 'the address')
  url = /listens on (\S+)/.exec(running.output.stdout)?.[1] ?? ''
  const { key } = createKey({ directory, tenant: 'acme-bank' })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const post = (events: readonly unknown[], more = {}) =>
    fetch(`${url}/v1/events`, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(events) })
  const traced = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` }
  const first = enforcement('e-1', 'token-of-somebody')
  await post([first, { ...first, id: 'e-2', data: { kind: 'enforcement' } }], traced)
  await post([first, enforcement('e-3', 'token-of-another')], { traceparent: 'nonsense' })
  await fetch(`${url}/v1/warnings?wait=10`, { headers })
  await fetch(`${url}/v1/borrowers/token-of-somebody`, { headers })
  await fetch(`${url}/nowhere/token-of-somebody`, { headers })
  await until(() => running.output.stderr.includes('warning opened'), 'a warning in the log')
})
afterAll(() => running.child.kill('SIGKILL'))

const scrape = async () => {
  const response = await fetch(`${url}/metrics`)
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  return response.text()
}

it('/metrics has every metric of the dashboard, without a key, but for those that only a cluster has', async () => {
  const names = metricNames(await scrape())
  expect(dashboardMetrics().length).toBeGreaterThan(25)
  expect(dashboardMetrics().filter((name) => !names.has(name))).toEqual(CLUSTER_ONLY)
})

it('/metrics says what became of the events', async () => {
  const lags = async () =>
    [...(await scrape()).matchAll(/^foreshock_log_lag_records\{.*\} (\d+)$/gm)].map(([, lag]) => lag)
  await expect.poll(lags, { timeout: 30_000 }).toEqual(['0', '0', '0', '0'])
  const text = await scrape()
  const value = (name: string, labels = '') => valueOf(text, `foreshock_${name}`, labels)
  expect(value('step_events_total', '{step="intake"}')).toBe(4)
  expect(value('step_batches_total', '{step="intake"}')).toBe(2)
  expect(value('step_events_total', '{step="engine"}')).toBeGreaterThan(2)
  expect(value('repeats_total')).toBe(1)
  expect(value('dead_letters_total', '{reason="invalid_field"}')).toBe(1)
  expect(value('evaluations_total')).toBe(2)
  expect(text).toMatch(/^foreshock_warnings_total\{type="opened",severity="\w+"\} 2$/m)
  const borrowers = [...text.matchAll(/^foreshock_state_borrowers\{partition="\d"\} (\d+)$/gm)].map(([, n]) =>
    Number(n),
  )
  expect([borrowers.length, borrowers.reduce((sum, n) => sum + n)]).toEqual([4, 2])
  expect(value('state_bytes', '{partition="0"}')).toBeGreaterThan(1000)
  expect([value('tenants'), value('closed_day_age_days')]).toEqual([1, 1])
  expect(value('rows_written_total', '{table="warnings"}')).toBe(2)
  expect(value('insert_duration_seconds_count', '{table="features"}')).toBeGreaterThan(0)
  expect(value('http_request_duration_seconds_count', '{method="POST",route="/v1/events",status="200"}')).toBe(2)
  expect(value('http_request_duration_seconds_count', '{method="GET",route="none",status="404"}')).toBe(1)
  // No checkpoint was written yet, and nothing is said of it: 0 would look as if it were new.
  expect(value('checkpoint_age_seconds', '{partition="0"}')).toBeUndefined()
})

it('nothing in /metrics or the log names a borrower, and nothing in /metrics a tenant', async () => {
  const text = await scrape()
  for (const secret of ['token-of', 'acme', 'e-1', 'court']) expect(text).not.toContain(secret)
  expect(running.output.stderr).not.toContain('token-of')
})

it('the log leads from the trace of a request to the warning that it made, once', () => {
  const lines = running.output.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const line of lines)
    expect(line).toMatchObject({ time: expect.any(String), level: 'info', message: expect.any(String) })
  const opened = lines.filter(({ message }) => message === 'warning opened')
  expect(opened).toEqual([
    expect.objectContaining({ trace_id: TRACE, warning_id: expect.stringMatching(/^[0-9a-f]{32}$/), type: 'opened' }),
  ])
})

it('a restart has the age of its checkpoint, and a failure is a line of JSON too', async () => {
  expect((await stop(running)).code).toBe(0)
  const again = start('run', '--data', directory, '--port', '0', '--no-model')
  await until(() => again.output.stdout.includes('listens on'), 'the address')
  const address = /listens on (\S+)/.exec(again.output.stdout)?.[1] ?? ''
  const text = await (await fetch(`${address}/metrics`)).text()
  expect(valueOf(text, 'foreshock_checkpoint_age_seconds', '{partition="0"}')).toBeGreaterThan(0)
  expect(valueOf(text, 'foreshock_checkpoint_age_seconds', '{partition="0"}')).toBeLessThan(120)
  const second = start('run', '--data', directory, '--port', new URL(address).port, '--log', 'json')
  const { code, stderr } = await second.outcome
  expect([code, stderr.trim().split('\n').length]).toEqual([1, 1])
  expect(JSON.parse(stderr)).toMatchObject({ level: 'error', message: expect.stringContaining('EADDRINUSE') })
  again.child.kill('SIGKILL')
  await once(again.child, 'close')
})

it.each(['plain', 'json'])('a simulated run names no borrower in its %s log', async (format) => {
  const data = join(folder, `simulated-${format}`)
  const simulated = start(
    'run',
    '--data',
    data,
    '--port',
    '0',
    '--source',
    'simulator',
    '--borrowers',
    '40',
    '--months',
    '2',
    '--day-seconds',
    '0.05',
    '--log',
    format,
  )
  await until(() => /2024-03-04 {2}/.test(simulated.output.stderr), 'days of the simulation', 60_000)
  const { code, stderr } = await stop(simulated)
  expect(code).toBe(0)
  expect(stderr).toMatch(/opened/)
  expect(stderr).not.toMatch(/\bb-\d/)
  if (format === 'json') {
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { message: string })
    expect(lines.map(({ message }) => message)).toContain('summary')
  }
  expect(readFileSync(join(data, 'keys.ndjson'), 'utf8')).not.toBe('')
})
