import {
  type Accumulator,
  exactSums,
  groupAccumulators,
  groupByFilter,
  initialValue,
  isExtreme,
  lengthOf,
  lengthsOf,
  onlyWhere,
  type RowLayout,
  SEGMENT_LAYOUT,
  storeValues,
  sumIsInexact,
  type Target,
  takeStatements,
  updateStatement,
  type WindowPass,
} from './accumulators.ts'
import type { WindowAggregate } from './aggregate.ts'
import { DistinctSet } from './distinct.ts'
import { generateFunction } from './generate.ts'
import type { Segment } from './segment.ts'

/**
 * Compiles the aggregates of one stream into one backward pass over time-sorted rows. The text of the loop is made from
 * the catalogue, once, at start: windows are visited from the shortest to the longest and each row once, so that a row
 * inside the 7 days adds to all windows at once; an accumulator whose longest window has ended costs nothing more. Row
 * windows fill on the way, and after the longest time window the pass goes on only while one of them wants more.
 *
 * @param slotOf slot of each aggregate, in the order given
 * @param rare trait bits that few rows have: what asks for one of them is tried only for rows that have any
 */
export function compileWindowPass<Rows = Segment>(
  aggregates: readonly WindowAggregate[],
  slotOf: readonly number[],
  layout: RowLayout = SEGMENT_LAYOUT,
  rare = 0,
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
    const active = overTime.filter((one) => one.length >= length)
    lines.push(...takeStatements(active, rare), ...fill, ...next)
    for (const one of overTime) lines.push(...storeValues(one, length))
  }
  const sums = targets.filter(({ aggregate }) => aggregate.fold === 'sum' && 'days' in aggregate)
  if (sums.length > 0) lines.push(`if (${sumIsInexact(overTime)}) sumExactly(rows, end, slots)`)
  if (lastRows.length > 0) {
    const isUnfilled = lastRows.map(({ unfilled }) => unfilled).join(' || ')
    lines.push(`while (i >= first && (${isUnfilled})) {`, take, ...fill, ...next)
    for (const { rest } of lastRows) lines.push(...rest)
  }
  return generateFunction<WindowPass<Rows>>('windowPass(rows, end, slots)', lines, {
    sumExactly: exactSums<Rows>(sums, layout),
    ...Object.fromEntries(sets.map(({ name }) => [`${name}Set`, new DistinctSet()])),
  })
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
