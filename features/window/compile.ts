import {
  type Accumulator,
  arraysByBit,
  exactSums,
  groupAccumulators,
  groupByFilter,
  initialValue,
  isByBit,
  isExtreme,
  keepByBit,
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
  const overTime = keepByBit(groupAccumulators(targets.filter(isOverTime), 'a', layout), rare)
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
  for (const one of overTime.filter((any) => isByBit(any, rare))) lines.push(`${one.name} = 0`)
  for (const { name, aggregate } of accumulators.filter((one) => !isByBit(one, rare) || overRows.includes(one)))
    lines.push(`let ${name} = ${initialValue(aggregate)}`)
  for (const { counter } of lastRows) lines.push(`let ${counter} = 0`)
  for (const { name } of sets) lines.push(`${name}Set.reset(${layout.length})`)
  const { time, step } = layout
  const take = `  const t = ${layout.traits}`
  const next = [`  i -= ${step}`, '}']
  lines.push(`while (i >= first && ${time} > end) i -= ${step}`)
  const fill = lastRows.map(({ statement }) => statement)
  for (const { lengths, statements } of stagesOf(overTime, rare)) {
    const limits = lengths.map((length) => `end - ${length}`)
    const stores = lengths.map((length) => overTime.flatMap((one) => storeValues(one, length)))
    lines.push(`for (let w = 0; w < ${lengths.length}; w++) {`, `const limit = ${chosenBy('w', limits)}`)
    lines.push(`while (i >= first && ${time} > limit) {`, take, ...statements, ...fill, ...next)
    stores.forEach((values, w) => lines.push(`if (w === ${w}) {`, ...values, '}'))
    lines.push('}')
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
    ...arraysByBit(overTime, rare),
    ...Object.fromEntries(sets.map(({ name }) => [`${name}Set`, new DistinctSet()])),
  })
}

/** Windows one after the other whose rows are taken by the same statements share them: the text of a pass stays short. */
function stagesOf(overTime: readonly Accumulator[], rare: number): { lengths: number[]; statements: string[] }[] {
  const stages: { lengths: number[]; statements: string[] }[] = []
  for (const length of lengthsOf(overTime)) {
    const statements = takeStatements(
      overTime.filter((one) => one.length >= length),
      rare,
    )
    const last = stages.at(-1)
    if (last !== undefined && last.statements.join() === statements.join()) last.lengths.push(length)
    else stages.push({ lengths: [length], statements })
  }
  return stages
}

/** Expression that chooses among others by a number. */
function chosenBy(number: string, values: readonly string[]): string {
  return values.map((value, k) => (k === values.length - 1 ? value : `${number} === ${k} ? ${value} : `)).join('')
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
