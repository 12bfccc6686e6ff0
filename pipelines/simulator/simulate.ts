import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import type { Transform, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { dayOfDate } from '../../features/time.ts'
import { addMonths } from './calendar.ts'
import { createSimulation, type SimulationOptions } from './simulation.ts'

export const MONTHS_MAX = 1_200

export type SimulateOptions = SimulationOptions & {
  readonly months: number
  /** A path (compressed when it ends in `.gz` or `.zst`); `-` or absent is standard output. */
  readonly out?: string
  /** Called after each simulated day. */
  readonly onProgress?: (progress: SimulateProgress) => void
}

export type SimulateProgress = {
  readonly day: number
  readonly days_done: number
  readonly days: number
  readonly events: number
  /** Bytes before compression. */
  readonly bytes: number
}

export type SimulateSummary = {
  readonly events: number
  readonly bytes: number
  readonly days: number
  readonly first_day: number
  readonly last_day: number
}

/**
 * Writes the events of so many months as NDJSON. A file appears under its name only when it is whole (it is written
 * beside it and renamed); what is no regular file (a pipe, a device) is written to directly.
 * Rejects with the system's error when the output cannot be written.
 */
export async function simulate(options: SimulateOptions): Promise<SimulateSummary> {
  const { months } = options
  if (!Number.isInteger(months) || months < 1 || months > MONTHS_MAX) {
    throw new RangeError(`months must be a whole number from 1 to ${MONTHS_MAX}`)
  }
  const simulation = createSimulation(options)
  const firstDay = simulation.day
  const days = addMonths(dayOfDate(options.start), months) - firstDay
  const output = await openOutput(options.out ?? '-')
  let events = 0
  let bytes = 0
  try {
    for (let done = 1; done <= days; done++) {
      const { day, events: count, lines } = simulation.writeDay()
      events += count
      bytes += lines.length
      await output.write(lines)
      options.onProgress?.({ day, days_done: done, days, events, bytes })
    }
    await output.finish()
  } catch (error) {
    await output.abandon()
    throw error
  }
  return { events, bytes, days, first_day: firstDay, last_day: firstDay + days - 1 }
}

type Output = {
  /** Resolves when more may be written. */
  write(chunk: Buffer): Promise<void>
  finish(): Promise<void>
  abandon(): Promise<void>
}

async function openOutput(out: string): Promise<Output> {
  if (out === '-') return outputTo(process.stdout, undefined)
  const regular = await stat(out).then(
    (found) => found.isFile(),
    () => true,
  )
  const path = regular ? `${out}.partial` : out
  const file = createWriteStream(path)
  await once(file, 'open')
  const compressor = out.endsWith('.gz') ? createGzip() : out.endsWith('.zst') ? createZstdCompress() : undefined
  const output = outputTo(file, compressor)
  if (!regular) return output
  return {
    write: output.write,
    async finish() {
      await output.finish()
      await rename(path, out)
    },
    async abandon() {
      await output.abandon()
      await rm(path, { force: true })
    },
  }
}

function outputTo(sink: Writable, compressor: Transform | undefined): Output {
  const entry: Writable = compressor ?? sink
  let failure: Error | undefined
  const fail = (error: Error) => {
    failure ??= error
    // Standard output cannot be destroyed: it would only say the same error again.
    if (sink === process.stdout) return
    // Whoever waits for room or for the end must wake up.
    entry.destroy(error)
    sink.destroy(error)
  }
  sink.on('error', fail)
  compressor?.on('error', fail)
  compressor?.pipe(sink)
  return {
    async write(chunk) {
      if (failure !== undefined) throw failure
      if (!entry.write(chunk)) await once(entry, 'drain')
    },
    async finish() {
      if (failure !== undefined) throw failure
      if (sink === process.stdout) {
        // Standard output belongs to the process: it is flushed, not closed.
        await new Promise<void>((resolve, reject) => {
          process.stdout.write('', (error) => (error ? reject(error) : resolve()))
        })
        return
      }
      entry.end()
      await finished(sink)
    },
    async abandon() {
      if (sink === process.stdout) return
      entry.destroy()
      sink.destroy()
      if (!sink.closed) await once(sink, 'close')
    },
  }
}
