import { decodeBytes } from '../../features/events/decode.ts'
import type { Incoming } from '../intake/intake.ts'
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
    this.#resumeAfter = pipeline.intake.positionOf(this.partition)
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

  /** Lets one simulated day pass; returns how many events it had. */
  async passDay(): Promise<number> {
    const { lines, events } = this.#simulation.writeDay()
    const first = this.#position
    this.#position += events
    if (this.#position <= this.#resumeAfter + 1) return events
    const items: Incoming[] = []
    let position = first
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf(NEWLINE, from)
      const bytes = lines.subarray(from, end)
      from = end + 1
      if (position > this.#resumeAfter) items.push(this.#incoming(bytes, position))
      position++
    }
    await this.#pipeline.take(items, undefined)
    return events
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
