import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MS_PER_DAY } from '../../features/time.ts'
import { placeOfRefused, type RefusedItem } from './items.ts'

/** Most bytes of one original that are kept: an event may be no longer. */
export const ORIGINAL_BYTES_MAX = 262_144
/** How long originals are kept; longer where the same source goes on being refused. */
export const KEPT_DAYS = 30

/**
 * The original bytes of what was refused, apart from the tables: they may hold personal data, so SQL must not reach them.
 * One file per source partition, one JSON line per item, readable by the owner alone.
 */
export class Originals {
  readonly #folder: string

  constructor(directory: string) {
    this.#folder = join(directory, 'originals')
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    this.#forget()
  }

  /** Removes what nothing was added to for longer than originals are kept. */
  #forget(): void {
    const before = Date.now() - KEPT_DAYS * MS_PER_DAY
    for (const name of readdirSync(this.#folder)) {
      const path = join(this.#folder, name)
      if (statSync(path).mtimeMs < before) rmSync(path)
    }
  }

  async keep(items: readonly RefusedItem[]): Promise<void> {
    const byFile = new Map<string, string>()
    for (const { incoming } of items) {
      const place = placeOfRefused(incoming)
      const name = `${createHash('sha256').update(place.source_partition).digest('hex').slice(0, 16)}.ndjson`
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
