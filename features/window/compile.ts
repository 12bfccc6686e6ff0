import type { Segment } from '../state/segments.ts'
import { MS_PER_DAY } from '../time.ts'
import type { WindowAggregate } from './aggregate.ts'
import { DistinctSet } from './distinct.ts'

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
type Target = { readonly aggregate: WindowAggregate; readonly slot: number; readonly length: number }

/** A local variable that folds the rows of one filter, for all windows of its kind. */
type Accumulator = {
  readonly name: string
  readonly aggregate: WindowAggregate
  /** Expression of a row's value. */
  readonly value: string
  readonly targets: readonly Target[]
  /** Of its longest window. */
  readonly length: number
}

/**
 * Compiles the aggregates of one stream into one backward pass over time-sorted rows. The text of the loop is made from
 * the catalogue, once, at start: windows are visited from the shortest to the longest and each row once, so that a row
 * inside the 7 days adds to all windows at once; an accumulator whose longest window has ended costs nothing more. Row
 * windows fill on the way, and after the longest time window the pass goes on only while one of them wants more.
 *
 * @param slotOf slot of each aggregate, in the order given
 */
export function compileWindowPass<Rows = Segment>(
  aggregates: readonly WindowAggregate[],
  slotOf: readonly number[],
  layout: RowLayout = SEGMENT_LAYOUT,
): WindowPass<Rows> {
  if (aggregates.length === 0) return () => {}
  const targets = aggregates.map((aggregate, k) => ({ aggregate, slot: slotOf[k]!, length: lengthOf(aggregate) }))
  const isOverTime = ({ aggregate }: Target) => 'days' in aggregate
  const overTime = groupAccumulators(targets.filter(isOverTime), 'a', layout)
  const overRows = groupAccumulators(
    targets.filter((target) => !isOverTime(target)),
    'r',
    layout,
  )
  const accumulators = [...overTime, ...overRows]
  const sets = accumulators.filter((one) => one.aggregate.fold === 'distinct')
  const read = accumulators.filter((one) => one.aggregate.fold !== 'count').map((one) => one.aggregate.column)
  const lastRows = [...groupByFilter(overRows)].map(([where, members], g) => fillLastRows(`n${g}`, where, members))

  const lines: string[] = [`if (${layout.isEmpty}) {`]
  for (const { aggregate, slot } of targets) lines.push(`  slots[${slot}] = ${isExtreme(aggregate) ? 'NaN' : '0'}`)
  lines.push('  return', '}', ...layout.prepare([...new Set(read)]))
  lines.push(`const first = ${layout.first}`, `let i = ${layout.last}`)
  for (const { name, aggregate } of accumulators) lines.push(`let ${name} = ${initialValue(aggregate)}`)
  for (const { counter } of lastRows) lines.push(`let ${counter} = 0`)
  for (const { name } of sets) lines.push(`${name}Set.reset(${layout.length})`)
  const { time, step } = layout
  const take = `  const t = ${layout.traits}`
  const next = [`  i -= ${step}`, '}']
  lines.push(`while (i >= first && ${time} > end) i -= ${step}`)
  const fill = lastRows.map(({ statement }) => statement)
  for (const length of lengthsOf(overTime)) {
    lines.push(`while (i >= first && ${time} > end - ${length}) {`, take)
    for (const [where, members] of groupByFilter(overTime.filter((one) => one.length >= length)))
      lines.push(onlyWhere(where, members.map(updateStatement).join('; ')))
    lines.push(...fill, ...next)
    for (const one of overTime) lines.push(...storeValues(one, length))
  }
  const sums = targets.filter(({ aggregate }) => aggregate.fold === 'sum' && 'days' in aggregate)
  const longest = overTime.filter(({ aggregate }) => aggregate.fold === 'sum').map(({ name }) => `Math.abs(${name})`)
  if (longest.length > 0) {
    const isInexact = longest.map((sum) => `${sum} > ${Number.MAX_SAFE_INTEGER}`).join(' || ')
    lines.push(`if (${isInexact}) sumExactly(rows, end, slots)`)
  }
  if (lastRows.length > 0) {
    const isUnfilled = lastRows.map(({ unfilled }) => unfilled).join(' || ')
    lines.push(`while (i >= first && (${isUnfilled})) {`, take, ...fill, ...next)
    for (const { rest } of lastRows) lines.push(...rest)
  }
  const makePass = new Function(
    'sumExactly',
    ...sets.map(({ name }) => `${name}Set`),
    `return function windowPass(rows, end, slots) {\n${lines.join('\n')}\n}`,
  )
  return makePass(exactSums<Rows>(sums, layout), ...sets.map(() => new DistinctSet())) as WindowPass<Rows>
}

/** Sums that a double cannot hold exactly, as the double nearest to each: slow, and needed by nobody but the largest. */
function exactSums<Rows>(targets: readonly Target[], layout: RowLayout): WindowPass<Rows> {
  const columns = new Set(targets.map(({ aggregate }) => aggregate.column))
  const lines = [...layout.prepare([...columns]), `const first = ${layout.first}`]
  for (const { aggregate, slot, length } of targets) {
    const { where, column } = aggregate
    lines.push('{', 'let sum = 0n', `for (let i = ${layout.last}; i >= first; i -= ${layout.step}) {`)
    lines.push(`  if (${layout.time} > end || ${layout.time} <= end - ${length}) continue`)
    lines.push(`  if ((${layout.traits} & ${where}) === ${where}) sum += BigInt(${layout.value(column)})`)
    lines.push('}', `slots[${slot}] = Number(sum)`, '}')
  }
  return new Function(`return function sumExactly(rows, end, slots) {\n${lines.join('\n')}\n}`)() as WindowPass<Rows>
}

/**
 * Text that takes a row for the row windows of one filter: their values are stored as the rows counted reach a window's
 * length, and `rest` stores those whose length was never reached.
 */
function fillLastRows(counter: string, where: number, members: readonly Accumulator[]) {
  const lengths = lengthsOf(members)
  const longest = lengths.at(-1)!
  const stores = lengths.map((length) => ({
    length,
    values: members.flatMap((one) => storeValues(one, length)).join('; '),
  }))
  const reached = stores.map(({ length, values }) => `if (${counter} === ${length}) { ${values} }`).join(' ')
  const update = members.map(updateStatement).join('; ')
  return {
    counter,
    unfilled: `${counter} < ${longest}`,
    statement: `  if (${counter} < ${longest}) {\n  ${onlyWhere(where, `${update}; ${counter}++; ${reached}`)}\n  }`,
    rest: stores.map(({ length, values }) => `if (${counter} < ${length}) { ${values} }`),
  }
}

function lengthOf(aggregate: WindowAggregate): number {
  const length = 'days' in aggregate ? Math.round(aggregate.days * MS_PER_DAY) : aggregate.rows
  if (!(length >= 1)) throw new RangeError(`a window must hold a millisecond or a row: ${JSON.stringify(aggregate)}`)
  return length
}

/** From the shortest to the longest. */
function lengthsOf(accumulators: readonly Accumulator[]): number[] {
  const lengths = new Set(accumulators.flatMap(({ targets }) => targets.map(({ length }) => length)))
  return [...lengths].sort((a, b) => a - b)
}

function groupAccumulators(targets: readonly Target[], prefix: string, layout: RowLayout): Accumulator[] {
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

function groupByFilter(accumulators: readonly Accumulator[]): Map<number, Accumulator[]> {
  return Map.groupBy(accumulators, (one) => one.aggregate.where)
}

function isExtreme(aggregate: WindowAggregate): boolean {
  return aggregate.fold === 'max' || aggregate.fold === 'min'
}

function initialValue(aggregate: WindowAggregate): string {
  return aggregate.fold === 'max' ? '-Infinity' : aggregate.fold === 'min' ? 'Infinity' : '0'
}

function onlyWhere(where: number, body: string): string {
  return where === 0 ? `  ${body}` : `  if ((t & ${where}) === ${where}) { ${body} }`
}

/** Statements that store an accumulator's present value as that of its windows of this length. */
function storeValues({ name, aggregate, targets }: Accumulator, length: number): string[] {
  const value = isExtreme(aggregate) ? `Number.isFinite(${name}) ? ${name} : NaN` : name
  return targets.filter((one) => one.length === length).map(({ slot }) => `slots[${slot}] = ${value}`)
}

function updateStatement({ name, aggregate, value }: Accumulator): string {
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
