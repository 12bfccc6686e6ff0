import { INCONCLUSIVE, type Severity, severityCode } from './severity.ts'

/** One band of a value: `lower ≤ value < upper`. */
export type Band = { readonly lower: number; readonly upper: number; readonly severity: Severity }

/**
 * What is wrong with a list of bands, or null. They must be contiguous from -Infinity to Infinity, so that every value
 * that is not NaN lies in exactly one.
 */
export function bandsFault(bands: readonly Band[]): string | null {
  if (bands.length === 0) return 'has no bands'
  let edge = Number.NEGATIVE_INFINITY
  for (const band of bands) {
    if (band.lower !== edge) return `has a gap or an overlap at ${edge}: the next band begins at ${band.lower}`
    if (!(band.upper > band.lower)) return `has an empty band from ${band.lower} to ${band.upper}`
    edge = band.upper
  }
  if (edge !== Number.POSITIVE_INFINITY) return `ends at ${edge}, not at Infinity`
  return null
}

/** The band that holds a value. The value must not be NaN. */
export function bandAt(bands: readonly Band[], value: number): Band {
  for (const band of bands) if (value < band.upper) return band
  const last = bands.at(-1)
  // Infinity is below no upper bound, and belongs to the last band.
  if (last === undefined || Number.isNaN(value)) throw new RangeError(`no band holds ${value}`)
  return last
}

/** The first band of a severity, which stands for the value where that is missing by now. */
export function bandOfSeverity(bands: readonly Band[], code: number): Band {
  const band = bands.find((one) => severityCode(one.severity) === code)
  if (band === undefined) throw new RangeError(`no band has severity code ${code}`)
  return band
}

/**
 * The bound that a value crossed to get into a band: the edge on the side of the milder neighbour.
 * So it is the lower bound where high values are bad, and the upper one where low values are.
 */
export function bandThreshold(bands: readonly Band[], band: Band): number {
  const at = bands.indexOf(band)
  const own = severityCode(band.severity)
  const below = bands[at - 1]
  const above = bands[at + 1]
  if (below !== undefined && severityCode(below.severity) < own) return band.lower
  if (above !== undefined && severityCode(above.severity) < own) return band.upper
  return below === undefined ? band.upper : band.lower
}

/** Bands for the hot path: inner edges ascending, and one code per band. */
export function flattenBands(bands: readonly Band[]): { edges: number[]; codes: number[] } {
  return {
    edges: bands.slice(0, -1).map((band) => band.upper),
    codes: bands.map((band) => severityCode(band.severity)),
  }
}

/** Severity code of a value, without allocation; INCONCLUSIVE for NaN. */
export function bandCode(bands: readonly Band[], value: number): number {
  return Number.isNaN(value) ? INCONCLUSIVE : severityCode(bandAt(bands, value).severity)
}
