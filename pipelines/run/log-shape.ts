import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { PARTITIONS_DEFAULT, SLICES_DEFAULT } from '../config.ts'
import type { LogShape } from '../intake/items.ts'

const FILE = 'log.json'
export const PARTITIONS_MAX = 1024
export const SLICES_MAX = 1024

const schema = z.strictObject({
  partitions: z.int().min(1).max(PARTITIONS_MAX),
  slices: z.int().min(1).max(SLICES_MAX),
})

/** The shape of the log in a directory, undefined where there is no log. */
export function readShape(directory: string): LogShape | undefined {
  const path = join(directory, FILE)
  return existsSync(path) ? schema.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined
}

/** The shape of the data directory's log, fixed when it is made: who goes to which partition depends on it. */
export function readOrCreateShape(directory: string, wanted?: Partial<LogShape>): LogShape {
  const known = readShape(directory)
  if (known !== undefined) return known
  const path = join(directory, FILE)
  const shape = schema.parse({ partitions: PARTITIONS_DEFAULT, slices: SLICES_DEFAULT, ...wanted })
  writeFileSync(`${path}.new`, `${JSON.stringify(shape)}\n`)
  renameSync(`${path}.new`, path)
  return shape
}
