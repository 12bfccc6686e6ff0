import { z } from 'zod'
import { instant as eventInstant, token } from '../features/events/fields.ts'

/** Kinds of query and path parameter. Each is text on the wire; `openapi` is how the document describes it. */

/** An integer in plain digits: not 1e2, not 0x10, not an empty text. */
export function integerParameter(min: number, max: number, description: string) {
  return z
    .string()
    .regex(/^\d{1,9}$/, `must be an integer of ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({ description, openapi: { type: 'integer', minimum: min, maximum: max } })
}

/** Words of a fixed list, the parameter repeated or its values separated by commas. */
export function wordsParameter<Word extends string>(words: readonly Word[], description: string) {
  return z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat().flatMap((one) => one.split(',')))
    .pipe(z.array(z.enum(words)).max(words.length * 4))
    .meta({
      description,
      openapi: { type: 'array', items: { type: 'string', enum: words }, maxItems: words.length * 4 },
    })
}

/** An instant, as in events; becomes ISO 8601 in UTC, as in rows. A `+` that the URL turned into a space is taken. */
export function instantParameter(description: string) {
  return z
    .string()
    .transform((text) => (/^\d+$/.test(text) ? Number(text) : text.replace(' ', '+')))
    .pipe(eventInstant)
    .transform((ms) => new Date(ms).toISOString())
    .meta({ description, openapi: { type: 'string', format: 'date-time' } })
}

export const tenantParameter = token
  .optional()
  .describe('For the operator: the tenant that is meant. Other keys may only name their own.')

export const cursorParameter = z
  .string()
  .min(1)
  .describe('`next` of an earlier answer, or the id of a streamed row; without it from the first row.')

export { token as tokenParameter }
