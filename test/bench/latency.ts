import { once } from 'node:events'
import { join } from 'node:path'
import { createKey } from '../../api/keys.ts'
import { listening, startCli } from './child.ts'
import { quantile } from './machine.ts'
import { type Context, number, type Outcome, tableHead, tableRow } from './part.ts'

const TENANT = 'default'
const REQUESTS_PER_S = 100
const EVENTS_PER_REQUEST = 10
/** A server that has just started is still being compiled. */
const WARM_UP_MS = 5000

type Latency = { events_per_s: number; warnings: number; p50_ms: number; p99_ms: number; max_ms: number }

/** Warnings of 1,000 events/s, client and server on the same cores. */
export async function measureLatency({ folder, isQuick }: Context): Promise<Outcome> {
  const { events_per_s, warnings, p50_ms, p99_ms, max_ms } = await runLatency(folder, isQuick ? 10 : 30)
  return {
    lines: [
      'From sending the request to the warning on an open stream, by the clock, client and server on the same cores, no day',
      'being closed.',
      '',
      ...tableHead(['events/s', 'warnings', 'p50 ms', 'p99 ms', 'max ms']),
      tableRow([events_per_s, warnings, p50_ms, p99_ms, max_ms].map((value) => number(value))),
    ],
    targets: [],
  }
}

/**
 * From the moment a request with a warning's event is sent to the moment its warning arrives on the open stream, at
 * 1,000 events/s. One event of each request is of a borrower of its own and fires a rule at once.
 */
async function runLatency(folder: string, seconds: number): Promise<Latency> {
  const data = join(folder, 'latency')
  const { key } = createKey({ directory: data, tenant: TENANT })
  const server = startCli(['run', '--data', data, '--port', '0'])
  const url = await listening(server)
  const authorization = `Bearer ${key}`
  const sentAt = new Map<string, number>()
  const latencies: number[] = []
  const started = performance.now()
  const abort = new AbortController()
  const stream = readStream(`${url}/v1/warnings/stream`, authorization, abort.signal, (borrower) => {
    const sent = sentAt.get(borrower)
    if (sent !== undefined && sent - started > WARM_UP_MS) latencies.push(performance.now() - sent)
    sentAt.delete(borrower)
  })
  const requests: Promise<unknown>[] = []
  for (let n = 0; n < seconds * REQUESTS_PER_S; n++) {
    const wait = (n * 1000) / REQUESTS_PER_S - (performance.now() - started)
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    sentAt.set(`fired-${n}`, performance.now())
    requests.push(post(`${url}/v1/events`, authorization, eventsOf(n)))
  }
  await Promise.all(requests)
  const elapsed = (performance.now() - started) / 1000
  while (sentAt.size > 0 && performance.now() - started < (seconds + 10) * 1000) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  abort.abort()
  await stream
  server.kill('SIGTERM')
  await once(server, 'close')
  if (sentAt.size > 0) throw new Error(`${sentAt.size} warnings never arrived`)
  return {
    events_per_s: (seconds * REQUESTS_PER_S * EVENTS_PER_REQUEST) / elapsed,
    warnings: latencies.length,
    p50_ms: quantile(latencies, 0.5),
    p99_ms: quantile(latencies, 0.99),
    max_ms: quantile(latencies, 1),
  }
}

function eventsOf(n: number): string {
  const now = Date.now()
  const lines = Array.from({ length: EVENTS_PER_REQUEST - 1 }, (_, i) => ({
    id: `t-${n}-${i}`,
    source: 'bench',
    type: 'transaction.posted',
    time: now,
    subject: `quiet-${(n * EVENTS_PER_REQUEST + i) % 5000}`,
    data: { account: 'a', direction: 'out', currency: 'CNY', amount_minor: 1 + i, merchant: `m-${i}`, mcc: '5411' },
  }))
  const fired = {
    id: `s-${n}`,
    source: 'bench',
    type: 'signal.reported',
    time: now,
    subject: `fired-${n}`,
    data: { kind: 'enforcement', reported_at: now },
  }
  return [...lines, fired].map((line) => JSON.stringify(line)).join('\n')
}

async function post(url: string, authorization: string, body: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/x-ndjson' },
    body,
  })
  if (!response.ok) throw new Error(`POST answered ${response.status}: ${await response.text()}`)
  await response.arrayBuffer()
}

/** Calls `onBorrower` for each warning that comes on an open stream of the API, until it is aborted. */
export async function readStream(
  url: string,
  authorization: string,
  signal: AbortSignal,
  onBorrower: (borrower: string) => void,
): Promise<void> {
  try {
    const response = await fetch(url, { headers: { authorization, accept: 'text/event-stream' }, signal })
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        if (line.startsWith('data:')) onBorrower((JSON.parse(line.slice(5)) as { borrower: string }).borrower)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
