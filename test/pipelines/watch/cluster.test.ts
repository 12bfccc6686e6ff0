import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startGateway } from '../../gateway/start.ts'
import { describeKafka } from '../../kafka/support.ts'
import { type Running, startNode, stop, temporaryFolder, until } from '../cli/support.ts'
import { CLUSTER_ONLY, dashboardMetrics, metricNames, valueOf } from './dashboard.ts'

const folder = temporaryFolder()
const MAIN = new URL('../../../pipelines/cli/main.ts', import.meta.url).pathname
/** Four processes, a broker and an engine on what may be one core. */
const CLUSTER_MS_MAX = 300_000
const START_MS_MAX = 120_000
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

const enforcement = (id: string, subject: string) => {
  const now = Date.now()
  const data = { kind: 'enforcement', reported_at: now }
  return JSON.stringify({ id, source: 'court', type: 'signal.reported', time: now, subject, data })
}

/** Starts a process of the cluster; it answers probes before anything else. */
async function startRole(config: string, role: string, password: string): Promise<{ running: Running; url: string }> {
  const secrets = join(folder, 'secrets.env')
  writeFileSync(secrets, `FORESHOCK_CLICKHOUSE_PASSWORD=${password}\n`)
  const running = startNode(
    `--env-file=${secrets}`,
    MAIN,
    'run',
    '--config',
    config,
    '--role',
    role,
    '--port',
    '0',
    '--log',
    'json',
  )
  const address = () => /answers probes on (http:[^"]+)/.exec(running.output.stderr)?.[1]
  await until(() => address() !== undefined || running.child.exitCode !== null, 'the probes', START_MS_MAX)
  return { running, url: address() ?? running.output.stderr }
}

async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url)
  return { status: response.status, text: await response.text() }
}

async function untilReady(url: string): Promise<void> {
  for (let tries = 0; (await get(`${url}/readyz`)).status !== 200; tries++) {
    if (tries > 1200) throw new Error((await get(`${url}/readyz`)).text)
    await sleep(50)
  }
}

await describeKafka('what is watched of a cluster', { own: false }, (kafka) => {
  it(
    'every role answers probes from its start on and has the metrics of the dashboard; a trace leads to its warning',
    async () => {
      const topic = kafka.name('watched')
      const client = kafka.open()
      const admin = client.admin()
      await admin.createTopic({ topic, partitions: 2 })
      const gateway = await startGateway(join(folder, 'data'))
      const config = join(folder, 'cluster.json')
      const settings = {
        kafka: { brokers: kafka.brokers(), prefix: topic, session_timeout_ms: 6000 },
        clickhouse: { url: gateway.url },
        inputs: [{ topic, tenant: 'acme-bank' }],
        partitions: 2,
        checkpoints: join(folder, 'checkpoints'),
      }
      writeFileSync(config, JSON.stringify(settings))
      const intake = await startRole(config, 'intake', gateway.password)
      expect(await get(`${intake.url}/livez`)).toEqual({ status: 200, text: '{"live":true}' })
      await untilReady(intake.url)
      const worker = await startRole(config, 'worker', gateway.password)
      await untilReady(worker.url)
      expect(JSON.parse((await get(`${worker.url}/readyz`)).text)).toEqual({
        ready: true,
        checks: { kafka: 'ok', clickhouse: 'ok', definitions: 'ok', restoring: 'ok' },
      })

      const producer = client.producer()
      const first = enforcement('e-1', 'token-of-somebody')
      await producer.append(topic, [
        {
          partition: 0,
          key: null,
          value: first,
          headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
        },
        { partition: 0, key: null, value: first },
        {
          partition: 1,
          key: null,
          value: enforcement('e-2', 'token-of-another'),
          headers: { traceparent: 'nonsense' },
        },
        { partition: 0, key: null, value: 'no event' },
      ])
      await until(() => worker.running.output.stderr.includes('warning opened'), 'the warning', 60_000)
      const lines = worker.running.output.stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { message: string })
      expect(lines.filter(({ message }) => message === 'warning opened')).toEqual([
        expect.objectContaining({
          trace_id: TRACE,
          type: 'opened',
          warning_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        }),
      ])

      const scrape = async ({ url }: { url: string }) => (await get(`${url}/metrics`)).text
      const sumOf = (text: string, name: string) =>
        [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
          (sum, [, n]) => sum + Number(n),
          0,
        )
      await expect
        .poll(async () => sumOf(await scrape(worker), 'foreshock_warnings_total'), { timeout: 30_000 })
        .toBe(2)
      await expect
        .poll(async () => sumOf(await scrape(worker), 'foreshock_log_lag_records'), { timeout: 30_000 })
        .toBe(0)
      const [read, worked] = [await scrape(intake), await scrape(worker)]
      for (const text of [read, worked]) {
        const names = metricNames(text)
        expect([...dashboardMetrics(), ...CLUSTER_ONLY].filter((name) => !names.has(name))).toEqual([])
        for (const secret of ['token-of', 'acme', 'e-1']) expect(text).not.toContain(secret)
      }
      const ofIntake = (name: string, labels = '') => valueOf(read, `foreshock_${name}`, labels)
      expect(ofIntake('source_lag_records', `{source="${topic}/0"}`)).toBe(0)
      expect(ofIntake('step_events_total', '{step="intake"}')).toBe(4)
      expect(ofIntake('dead_letters_total', '{reason="not_json"}')).toBe(1)
      expect(ofIntake('rebalances_total', '{group="intake"}')).toBeGreaterThan(0)
      expect(ofIntake('closed_day_age_days')).toBe(1)
      expect(ofIntake('partitions_owned')).toBeUndefined()
      const ofWorker = (name: string, labels = '') => valueOf(worked, `foreshock_${name}`, labels)
      expect([ofWorker('partitions_owned'), ofWorker('partitions_restoring'), ofWorker('repeats_total')]).toEqual([
        2, 0, 1,
      ])
      expect(sumOf(worked, 'foreshock_state_borrowers')).toBe(2)
      expect(ofWorker('evaluations_total')).toBe(2)
      expect(ofWorker('insert_duration_seconds_count', '{table="progress"}')).toBeGreaterThan(0)
      expect(ofWorker('closed_day_age_days')).toBeUndefined()

      // A worker that gets no partition is as ready as any.
      const idle = await startRole(config, 'worker', gateway.password)
      const third = await startRole(config, 'worker', gateway.password)
      await untilReady(idle.url)
      await untilReady(third.url)
      for (const { running } of [third, idle, worker, intake]) {
        expect((await stop(running)).code).toBe(0)
        expect(running.output.stderr).not.toContain('token-of')
      }
      await producer.close()
      await admin.close()
      await gateway.close()
    },
    CLUSTER_MS_MAX,
  )

  it(
    'a process that waits for ClickHouse lives, says so, and ends when it is told to',
    async () => {
      const silent = createServer(() => {}).listen(0, '127.0.0.1')
      await new Promise((resolve) => silent.once('listening', resolve))
      const { port } = silent.address() as { port: number }
      const config = join(folder, 'waiting.json')
      const settings = {
        kafka: { brokers: kafka.brokers(), prefix: kafka.name('waiting') },
        clickhouse: { url: `http://127.0.0.1:${port}` },
        partitions: 2,
      }
      writeFileSync(config, JSON.stringify(settings))
      const { running, url } = await startRole(config, 'api', 'secret')
      await expect
        .poll(async () => (await get(`${url}/readyz`)).text, { timeout: 30_000 })
        .toContain('"clickhouse":"waited for"')
      const { status, text } = await get(`${url}/readyz`)
      expect(status).toBe(503)
      expect(JSON.parse(text)).toMatchObject({ checks: { kafka: 'ok', definitions: 'not asked yet' } })
      expect((await get(`${url}/livez`)).status).toBe(200)
      expect(metricNames((await get(`${url}/metrics`)).text)).toContain('process_cpu_seconds_total')
      expect((await stop(running)).code).toBe(0)
      silent.close()
    },
    CLUSTER_MS_MAX,
  )
})
