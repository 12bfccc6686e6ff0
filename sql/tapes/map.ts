import { z } from 'zod'

/**
 * How to read somebody's month-end tape: one row per loan and month end. The map names its columns, says what its months and
 * amounts look like, and what its codes mean. Nothing is guessed: what the map does not explain is a defect of the tape.
 */

const NAME_LENGTH_MAX = 200
const CODES_MAX = 200
const BUCKETS_MAX = 50
const DPD_MAX = 100_000
/** Bucket of a code that says `written_off` and names none; own loans have it too. */
export const WRITTEN_OFF = 'written_off'

/** What months look like: text as it stands, or the number of months before an anchor (0 or −1, −2 … or 1, 2 …). */
export const MONTH_FORMATS = [
  'YYYY-MM',
  'YYYY-MM-DD',
  'YYYYMM',
  'YYYYMMDD',
  'DD/MM/YYYY',
  'MM/DD/YYYY',
  'months_back',
] as const
export type MonthFormat = (typeof MONTH_FORMATS)[number]

const name = z.string().min(1).max(NAME_LENGTH_MAX)
const days = z.int().min(0).max(DPD_MAX)
/** The first of a month in the years that a `Date` holds, as `YYYY-MM`. */
export const yearMonth = z
  .string()
  .regex(/^(?:19[7-9]\d|20\d\d|21[0-3]\d|214[0-8])-(?:0[1-9]|1[0-2])$/, 'must be a month from 1970-01 to 2148-12')

const columns = z.strictObject({
  loan: name,
  month: name,
  borrower: name.optional(),
  status: name.optional(),
  dpd: name.optional(),
  bucket: name.optional(),
  balance: name.optional(),
  product: name.optional(),
  channel: name.optional(),
  cohort: name.optional(),
})

const code = z.strictObject({
  dpd: days.optional(),
  bucket: name.optional(),
  state: z.enum(['open', 'written_off', 'closed']).default('open'),
})

export const tapeMap = z
  .strictObject({
    dataset: name.optional(),
    format: z.enum(['CSV', 'Parquet']).optional(),
    delimiter: z.string().length(1).default(','),
    columns,
    month_format: z.enum(MONTH_FORMATS).default('YYYY-MM-DD'),
    anchor: yearMonth.optional(),
    cohort_format: z.enum(MONTH_FORMATS).exclude(['months_back']).optional(),
    balance_unit: z.enum(['minor', 'major']).default('minor'),
    codes: z.record(z.string().max(NAME_LENGTH_MAX), code).default({}),
    buckets: z
      .array(z.strictObject({ name, from_dpd: days.optional() }))
      .min(1)
      .max(BUCKETS_MAX),
    gaps: z.enum(['refuse', 'keep']).default('refuse'),
    duplicates: z.enum(['refuse', 'drop_identical']).default('refuse'),
  })
  .check((context) => {
    for (const { path, message } of contradictions(context.value)) {
      context.issues.push({ code: 'custom', path: [...path], message, input: context.value })
    }
  })

export type TapeMap = z.output<typeof tapeMap>

type Contradiction = { readonly path: readonly (string | number)[]; readonly message: string }

/** What the parts of a map say against each other. */
function contradictions(map: Omit<TapeMap, never>): Contradiction[] {
  const found: Contradiction[] = []
  const say = (path: (string | number)[], message: string) => found.push({ path, message })
  const { status, dpd, bucket } = map.columns
  const codes = Object.entries(map.codes)
  if (status === undefined && dpd === undefined && bucket === undefined) {
    say(['columns'], 'names none of status, dpd and bucket: one of them says how late a loan is')
  }
  if (status === undefined && codes.length > 0) say(['codes'], 'are given, but columns names no status')
  if (status !== undefined && codes.length === 0) say(['codes'], 'are missing: columns names a status')
  if (codes.length > CODES_MAX) say(['codes'], `are more than ${CODES_MAX}`)
  if (map.month_format === 'months_back' && map.anchor === undefined) {
    say(['anchor'], 'is missing: month_format is months_back')
  }
  if (map.month_format !== 'months_back' && map.anchor !== undefined) {
    say(['anchor'], 'is given, but month_format is not months_back')
  }
  const names = map.buckets.map((one) => one.name)
  const starts = map.buckets.flatMap(({ from_dpd }) => (from_dpd === undefined ? [] : [from_dpd]))
  map.buckets.forEach((one, i) => {
    if (names.indexOf(one.name) !== i) say(['buckets', i], `names ${one.name} again`)
  })
  if (starts.some((start, i) => i > 0 && start <= (starts[i - 1] ?? 0))) say(['buckets'], 'must rise in from_dpd')
  if (bucket === undefined && dpd !== undefined && starts.length === 0) {
    say(['buckets'], 'have no from_dpd, but the bucket must come from the days past due')
  }
  for (const [text, { dpd: codeDpd, bucket: codeBucket, state }] of codes) {
    if (codeBucket !== undefined && codeBucket !== WRITTEN_OFF && !names.includes(codeBucket)) {
      say(['codes', text, 'bucket'], `is ${codeBucket}, which is not in buckets`)
    }
    if (state === 'closed' || codeDpd !== undefined || dpd !== undefined || bucket !== undefined) continue
    if (map.buckets.find((one) => one.name === codeBucket)?.from_dpd === undefined) {
      say(['codes', text], 'says no dpd, and its bucket has no from_dpd')
    }
  }
  return found
}

/** The first things that are wrong with a map, in one line; undefined when it is right. */
export function parseMap(
  value: unknown,
): { readonly ok: true; readonly map: TapeMap } | { readonly ok: false; readonly detail: string } {
  const parsed = tapeMap.safeParse(value)
  if (parsed.success) return { ok: true, map: parsed.data }
  const issues = parsed.error.issues.slice(0, ISSUES_NAMED_MAX).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`
  })
  const more = parsed.error.issues.length - issues.length
  return { ok: false, detail: issues.join('; ') + (more > 0 ? `; and ${more} more` : '') }
}

const ISSUES_NAMED_MAX = 5
