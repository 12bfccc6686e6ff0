import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { MS_PER_DAY } from '../../features/time.ts'
import { placeOfRefused, type RefusedItem } from './items.ts'

/** Most bytes of one original that are kept: an event may be no longer. */
export const ORIGINAL_BYTES_MAX = 262_144
/** How long originals are kept; longer where the same source goes on being refused. */
export const KEPT_DAYS = 30

/** What a refused thing is known by, in `dead_letters` and here. */
export type RefusedPlace = {
  readonly tenant: string
  readonly source_partition: string
  readonly source_position: number
  readonly item: number
}

type KeptLine = RefusedPlace & { readonly base64: string }

export function placeKey({ tenant, source_partition, source_position, item }: RefusedPlace): string {
  return [tenant, source_partition, source_position, item].join('\u0000')
}

/** The original bytes of some of what was refused, by `placeKey`, from a data directory that another process may hold. */
export async function readOriginals(directory: string, places: readonly RefusedPlace[]): Promise<Map<string, Buffer>> {
  const wanted = new Set(places.map(placeKey))
  const found = new Map<string, Buffer>()
  for (const name of new Set(places.map((place) => fileNameOf(place.source_partition)))) {
    const path = join(directory, FOLDER, name)
    if (!existsSync(path)) continue
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      const kept = parseLine(line)
      // What was refused again after a kill stands there twice, and is the same.
      if (kept !== undefined && wanted.has(placeKey(kept)))
        found.set(placeKey(kept), Buffer.from(kept.base64, 'base64'))
    }
  }
  return found
}

/** A line that a kill cut is none; the next one stands behind what is left of it. */
function parseLine(line: string): KeptLine | undefined {
  try {
    return JSON.parse(line) as KeptLine
  } catch {
    const next = line.lastIndexOf(LINE_BEGINNING)
    return next > 0 ? parseLine(line.slice(next)) : undefined
  }
}

const LINE_BEGINNING = '{"tenant":'

function fileNameOf(sourcePartition: string): string {
  return `${createHash('sha256').update(sourcePartition).digest('hex').slice(0, 16)}.ndjson`
}

const FOLDER = 'originals'

/** Removes the files of a data directory that nothing was added to since then (UTC milliseconds). Gives how many. */
export function forgetOriginals(directory: string, beforeMs: number): number {
  const folder = join(directory, FOLDER)
  const old = existsSync(folder)
    ? readdirSync(folder).filter((name) => statSync(join(folder, name)).mtimeMs < beforeMs)
    : []
  for (const name of old) rmSync(join(folder, name))
  return old.length
}

/**
 * The original bytes of what was refused, apart from the tables: they may hold personal data, so SQL must not reach them.
 * One file per source partition, one JSON line per item, readable by the owner alone.
 */
export class Originals {
  readonly #directory: string
  readonly #folder: string

  constructor(directory: string) {
    this.#directory = directory
    this.#folder = join(directory, FOLDER)
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    forgetOriginals(directory, Date.now() - KEPT_DAYS * MS_PER_DAY)
  }

  /** The bytes of some of what was refused, by `placeKey`. */
  find(places: readonly RefusedPlace[]): Promise<Map<string, Buffer>> {
    return readOriginals(this.#directory, places)
  }

  async keep(items: readonly RefusedItem[]): Promise<void> {
    const byFile = new Map<string, string>()
    for (const { incoming } of items) {
      const place = placeOfRefused(incoming)
      const name = fileNameOf(place.source_partition)
      const line = JSON.stringify({
        tenant: incoming.tenant,
        ...place,
        item: incoming.item,
        base64: Buffer.from(incoming.bytes.subarray(0, ORIGINAL_BYTES_MAX)).toString('base64'),
      })
      byFile.set(name, `${byFile.get(name) ?? ''}${line}\n`)
    }
    for (const [name, lines] of byFile) await appendFile(join(this.#folder, name), lines, { mode: 0o600 })
  }
}
