import { afterAll, beforeAll, describe, it } from 'vitest'
import { testKafka } from '../../pipelines/config.ts'
import { openKafka } from '../../pipelines/kafka/open.ts'
import type {
  Batch,
  GroupConsumer,
  GroupHandlers,
  Kafka,
  KafkaRecord,
  Subscription,
  TopicPartition,
} from '../../pipelines/kafka/port.ts'
import { startBroker, type TestBroker } from './broker.ts'
import { missingForBroker } from './jars.ts'

const START_MS_MAX = 360_000
const WAIT_MS = 20

export type KafkaContext = {
  /** Brokers to talk to. */
  readonly brokers: () => readonly string[]
  /** A client of its own; what is opened of it is closed by its opener. */
  readonly open: (address?: string, clientId?: string) => Kafka
  /** The broker that was started here. */
  readonly broker: () => TestBroker
  /** A topic name that nobody used yet. */
  readonly name: (what: string) => string
  /** What clients logged. */
  readonly logged: { level: string; message: string; fields: object }[]
}

/**
 * Tests against a real broker: one of their own, or with `own: false` the brokers in KAFKA_BROKERS if there are any. Where no
 * broker can be started they are skipped, in one line that says why; where one is required they fail.
 */
export async function describeKafka(
  title: string,
  { own }: { own: boolean },
  tests: (kafka: KafkaContext) => void,
): Promise<void> {
  const settings = testKafka()
  const isGiven = !own && settings.brokers.length > 0
  const missing = isGiven ? undefined : await missingForBroker()
  if (missing !== undefined) {
    describe(title, () => {
      it('runs against a real Kafka broker', (context) => {
        if (settings.isRequired) throw new Error(missing)
        context.skip(true, missing)
      })
    })
    return
  }
  describe(title, () => {
    let broker: TestBroker | undefined
    let names = 0
    const logged: KafkaContext['logged'] = []
    beforeAll(async () => {
      if (!isGiven) broker = await startBroker(settings.cache)
    }, START_MS_MAX)
    afterAll(() => broker?.close())
    const brokers = (): readonly string[] => (isGiven ? settings.brokers : [broker!.address])
    tests({
      brokers,
      logged,
      broker: () => broker!,
      name: (what) => `test-${process.pid}-${Date.now()}-${names++}-${what}`,
      open: (address, clientId = 'test') =>
        openKafka({
          brokers: address === undefined ? brokers() : [address],
          clientId,
          logger: (level, message, fields) => logged.push({ level, message, fields }),
        }),
    })
  })
}

/** A consumer that keeps what it is given. */
export type Collected = {
  readonly consumer: GroupConsumer
  readonly batches: Batch[]
  readonly records: (KafkaRecord & TopicPartition)[]
  /** Partitions that it was given and that it lost, in the order of things. */
  readonly moves: { kind: 'assigned' | 'revoked'; partition: number; at: number }[]
  readonly owned: () => number[]
}

export function collect(
  kafka: Kafka,
  subscription: Omit<Subscription, 'fromBeginning'> & Partial<Subscription>,
  handlers: Partial<GroupHandlers> = {},
): Collected {
  const batches: Batch[] = []
  const records: Collected['records'] = []
  const moves: Collected['moves'] = []
  const owned = new Set<number>()
  const consumer = kafka.subscribe(
    { fromBeginning: true, ...subscription },
    {
      onAssigned: async (assigned, control) => {
        for (const { partition } of assigned) {
          owned.add(partition)
          moves.push({ kind: 'assigned', partition, at: performance.now() })
        }
        return (await handlers.onAssigned?.(assigned, control)) ?? []
      },
      onRevoked: async (partitions) => {
        for (const { partition } of partitions) {
          owned.delete(partition)
          moves.push({ kind: 'revoked', partition, at: performance.now() })
        }
        await handlers.onRevoked?.(partitions)
      },
      onSettle: async (control) => {
        await handlers.onSettle?.(control)
      },
      onBatch: async (batch, control) => {
        batches.push(batch)
        for (const record of batch.records) records.push({ ...record, topic: batch.topic, partition: batch.partition })
        await handlers.onBatch?.(batch, control)
      },
    },
  )
  return { consumer, batches, records, moves, owned: () => [...owned].sort((a, b) => a - b) }
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, msMax = 20_000): Promise<void> {
  const end = performance.now() + msMax
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${msMax} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
  }
}
