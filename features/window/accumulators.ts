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
  isEmpty: 'rows.chunk === null',
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
 * Statements that take a row for some accumulators, filter by filter. Filters that ask for one of the `rare` bits stand
 * behind a single test: most rows have none of them.
 */
export function takeStatements(accumulators: readonly Accumulator[], rare: number): string[] {
  const groups = [...groupByFilter(accumulators)].map(([where, members]) => ({
    where,
    text: onlyWhere(where, members.map(updateStatement).join('; ')),
  }))
  const seldom = groups.filter(({ where }) => (where & rare) !== 0)
  const often = groups.filter(({ where }) => (where & rare) === 0)
  const nested = seldom.length < 2 ? seldom : [{ text: `  if ((t & ${rare}) !== 0) {` }, ...seldom, { text: '  }' }]
  return [...often, ...nested].map(({ text }) => text)
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
