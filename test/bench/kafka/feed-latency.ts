import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKey } from '../../../api/keys.ts'
import type { NewRecord } from '../../../pipelines/kafka/port.ts'
import { listening } from '../child.ts'
import { readStream } from '../latency.ts'
import { quantile } from '../machine.ts'
import { type Context, number, type Outcome, tableHead, tableRow } from '../part.ts'
import {
  type Bed,
  clusterConfig,
  cpuOf_s,
  INPUT_PARTITIONS,
  produceAll,
  type Store,
  startBed,
  startMember,
  startStore,
  TENANT,
  untilTrue,
} from './bed.ts'

const P99_MS_MAX = 250
/** Part of the load that two cores bear. */
const LOAD_SHARE = 0.25
const CORES = 2
/** One event in so many is of a borrower of its own and fires a rule at once. */
const FIRED_EVERY = 10
const CALLS_PER_S = 50
const WARM_UP_MS = 5000
const ARRIVAL_MS_MAX = 20_000

/** From producing an event to its warning on an open stream of the API, everything beside each other on the same cores. */
export async function measureFeedLatency({ folder, isQuick }: Context): Promise<Outcome> {
  const bed = await startBed()
  const store = await startStore(join(folder, 'data'))
  try {
    const { config, file } = clusterConfig(folder, bed, store, `latency-${process.pid}`)
    const topic = config.inputs[0]?.topic as string
    await bed.admin.createTopic({ topic, partitions: INPUT_PARTITIONS })
    const keys = join(folder, 'keys')
    const { key } = createKey({ directory: keys, tenant: TENANT })
    const member = startMember(file, 'all', store, ['--data', keys, '--port', '0'])
    const url = await listening(member.child)
    const cpu_s = () => cpuOf_s(member.pid) + cpuOf_s(store.gateway.pid) + bed.brokerCpu_s()
    await runBurst(bed, store, topic, cpu_s, 4000, 'warm')
    const bearable = await runBurst(bed, store, topic, cpu_s, isQuick ? 10_000 : 60_000, 'burst')
    const perSecond = Math.round(bearable * LOAD_SHARE)
    const latencies = await runLoad(bed, topic, url, key, perSecond, isQuick ? 12 : 35)
    await member.stop()
    return describe(bearable, perSecond, latencies)
  } finally {
    await store.close()
    await bed.close()
  }
}

/** Events a second that two cores bear: by the processor time that a backlog takes all processes, until it is durable. */
async function runBurst(
  bed: Bed,
  store: Store,
  topic: string,
  cpu_s: () => number,
  events: number,
  name: string,
): Promise<number> {
  const records = Array.from({ length: events }, (_, n) => record(name, n))
  const before = cpu_s()
  await produceAll(bed.producer, topic, records)
  const isDone = async () => {
    const [row] = await store.sql.query<{ n: number }>(
      `SELECT count() AS n FROM warnings WHERE startsWith(borrower, 'fired-${name}-')`,
    )
    return (row?.n ?? 0) >= events / FIRED_EVERY
  }
  await untilTrue(isDone, 'all warnings of a burst are stored', [])
  return (CORES * events) / (cpu_s() - before)
}

async function runLoad(
  bed: Bed,
  topic: string,
  url: string,
  key: string,
  perSecond: number,
  seconds: number,
): Promise<number[]> {
  const sentAt = new Map<string, number>()
  const latencies: number[] = []
  const started = performance.now()
  const abort = new AbortController()
  const stream = readStream(`${url}/v1/warnings/stream`, `Bearer ${key}`, abort.signal, (borrower) => {
    const sent = sentAt.get(borrower)
    if (sent !== undefined && sent - started > WARM_UP_MS) latencies.push(performance.now() - sent)
    sentAt.delete(borrower)
  })
  const calls: Promise<unknown>[] = []
  let sent = 0
  for (let call = 1; call <= seconds * CALLS_PER_S; call++) {
    const wait = (call * 1000) / CALLS_PER_S - (performance.now() - started)
    if (wait > 0) await sleep(wait)
    const end = Math.round((call * perSecond) / CALLS_PER_S)
    const records: NewRecord[] = []
    for (; sent < end; sent++) {
      if (sent % FIRED_EVERY === 0) sentAt.set(firedBorrower('load', sent), performance.now())
      records.push(record('load', sent))
    }
    calls.push(bed.producer.append(topic, records))
  }
  await Promise.all(calls)
  const end = performance.now() + ARRIVAL_MS_MAX
  while (sentAt.size > 0 && performance.now() < end) await sleep(50)
  abort.abort()
  await stream
  if (sentAt.size > 0) throw new Error(`${sentAt.size} warnings never arrived`)
  return latencies
}

function firedBorrower(name: string, n: number): string {
  return `fired-${name}-${n}`
}

function record(name: string, n: number): NewRecord {
  const now = Date.now()
  const isFired = n % FIRED_EVERY === 0
  const event = {
    id: `${name}-${n}`,
    source: 'bench',
    type: isFired ? 'signal.reported' : 'transaction.posted',
    time: now,
    subject: isFired ? firedBorrower(name, n) : `quiet-${n % 5000}`,
    data: isFired
      ? { kind: 'enforcement', reported_at: now }
      : { account: 'a', direction: 'out', currency: 'CNY', amount_minor: 1 + n, merchant: `m-${n % 9}`, mcc: '5411' },
  }
  return { partition: n % INPUT_PARTITIONS, key: event.subject, value: JSON.stringify(event) }
}

function describe(bearable: number, perSecond: number, latencies: readonly number[]): Outcome {
  const at = (q: number) => quantile(latencies, q)
  return {
    lines: [
      'One process with all roles, the broker and ClickHouse in theirs, the producer and the reader of the stream in another,',
      'on the same cores, by the clock. What two cores bear is computed from the processor time of a backlog.',
      '',
      ...tableHead(['events/s that 2 cores bear', 'events/s', 'warnings', 'p50 ms', 'p99 ms', 'max ms']),
      tableRow([bearable, perSecond, latencies.length, at(0.5), at(0.99), at(1)].map((value) => number(value))),
    ],
    targets: [
      {
        what: 'produced to visible in the feed, p99 at a quarter of what two cores bear',
        values: [at(0.99)],
        unit: 'ms',
        bound: 'at most',
        limit: P99_MS_MAX,
        scaling: 'time',
      },
    ],
  }
}
