import type { Sql } from '../../sql/client.ts'
import { createDeadLettersBlock } from '../../sql/tables/dead-letters.ts'
import type { Batch, Control, Kafka } from '../kafka/port.ts'
import type { SchemaSource } from '../registry/schemas.ts'
import type { ClusterConfig, TopicNames } from './cluster-config.ts'
import { readDeadRecord } from './dead-letter.ts'
import { decodeInput, neededSchemas } from './inputs.ts'
import { isOwned } from './ownership.ts'
import { ClusterFailure, type Role } from './role.ts'

/** Rows of one insert. */
const ROWS_PER_BLOCK = 2000

export type DeadParts = {
  readonly kafka: Kafka
  readonly config: ClusterConfig
  readonly names: TopicNames
  /** A session of its own, of the shard that has the rows without a partition of the log; closed with the role. */
  readonly sql: Sql
  readonly schemas: SchemaSource
}

/**
 * Fills `dead_letters` from the `.dead` topics of the inputs. A row's key is the place of what was refused, so that what is
 * written again after a crash, or stands in the topic twice, is one row.
 */
export function startDeadLetters({ kafka, config, names, sql, schemas }: DeadParts): Role {
  const inputs = new Map(config.inputs.map((input) => [names.dead(input.topic), input]))
  const block = createDeadLettersBlock()
  const stopping = new AbortController()

  async function takeBatch({ topic, partition, records, generation }: Batch, control: Control): Promise<void> {
    for (let from = 0; from < records.length; from += ROWS_PER_BLOCK) {
      const some = records.slice(from, from + ROWS_PER_BLOCK)
      const input = inputs.get(topic)
      if (input === undefined) throw new Error(`a batch of ${topic} came, which is of no input`)
      // What somebody else wrote there tells of nothing that was refused here.
      const letters = some.map(readDeadRecord).filter((one) => one !== undefined)
      const events = letters.filter(({ step }) => step === 'intake').map(({ record }) => record)
      const signal = AbortSignal.any([stopping.signal, generation.lost])
      const needed = await schemas.load(neededSchemas(input, events), signal)
      if (needed === undefined || !(await isOwned(generation))) return
      block.clear()
      for (const { record, tenant, step, reason, detail, source_partition } of letters) {
        // What decoding refused is no event, also if the schemas say otherwise by now.
        const decoded = step === 'intake' ? decodeInput(input, record, needed).decoded : undefined
        const event = decoded?.ok ? decoded.event : undefined
        block.append({
          tenant,
          source_partition,
          source_position: record.offset,
          item: 0,
          step,
          reason,
          detail,
          event_id: event?.id ?? '',
          event_type: event?.type ?? '',
          borrower: event?.subject ?? '',
          partition: null,
          offset: null,
          recorded_at: Date.now(),
        })
      }
      await sql.insertBlock('dead_letters', block)
      await control.commit([{ topic, partition, offset: (some.at(-1)?.offset ?? -1) + 1 }])
    }
  }

  // One block serves all partitions, so their batches take turns.
  let turn: Promise<void> = Promise.resolve()
  const consumer = kafka.subscribe(
    {
      topics: [...inputs.keys()],
      group: `${config.kafka.prefix}-dead`,
      fromBeginning: true,
      sessionTimeoutMs: config.kafka.session_timeout_ms,
    },
    {
      onAssigned: () => Promise.resolve([]),
      onRevoked: () => Promise.resolve(),
      onSettle: () => Promise.resolve(),
      onBatch: (batch, control) => {
        turn = turn.then(() => takeBatch(batch, control))
        return turn
      },
    },
  )
  return {
    name: 'dead letters',
    finished: consumer.finished.then((end) => {
      if (end.kind !== 'stopped') throw new ClusterFailure(end.message)
    }),
    async stop() {
      stopping.abort()
      await consumer.stop()
      await sql.close()
    },
  }
}
