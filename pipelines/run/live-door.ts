import { decodeBytes } from '../../features/events/decode.ts'
import type { Incoming, IntakeResult } from '../intake/items.ts'
import type { Pipeline } from './pipeline.ts'

/** Source partition of everything that comes by HTTP. */
export const HTTP_PARTITION = 'http'
/** Items that may wait for the log; a request beyond them is told to come again. */
export const WAITING_ITEMS_MAX = 50_000
/** Items that go into the log at once. */
const BATCH_ITEMS_MAX = 10_000
/** Inserts are spaced so far at least: more small parts a second would only be merged again. */
const COMMIT_EVERY_MS = 25

type Waiting = {
  readonly items: Incoming[]
  readonly answer: (results: IntakeResult[]) => void
  readonly fail: (error: unknown) => void
}

/** Where events arrive one request at a time: requests that wait together go into the log together. */
export class LiveDoor {
  readonly #pipeline: Pipeline
  #waiting: Waiting[] = []
  #waitingItems = 0
  #position: number
  #committing = false

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline
    this.#position = pipeline.intake.largestPosition(HTTP_PARTITION) + 1
  }

  /** Resolves when what was accepted is durable; 'busy' when too much waits already. */
  async submit(
    tenant: string,
    items: readonly Uint8Array[],
    request: string,
    traceparent?: string,
  ): Promise<readonly IntakeResult[] | 'busy'> {
    if (this.#waitingItems + items.length > WAITING_ITEMS_MAX) return 'busy'
    const incoming = items.map(
      (bytes, item): Incoming => ({
        tenant,
        source_partition: HTTP_PARTITION,
        source_position: this.#position++,
        item,
        request,
        ...(traceparent === undefined ? {} : { traceparent }),
        bytes,
        decoded: decodeBytes(bytes, tenant),
      }),
    )
    this.#waitingItems += items.length
    return new Promise((answer, fail) => {
      this.#waiting.push({ items: incoming, answer, fail })
      if (!this.#committing) void this.#commitAll()
    })
  }

  async #commitAll(): Promise<void> {
    this.#committing = true
    while (this.#waiting.length > 0) {
      const started = performance.now()
      await this.#commit(this.#takeBatch())
      const rest = COMMIT_EVERY_MS - (performance.now() - started)
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest))
    }
    this.#committing = false
  }

  #takeBatch(): Waiting[] {
    let items = 0
    let requests = 0
    while (requests < this.#waiting.length && (requests === 0 || items < BATCH_ITEMS_MAX)) {
      items += (this.#waiting[requests] as Waiting).items.length
      requests++
    }
    this.#waitingItems -= items
    return this.#waiting.splice(0, requests)
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#pipeline.take(
        batch.flatMap((one) => one.items),
        Date.now(),
      )
      let at = 0
      for (const { items, answer } of batch) {
        answer(results.slice(at, at + items.length))
        at += items.length
      }
    } catch (error) {
      for (const { fail } of batch) fail(error)
    }
  }
}
