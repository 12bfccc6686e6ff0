/** The colours of the supervisors' scale, mildest first. Codes are what the hot path carries instead of words. */
export const SEVERITIES = ['none', 'blue', 'yellow', 'orange', 'red'] as const
export type Severity = (typeof SEVERITIES)[number]
/** What a rule says of a value: a severity, or that it cannot say because the value is missing. */
export type Outcome = Severity | 'inconclusive'

export const NONE = 0
export const YELLOW = 2
export const RED = 4
/** Not a severity: the value is missing, and what was said before stands. */
export const INCONCLUSIVE = 255

/** Code of a severity, 0 (none) to 4 (red). */
export function severityCode(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}

/** Severity of a code. Throws on anything but 0 to 4: an inconclusive outcome has no severity. */
export function severityOf(code: number): Severity {
  const severity = SEVERITIES[code]
  if (severity === undefined) throw new RangeError(`no severity has code ${code}`)
  return severity
}
