import { z } from 'zod'

/**
 * The kinds of field that events are made of, each with its bound.
 * Money is an integer of minor units; instants become UTC milliseconds; dates stay `YYYY-MM-DD`.
 */

/** Largest amount of one event, in minor units: 900 of them still sum exactly in a double (2^53). */
export const AMOUNT_MINOR_MAX = 10_000_000_000_000
export const TOKEN_LENGTH_MAX = 128
export const LABEL_LENGTH_MAX = 128
export const INSTALMENTS_MAX = 600

/** ClickHouse's `Date` ends here and would clamp what lies outside without a word. */
export const DATE_FIRST = '1970-01-01'
export const DATE_LAST = '2149-06-06'
export const TIME_MS_FIRST = 0
export const TIME_MS_LAST = Date.UTC(2149, 5, 6, 23, 59, 59, 999)

/** An opaque identifier: printable ASCII without spaces, so that it can go into any statement or URL. */
export const token = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
  .max(TOKEN_LENGTH_MAX)

/** A word from an open vocabulary (product, channel, reason …); no control characters. */
export const label = z
  .string()
  .min(1)
  .max(LABEL_LENGTH_MAX)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  .regex(/^[^\u0000-\u001f\u007f\ud800-\udfff]*$/u, 'must not contain control characters')

/** ISO 4217 code. */
export const currency = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')

/** Minor units, zero allowed. */
export const amountMinor = z.int().min(0).max(AMOUNT_MINOR_MAX)
/** Minor units of something that moved, so at least one. */
export const positiveAmountMinor = z.int().min(1).max(AMOUNT_MINOR_MAX)
/** Minor units that may be negative, such as an overdrawn balance. */
export const signedAmountMinor = z.int().min(-AMOUNT_MINOR_MAX).max(AMOUNT_MINOR_MAX)

/** A business date that exists in the calendar. */
export const businessDate = z.iso
  .date()
  .refine((date) => date >= DATE_FIRST && date <= DATE_LAST, `must lie in ${DATE_FIRST} to ${DATE_LAST}`)

/** An instant: ISO 8601 with a zone, or UTC milliseconds; decoded to UTC milliseconds. */
export const instant = z
  .union([z.int(), z.iso.datetime({ offset: true })])
  .transform((value) => (typeof value === 'number' ? value : Date.parse(value)))
  .refine((ms) => ms >= TIME_MS_FIRST && ms <= TIME_MS_LAST, `must lie in ${DATE_FIRST} to ${DATE_LAST}`)

/** Merchant category code of ISO 18245: four digits, also taken as a number. */
export const merchantCategoryCode = z
  .union([z.string().regex(/^\d{4}$/), z.int().min(0).max(9999)])
  .transform((value) => (typeof value === 'number' ? String(value).padStart(4, '0') : value))

/**
 * An object whose keys are sorted, at definition. A decoded value then has its keys in that order too, so that
 * `JSON.stringify` of it is canonical without sorting anything per event.
 */
export function sortedObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape> {
  const sorted = Object.fromEntries(Object.entries(shape).sort(([a], [b]) => (a < b ? -1 : 1)))
  return z.object(sorted as Shape)
}
