import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { token } from '../../features/events/fields.ts'
import { Failure, UsageError } from './output.ts'

/** What options and arguments may be; anything else is wrong usage. */

/** A whole number in plain digits. */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`${name} ${text} is not a whole number from ${min} to ${max}`)
}

/** The name of a tenant, as events carry it. */
export function tenantName(text: string): string {
  if (token.safeParse(text).success) return text
  throw new UsageError(`--tenant ${JSON.stringify(text)} is not a name of printable ASCII without spaces`)
}

/** The name of a data set; own loans have the empty one. */
export function datasetName(text: string): string {
  if (token.safeParse(text).success) return text
  throw new UsageError(`--dataset ${JSON.stringify(text)} is not a name of printable ASCII without spaces`)
}

/** Fails when a file to be written has no folder; `-` is standard output. */
export function requireFolder(path: string): void {
  const folder = dirname(path)
  if (path !== '-' && !existsSync(folder)) throw new Failure(`there is no folder ${folder} for ${path}: make it first`)
}
