import { MS_PER_DAY } from '../time.ts'
import type { WindowAggregate } from './aggregate.ts'
import { generateFunction } from './generate.ts'
import type { Segment } from './segment.ts'

/** What the texts of window passes are made of. */

/**
 * Computes aggregates of one borrower's rows of one stream for windows that end at `end`: `slots[slot]` per aggregate.
 * A maximum or minimum of no rows is NaN, every other fold of none is 0.
 */
export type WindowPass<Rows = Segment> = (rows: Rows, end: number, slots: Float64Array) => void

/**
 * How rows lie in memory, as text for the pass over `rows`: they are visited from `last` down to `first`, `step` apart, and
 * an expression of a row speaks of it as `i`.
 */
export type RowLayout = {
  /** True of `rows` that hold none: then nothing else is asked. */
  readonly isEmpty: string
  /** Statements before all others, for a pass that reads these columns. */
  prepare(columns: readonly number[]): string[]
  readonly first: string
  readonly last: string
  readonly step: number
  /** Number of rows, or somewhat more. */
  readonly length: string
  readonly time: string
  readonly traits: string
  value(column: number): string
}

/** Columns of a segment. */
export const SEGMENT_LAYOUT: RowLayout = {
  isEmpty: 'rows.chunk === null || rows.length === 0',
  prepare: (columns) => [
    'const { f64, u32 } = rows.chunk',
    'const times = f64[0]',
    'const traits = u32[0]',
    ...columns.map((column) => `const c${column} = f64[${column}]`),
  ],
  first: 'rows.start',
  last: 'rows.start + rows.length - 1',
  step: 1,
  length: 'rows.length',
  time: 'times[i]',
  traits: 'traits[i]',
  value: (column) => `c${column}[i]`,
}

/** An aggregate, where its value goes, and its window's length in its own unit: milliseconds or rows. */
export type Target = { readonly aggregate: WindowAggregate; readonly slot: number; readonly length: number }

/** A local variable that folds the rows of one filter, for all windows of its kind. */
export type Accumulator = {
  readonly name: string
  readonly aggregate: WindowAggregate
  /** Expression of a row's value. */
  readonly value: string
  readonly targets: readonly Target[]
  /** Of its longest window. */
  readonly length: number
}

/** Whether a longest sum is more than a double holds exactly. */
export function sumIsInexact(accumulators: readonly Accumulator[]): string {
  const sums = accumulators.filter(({ aggregate }) => aggregate.fold === 'sum')
  return sums.map(({ name }) => `Math.abs(${name}) > ${Number.MAX_SAFE_INTEGER}`).join(' || ')
}

/** Sums that a double cannot hold exactly, as the double nearest to each: slow, and needed by nobody but the largest. */
export function exactSums<Rows>(targets: readonly Target[], layout: RowLayout): WindowPass<Rows> {
  const columns = new Set(targets.map(({ aggregate }) => aggregate.column))
  const lines = [...layout.prepare([...columns]), `const first = ${layout.first}`]
  for (const { aggregate, slot, length } of targets) {
    const { where, column } = aggregate
    lines.push('{', 'let sum = 0n', `for (let i = ${layout.last}; i >= first; i -= ${layout.step}) {`)
    lines.push(`  if (${layout.time} > end || ${layout.time} <= end - ${length}) continue`)
    lines.push(`  if ((${layout.traits} & ${where}) === ${where}) sum += BigInt(${layout.value(column)})`)
    lines.push('}', `slots[${slot}] = Number(sum)`, '}')
  }
  return generateFunction<WindowPass<Rows>>('sumExactly(rows, end, slots)', lines)
}

export function lengthOf(aggregate: WindowAggregate): number {
  const length = 'days' in aggregate ? Math.round(aggregate.days * MS_PER_DAY) : aggregate.rows
  if (!(length >= 1)) throw new RangeError(`a window must hold a millisecond or a row: ${JSON.stringify(aggregate)}`)
  return length
}

/** From the shortest to the longest. */
export function lengthsOf(accumulators: readonly Accumulator[]): number[] {
  const lengths = new Set(accumulators.flatMap(({ targets }) => targets.map(({ length }) => length)))
  return [...lengths].sort((a, b) => a - b)
}

export function groupAccumulators(targets: readonly Target[], prefix: string, layout: RowLayout): Accumulator[] {
  const groups: Target[][] = []
  for (const target of targets) {
    const group = groups.find(([one]) => isSameAccumulator(one!.aggregate, target.aggregate))
    if (group === undefined) groups.push([target])
    else group.push(target)
  }
  return groups.map((group, k) => ({
    name: `${prefix}${k}`,
    aggregate: group[0]!.aggregate,
    value: layout.value(group[0]!.aggregate.column),
    targets: group,
    length: Math.max(...group.map(({ length }) => length)),
  }))
}

function isSameAccumulator(a: WindowAggregate, b: WindowAggregate): boolean {
  return a.where === b.where && a.fold === b.fold && (a.fold === 'count' || a.column === b.column)
}

export function groupByFilter(accumulators: readonly Accumulator[]): Map<number, Accumulator[]> {
  return Map.groupBy(accumulators, (one) => one.aggregate.where)
}

export function isExtreme(aggregate: WindowAggregate): boolean {
  return aggregate.fold === 'max' || aggregate.fold === 'min'
}

export function initialValue(aggregate: WindowAggregate): string {
  return aggregate.fold === 'max' ? '-Infinity' : aggregate.fold === 'min' ? 'Infinity' : '0'
}

/**
 * The same accumulators, those moved to arrays by bit that count or add up the rows of one `rare` bit: few rows have any
 * of them, and one that has is taken bit by bit.
 */
export function keepByBit(accumulators: readonly Accumulator[], rare: number): Accumulator[] {
  return accumulators.map((one) => (isByBit(one, rare) ? { ...one, name: nameByBit(one.aggregate) } : one))
}

export function isByBit({ aggregate }: Accumulator, rare: number): boolean {
  const { where, fold } = aggregate
  return (fold === 'count' || fold === 'sum') && (where & rare) === where && where !== 0 && (where & (where - 1)) === 0
}

/** Whether `keepByBit` has moved it. */
function isKeptByBit({ name }: Accumulator): boolean {
  return name.endsWith(']')
}

function nameByBit({ where, fold, column }: WindowAggregate): string {
  return `${fold === 'count' ? 'counts' : `sums${column}`}[${bitNumber(where)}]`
}

function bitNumber(bit: number): number {
  return 31 - Math.clz32(bit)
}

/** Arrays that `nameByBit` speaks of, to be bound. */
export function arraysByBit(accumulators: readonly Accumulator[], rare: number): Record<string, Float64Array> {
  const arrays = accumulators.filter((one) => isByBit(one, rare)).map(({ name }) => name.slice(0, name.indexOf('[')))
  return Object.fromEntries(['counts', ...arrays].map((name) => [name, new Float64Array(32)]))
}

/**
 * Statements that take a row for some accumulators. Counts and sums are taken without a branch, filter by filter, since
 * what a row is follows no pattern that a processor could foresee; an extreme asks first whether the row would be one, which
 * it seldom is. Filters that ask for one of the `rare` bits stand behind a single test: most rows have none of them.
 */
export function takeStatements(accumulators: readonly Accumulator[], rare: number): string[] {
  const seldom = accumulators.filter(({ aggregate }) => (aggregate.where & rare) !== 0)
  const often = accumulators.filter(({ aggregate }) => (aggregate.where & rare) === 0)
  const lines = [...groupByFilter(often)].flatMap(([where, members], k) => takeOften(where, members, `m${k}`))
  if (seldom.length === 0) return lines
  const byBit = seldom.filter(isKeptByBit)
  const others = groupByFilter(seldom.filter((one) => !isKeptByBit(one)))
  lines.push(`  if ((t & ${seldom.reduce((bits, { aggregate }) => bits | aggregate.where, 0) & rare}) !== 0) {`)
  for (const [where, members] of others) lines.push(onlyWhere(where, members.map(updateStatement).join('; ')))
  lines.push(...takeByBit(byBit), '  }')
  return lines
}

function takeOften(where: number, members: readonly Accumulator[], mask: string): string[] {
  const isSum = ({ aggregate }: Accumulator) => aggregate.fold === 'count' || aggregate.fold === 'sum'
  const sums = members.filter(isSum)
  const distinct = members.filter(({ aggregate }) => aggregate.fold === 'distinct')
  const lines: string[] = []
  if (where === 0) lines.push(...sums.map((one) => `  ${updateStatement(one)}`))
  else if (sums.length > 0) {
    const bits = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (where >>> bit) & 1)
    lines.push(`  const ${mask} = ${bits.map((bit) => `(t >>> ${bit})`).join(' & ')} & 1`)
    for (const { name, aggregate, value } of sums)
      lines.push(`  ${name} += ${aggregate.fold === 'count' ? mask : `${value} * ${mask}`}`)
  }
  for (const { name, aggregate, value } of members.filter((one) => isExtreme(one.aggregate))) {
    const isBeyond = `${value} ${aggregate.fold === 'max' ? '>' : '<'} ${name}`
    lines.push(`  if (${isBeyond} && (t & ${where}) === ${where}) ${name} = ${value}`)
  }
  if (distinct.length > 0) lines.push(onlyWhere(where, distinct.map(updateStatement).join('; ')))
  return lines
}

/** Takes the row for each of the bits that it has, counting and adding up, whatever is asked of that bit. */
function takeByBit(byBit: readonly Accumulator[]): string[] {
  if (byBit.length === 0) return []
  const bits = byBit.reduce((all, { aggregate }) => all | aggregate.where, 0)
  const added = byBit.filter(({ aggregate }) => aggregate.fold === 'sum')
  const sums = new Map(added.map(({ aggregate, value }) => [aggregate.column, value]))
  return [
    `  for (let left = t & ${bits}; left !== 0; left &= left - 1) {`,
    '    const bit = 31 - Math.clz32(left & -left)',
    '    counts[bit]++',
    ...[...sums].map(([column, value]) => `    sums${column}[bit] += ${value}`),
    '  }',
  ]
}

export function onlyWhere(where: number, body: string): string {
  return where === 0 ? `  ${body}` : `  if ((t & ${where}) === ${where}) { ${body} }`
}

/** Statements that store an accumulator's present value as that of its windows of this length. */
export function storeValues({ name, aggregate, targets }: Accumulator, length: number): string[] {
  const value = isExtreme(aggregate) ? `Number.isFinite(${name}) ? ${name} : NaN` : name
  return targets.filter((one) => one.length === length).map(({ slot }) => `slots[${slot}] = ${value}`)
}

export function updateStatement({ name, aggregate, value }: Accumulator): string {
  switch (aggregate.fold) {
    case 'count':
      return `${name}++`
    case 'sum':
      return `${name} += ${value}`
    case 'max':
      return `if (${value} > ${name}) ${name} = ${value}`
    case 'min':
      return `if (${value} < ${name}) ${name} = ${value}`
    case 'distinct':
      return `${name} += ${name}Set.add(${value})`
  }
}
