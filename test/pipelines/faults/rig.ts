import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import type { BrokerRig } from '../../faults/rig.ts'
import { type Gateway, startGateway } from '../../gateway/start.ts'
import type { KafkaContext } from '../../kafka/support.ts'

/** Sessions of tests end soon: nobody can do anything before. */
const SESSION_MS = 3000

/** One ClickHouse beside the broker for all faults of a file. The seed is printed, so that a failure can be repeated. */
export function withRig(kafka: KafkaContext): () => BrokerRig {
  const seed = randomInt(2 ** 31)
  const folder = mkdtempSync(join(tmpdir(), 'foreshock-faults-'))
  let gateway: Gateway | undefined
  beforeAll(async () => {
    console.log(`seed ${seed}`)
    gateway = await startGateway(join(folder, 'clickhouse'), '')
  })
  afterAll(async () => {
    await gateway?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return () => ({
    address: kafka.broker().address,
    broker: kafka.broker(),
    gateway: gateway!,
    folder,
    seed,
    sessionMs: SESSION_MS,
  })
}

/** Lets at most so many things happen at once. */
export function lanes(count: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = []
  let free = count
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free--
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
