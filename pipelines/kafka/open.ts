import { createAdmin } from './admin.ts'
import { subscribe } from './group.ts'
import { openLink } from './link.ts'
import type { Kafka, KafkaOptions } from './port.ts'
import { createProducer } from './producer.ts'
import { createReader } from './reader.ts'

/** A Kafka cluster. Each producer, consumer, reader and admin has connections of its own, opened when they are needed. */
export function openKafka(options: KafkaOptions): Kafka {
  return {
    producer: ({ compression = 'none' } = {}) => createProducer(openLink(options), compression),
    subscribe: (subscription, handlers) => subscribe(openLink(options), subscription, handlers, options.logger),
    reader: () => createReader(openLink(options)),
    admin: () => createAdmin(openLink(options)),
  }
}
