/**
 * Values of a record as JSON would have them, and why a record has none. Numbers are exact or refused: an amount that a double
 * cannot hold is never rounded.
 */

export type MisfitReason = 'not_by_schema' | 'inexact_number' | 'not_utf8' | 'forbidden_key'

/** The bytes are no event by their schema. Thrown deep inside a record; whoever reads the record makes a refusal of it. */
export class Misfit extends Error {
  readonly reason: MisfitReason
  /** Names of the fields down to the place. */
  readonly path: string[] = []

  constructor(reason: MisfitReason, detail: string) {
    super(detail)
    this.reason = reason
  }
}

/** Digits of a decimal, before and after the point: beyond any amount, and no work to compute with. */
const DECIMAL_BYTES_MAX = 32
const DECIMAL_SCALE_MAX = 64
const MS_PER_DAY = 86_400_000
/** `Date` knows nothing further away, in days from 1970-01-01. */
const DAYS_MAX = 100_000_000

export function integerOf(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new Misfit('inexact_number', 'is an integer beyond 2^53 - 1')
  return number
}

/** JSON has no NaN and no infinity. */
export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Misfit('not_by_schema', 'is not a finite number')
  return value
}

/**
 * A decimal, `unscaled` (two's complement, big end first) by ten to the minus `scale`. Whole numbers are exact; others are the
 * nearest double, as in JSON, unless that would be a whole number.
 */
export function decimalOf(unscaled: Uint8Array, scale: number): number {
  if (unscaled.length > DECIMAL_BYTES_MAX || Math.abs(scale) > DECIMAL_SCALE_MAX) {
    throw new Misfit('inexact_number', 'is a decimal of too many digits')
  }
  const hex = Buffer.from(unscaled).toString('hex')
  const value = hex === '' ? 0n : BigInt.asIntN(unscaled.length * 8, BigInt(`0x${hex}`))
  if (scale <= 0) return integerOf(value * 10n ** BigInt(-scale))
  const unit = 10n ** BigInt(scale)
  if (value % unit === 0n) return integerOf(value / unit)
  const number = Number(`${value}e-${scale}`)
  if (Number.isInteger(number)) throw new Misfit('inexact_number', 'is a decimal of too many digits')
  return number
}

/** The millisecond in which an instant lies that counts `perMs` units a millisecond. */
export function millisOf(units: bigint, perMs: bigint): number {
  const rest = units % perMs
  return integerOf((units - rest) / perMs - (rest < 0n ? 1n : 0n))
}

/** `YYYY-MM-DD` of a count of days since 1970-01-01. */
export function dateOf(days: number): string {
  if (Math.abs(days) > DAYS_MAX) throw new Misfit('not_by_schema', 'is no date')
  return new Date(days * MS_PER_DAY).toISOString().slice(0, 10)
}

/** Sets a field, unless it has no value: what is null there is left out. */
export function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') throw new Misfit('forbidden_key', 'the key __proto__ is not allowed')
  if (value !== undefined) target[key] = value
}

/** Says of a misfit in which field it was; whatever else was thrown, as from a nesting without end, is one too. */
export function misfitAt(error: unknown, field: string): Misfit {
  const misfit = error instanceof Misfit ? error : new Misfit('not_by_schema', (error as Error).message)
  misfit.path.unshift(field)
  return misfit
}
