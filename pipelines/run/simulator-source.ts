import { decodeBytes } from '../../features/events/decode.ts'
import type { Incoming } from '../intake/items.ts'
import { createSimulation, type Simulation } from '../simulator/simulation.ts'
import type { Pipeline } from './pipeline.ts'

export type SimulatorOptions = {
  readonly tenant: string
  readonly borrowers: number
  readonly seed: number
  /** First date, `YYYY-MM-DD`. */
  readonly start: string
}

const NEWLINE = 10
/** Events that are gone through at once while catching up, so that progress can be shown. */
const SKIPPED_EVENTS_MAX = 50_000

/**
 * The simulator as a source of the running pipeline. Its position is the number of the event, so that after a restart it
 * goes through what the log holds without handing it over.
 */
export class SimulatorSource {
  readonly partition: string
  readonly #pipeline: Pipeline
  readonly #tenant: string
  readonly #simulation: Simulation
  #position = 0
  readonly #resumeAfter: number

  constructor(pipeline: Pipeline, options: SimulatorOptions) {
    this.#pipeline = pipeline
    this.#tenant = options.tenant
    this.partition = `simulator:${options.seed}:${options.borrowers}:${options.start}`
    this.#resumeAfter = pipeline.intake.positionOf(options.tenant, this.partition)
    const { seed, borrowers, start } = options
    this.#simulation = createSimulation({ seed, borrowers, start })
  }

  /** Number of the day that comes next. */
  get day(): number {
    return this.#simulation.day
  }

  /** Whether the next day's first event lies within what the log holds. */
  get isCatchingUp(): boolean {
    return this.#position <= this.#resumeAfter
  }

  /** Lets days pass until there are at least `itemsMin` events, or `until` is reached; returns how many there were. */
  async pass(itemsMin: number, until = Number.POSITIVE_INFINITY): Promise<number> {
    const items: Incoming[] = []
    let events = 0
    do {
      const day = this.#simulation.writeDay()
      events += day.events
      this.#collect(day.lines, items)
    } while (items.length < itemsMin && this.day < until && events < SKIPPED_EVENTS_MAX)
    if (items.length > 0) await this.#pipeline.take(items, undefined)
    return events
  }

  #collect(lines: Uint8Array, items: Incoming[]): void {
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf(NEWLINE, from)
      if (this.#position > this.#resumeAfter) items.push(this.#incoming(lines.subarray(from, end), this.#position))
      this.#position++
      from = end + 1
    }
  }

  #incoming(bytes: Uint8Array, position: number): Incoming {
    return {
      tenant: this.#tenant,
      source_partition: this.partition,
      source_position: position,
      item: 0,
      bytes,
      decoded: decodeBytes(bytes, this.#tenant),
    }
  }
}
