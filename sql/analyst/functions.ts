/**
 * Which functions an analyst's statement may call: those that compute from their arguments alone. What reads files,
 * dictionaries or other tables by name, asks a model or the network, tells of the machine or keeps it waiting is not among
 * them. The list is of what is allowed: a function that a later engine brings is refused until it is put here.
 */

/** Groups of the engine's functions (`system.functions.categories`) that compute from their arguments alone. */
const CATEGORIES: ReadonlySet<string> = new Set(
  [
    ['Arithmetic', 'Arrays', 'Bit', 'Bitmap', 'Comparison', 'Conditional', 'Dates and Times', 'Distance', 'Encoding'],
    ['Encryption', 'Financial', 'Geo', 'Geo Polygon', 'Hash', 'IP Address', 'JSON', 'Logical', 'Map', 'Mathematical'],
    ['Null', 'Random Number', 'Rounding', 'String', 'String Replacement', 'String Search', 'String Splitting'],
    ['Time Window', 'Tuple', 'Type Conversion', 'URL', 'UUID'],
  ].flat(),
)
/** In those groups, and all the same refused: they write by a format's schema file, or say what the engine is. */
const NOT: ReadonlySet<string> = new Set(
  [
    ['chdb', 'formatRow', 'formatRowNoNewline', 'groupFormat', 'aggThrow', 'flameGraph', 'serverTimezone'],
    ['firstSignificantSubdomainCustom', 'firstSignificantSubdomainCustomRFC'],
  ].flat(),
)
/** Of the group `Other` and of the internal ones (CASE, CAST). Clients ask version, time zone and user when they connect. */
const OTHERS: ReadonlySet<string> = new Set(
  [
    ['bar', 'byteSize', 'caseWithExpression', '_CAST', 'countDigits', 'currentDatabase', 'currentUser', 'version'],
    ['defaultValueOfArgumentType', 'defaultValueOfTypeName', 'digits', 'dumpColumnStructure', 'finalizeAggregation'],
    ['formatReadableDecimalSize', 'formatReadableQuantity', 'formatReadableSize', 'formatReadableTimeDelta'],
    ['getSizeOfEnumType', 'getSubcolumn', 'identity', 'ignore', 'initializeAggregation', 'isConstant'],
    ['isDecimalOverflow', 'lowCardinalityIndices', 'lowCardinalityKeys', 'materialize', 'minSampleSizeContinuous'],
    ['minSampleSizeConversion', 'neighbor', 'parseReadableSize', 'parseReadableSizeOrNull', 'parseReadableSizeOrZero'],
    ['parseTimeDelta', 'rowNumberInAllBlocks', 'rowNumberInBlock', 'runningAccumulate', 'runningDifference'],
    ['runningDifferenceStartingWithFirstValue', 'throwIf', 'toColumnTypeName', 'toTypeName', 'transform'],
    ['variantElement', 'variantType', 'visibleWidth', 'revision', 'displayName'],
  ].flat(),
)
/** Known to the parser and the analyser alone. */
const SYNTAX = ['lambda', 'exists', 'untuple', 'grouping', 'tuple', 'array']
/** What may stand behind the name of an aggregate function, once or more often. */
const COMBINATORS = [
  ['If', 'Array', 'Map', 'Distinct', 'OrDefault', 'OrNull', 'Resample', 'State', 'Merge', 'MergeState'],
  ['SimpleState', 'ForEach', 'ArgMin', 'ArgMax', 'Null'],
].flat()

/** A row of `system.functions`. */
export type FunctionRow = {
  readonly name: string
  readonly is_aggregate: number
  readonly case_insensitive: number
  readonly alias_to: string
  readonly origin: string
  readonly categories: string
}
export const FUNCTIONS_QUERY =
  'SELECT name, is_aggregate, case_insensitive, alias_to, toString(origin) AS origin, categories FROM system.functions'

export type AllowedFunctions = {
  /** Whether a statement may call it, in the spelling that it uses. */
  has(name: string): boolean
  /** Whether the engine knows it at all. */
  knows(name: string): boolean
}

/** Judges the functions that an engine has. */
export function allowFunctions(rows: readonly FunctionRow[]): AllowedFunctions {
  const byName = new Map(rows.map((row) => [row.name, row]))
  const exact = new Set(SYNTAX)
  const folded = new Set<string>()
  const aggregates = new Set<string>()
  const foldedAggregates = new Set<string>()
  for (const row of rows) {
    if (row.origin !== 'System' || !isAllowed(byName.get(row.alias_to) ?? row)) continue
    exact.add(row.name)
    if (row.case_insensitive === 1) folded.add(row.name.toLowerCase())
    if (row.is_aggregate === 0) continue
    aggregates.add(row.name)
    if (row.case_insensitive === 1) foldedAggregates.add(row.name.toLowerCase())
  }
  const isAggregate = (name: string): boolean => {
    if (aggregates.has(name) || foldedAggregates.has(name.toLowerCase())) return true
    return COMBINATORS.some((suffix) => name.endsWith(suffix) && isAggregate(name.slice(0, -suffix.length)))
  }
  return {
    has: (name) => exact.has(name) || folded.has(name.toLowerCase()) || isAggregate(name),
    knows: (name) => byName.has(name),
  }
}

function isAllowed({ name, is_aggregate, categories }: FunctionRow): boolean {
  if (NOT.has(name)) return false
  return is_aggregate === 1 || CATEGORIES.has(categories) || OTHERS.has(name)
}
