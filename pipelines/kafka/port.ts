/** What the rest of the pipeline sees of Kafka. Offsets are whole numbers below 2^53, times milliseconds since 1970. */

export type TopicPartition = { readonly topic: string; readonly partition: number }

/**
 * Values by name; a name that a record carries several times has a list, one without a value has undefined. The order of the
 * names is kept, except numbers.
 */
export type Headers = { readonly [name: string]: Buffer | string | readonly (Buffer | string)[] | undefined }

/** A record to append. */
export type NewRecord = {
  readonly partition: number
  readonly key: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers?: Headers
  /** The time of producing where it is left out. */
  readonly timestampMs?: number
}

export type KafkaRecord = {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Values are buffers here, or lists of them. */
  readonly headers: Headers
  readonly timestampMs: number
}

/** Records of one partition in the order of their offsets, which may have gaps. Never empty. */
export type Batch = TopicPartition & {
  readonly records: readonly KafkaRecord[]
  /** Offset after the last record that the partition held when this batch was read. */
  readonly highWatermark: number
  readonly generation: Generation
}

/**
 * The time during which this member owns a partition without a break, across rebalances that leave it where it is.
 * Nothing may be written for the partition while `isCurrent()` is false: another member may own it.
 */
export type Generation = {
  /** The group's generation in which the partition came to this member. */
  readonly number: number
  /**
   * Whether the group's coordinator has confirmed the membership within the session timeout. False for good once the
   * partition is lost, and for a while when the coordinator cannot be reached or the group is being formed anew.
   */
  isCurrent(): boolean
  /** Aborted when the partition is lost for good. */
  readonly lost: AbortSignal
}

/** A partition that has come to this member. */
export type Assigned = TopicPartition & {
  readonly generation: Generation
  /** What the group has committed: the offset of the next record to read. */
  readonly committed: number | undefined
  /** Offset of the first record that is still there, and the one after the last. */
  readonly low: number
  readonly high: number
}

export type Position = TopicPartition & { readonly offset: number }

/** How far a partition is read. */
export type Progress = Position & {
  readonly highWatermark: number
  /** When (by the clock, milliseconds) the reader last stood at the end of the partition with everything handed over and done. */
  readonly caughtUpAtMs: number | undefined
}

/** A position at which the partition holds nothing: it was cut off below, or the partition ends before it. */
export type OffsetOutOfRange = TopicPartition & {
  readonly kind: 'OffsetOutOfRange'
  readonly position: number
  readonly low: number
  readonly high: number
  readonly message: string
}

/** A topic that is not the one that was read before, or that has another number of partitions. */
export type TopicChanged = {
  readonly kind: 'TopicChanged'
  readonly topic: string
  readonly change: 'recreated' | 'missing' | 'partitions'
  readonly message: string
}

export type Condition = OffsetOutOfRange | TopicChanged

/** `fenced`: another generation of the group is at work; `unavailable`: the coordinator cannot be reached, try later. */
export type CommitOutcome = 'committed' | 'fenced' | 'unavailable'

export type Control = {
  /** Stops and restarts the reading of partitions. A batch that was read before is still handed over. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Reads on from there. A batch in work does not move the position any more. */
  seek(position: Position): void
  /** Commits the offsets of the next records to read. Offsets of partitions that this member does not own are left out. */
  commit(positions: readonly Position[]): Promise<CommitOutcome>
  /** For work that keeps the event loop busy for seconds. Cheap: asks the coordinator only when it is time. */
  heartbeat(): Promise<void>
  /** Whether the group waits for this member to finish what it has in hand. */
  isRebalancing(): boolean
}

export type GroupHandlers = {
  /**
   * Partitions have come to this member; they are read once this resolves, from the positions it returns, else from what is
   * committed, else from the beginning or the end as the subscription says. Heartbeats go on and other partitions too.
   */
  onAssigned(assigned: readonly Assigned[], control: Control): Promise<readonly Position[]>
  /** Partitions are lost: their generation is no longer current. Not called while `onAssigned` or `onBatch` runs for them. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>
  /**
   * The group is about to be formed anew, or this member stops: finish and commit what is in flight. Waited for within
   * bounds; what is written later is fenced.
   */
  onSettle(control: Control): Promise<void>
  /** Resolves when the batch is taken. One batch of a partition at a time; a rejection ends the consumer. */
  onBatch(batch: Batch, control: Control): Promise<void>
}

export type Subscription = {
  readonly topics: readonly string[]
  readonly group: string
  /** Where a partition without a committed offset is read from. */
  readonly fromBeginning: boolean
  /**
   * What the topics were when they were last read, where that was kept: Kafka forgets what was committed of a topic that is
   * deleted, so that nothing else tells one that was made again from one that was never read.
   */
  readonly expected?: Readonly<Record<string, TopicIdentity>>
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
}

export type GroupConsumer = {
  readonly control: Control
  /** Partitions that are being read. */
  progress(): Progress[]
  /** How often the group was formed while this member was in it. */
  rebalances(): number
  /** `stopped` after `stop`, or the condition that ended the reading. Rejects if a handler failed or Kafka refuses for good. */
  readonly finished: Promise<{ readonly kind: 'stopped' } | Condition>
  /** Settles, gives up the partitions and leaves the group. */
  stop(): Promise<void>
}

export type Producer = {
  /**
   * Appends records in their order, acknowledged by all in-sync replicas, each exactly once also when a request is repeated.
   * Waits while too much is in flight, and as long as the brokers are away. Returns the offset of each record. Rejects for
   * good, this and all later calls, when Kafka refuses or when what was written is unknown.
   */
  append(topic: string, records: readonly NewRecord[]): Promise<readonly number[]>
  /** Since when (performance.now) the oldest record waits to be acknowledged. */
  waitingSince(): number | undefined
  close(): Promise<void>
}

export type PartitionReader = {
  /**
   * Reads a partition without a group: batches from `from` up to `to` (excluded; the end at the time of the call where left
   * out). Throws a `KafkaConditionError` if the partition does not hold `from`.
   */
  read(partition: TopicPartition, from: number, to?: number): AsyncGenerator<Omit<Batch, 'generation'>, void, void>
  close(): Promise<void>
}

/** Which topic this is (a topic that is deleted and made again has another id), and how many partitions it has. */
export type TopicIdentity = { readonly id: string; readonly partitions: number }

export type NewTopic = {
  readonly topic: string
  readonly partitions: number
  readonly replicationFactor?: number
  readonly config?: Readonly<Record<string, string>>
}

export type Admin = {
  /** Creates a topic; `exists` where there is one of that name, whatever its shape. */
  createTopic(topic: NewTopic): Promise<'created' | 'exists'>
  deleteTopic(topic: string): Promise<void>
  /** Undefined where there is no such topic. */
  identity(topic: string): Promise<TopicIdentity | undefined>
  /** First offset that is there and the one after the last, by partition. */
  watermarks(topic: string): Promise<readonly { readonly low: number; readonly high: number }[]>
  /** Offset of the first record of that time or later, by partition; the end where there is none. */
  offsetsAt(topic: string, timestampMs: number): Promise<readonly number[]>
  /** What a group has committed of a topic, by partition. */
  committed(group: string, topic: string): Promise<readonly (number | undefined)[]>
  close(): Promise<void>
}

export type Logger = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: object) => void

export type KafkaOptions = {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: true | { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly password: string
  }
  readonly logger: Logger
  readonly requestTimeoutMs?: number
  /** After so long a try of something that takes several requests is given up and begun again. */
  readonly tryTimeoutMs?: number
}

export type Kafka = {
  producer(options?: { readonly compression?: 'none' | 'gzip' }): Producer
  subscribe(subscription: Subscription, handlers: GroupHandlers): GroupConsumer
  reader(): PartitionReader
  admin(): Admin
}
