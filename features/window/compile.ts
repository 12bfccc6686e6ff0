import type { Segment } from '../state/segments.ts'
import { MS_PER_DAY } from '../time.ts'
import type { WindowAggregate } from './aggregate.ts'
import { DistinctSet } from './distinct.ts'

/**
 * Computes aggregates of one borrower's rows of one stream for windows that end at `end`: `slots[slot]` per aggregate.
 * A maximum or minimum of no rows is NaN, every other fold of none is 0.
 */
export type WindowPass = (segment: Segment, end: number, slots: Float64Array) => void

type Accumulator = {
  readonly name: string
  readonly aggregate: WindowAggregate
  readonly lastWindow: number
}

/**
 * Compiles the aggregates of one stream into one backward pass over time-sorted rows. The text of the loop is made from
 * the catalogue, once, at start: windows are visited from the shortest to the longest and each row once, so that a row
 * inside the 7 days adds to all windows at once; an accumulator whose longest window has ended costs nothing more.
 *
 * @param slotOf slot of each aggregate, in the order given
 */
export function compileWindowPass(aggregates: readonly WindowAggregate[], slotOf: readonly number[]): WindowPass {
  if (aggregates.length === 0) return () => {}
  const windows = [...new Set(aggregates.map((one) => one.days))].sort((a, b) => a - b)
  const accumulators = groupAccumulators(aggregates, windows)
  const sets = accumulators.filter((one) => one.aggregate.fold === 'distinct')
  const columns = [
    ...new Set(accumulators.filter((one) => one.aggregate.fold !== 'count').map((one) => one.aggregate.column)),
  ]

  const lines: string[] = ['const chunk = segment.chunk']
  lines.push('if (chunk === null) {')
  aggregates.forEach((one, i) => lines.push(`  slots[${slotOf[i]}] = ${isExtreme(one) ? 'NaN' : '0'}`))
  lines.push('  return', '}', 'const times = chunk.f64[0]', 'const traits = chunk.u32[0]')
  for (const column of columns) lines.push(`const c${column} = chunk.f64[${column}]`)
  lines.push('const first = segment.start', 'let i = first + segment.length - 1')
  for (const { name, aggregate } of accumulators) lines.push(`let ${name} = ${initialValue(aggregate)}`)
  for (const { name } of sets) lines.push(`${name}Set.reset(segment.length)`)
  lines.push('while (i >= first && times[i] > end) i--')
  windows.forEach((days, w) => {
    lines.push(`const limit${w} = end - ${days * MS_PER_DAY}`)
    lines.push(`while (i >= first && times[i] > limit${w}) {`, '  const t = traits[i]')
    for (const [where, members] of groupByFilter(accumulators.filter((one) => one.lastWindow >= w))) {
      const body = members.map(updateStatement).join('; ')
      lines.push(where === 0 ? `  ${body}` : `  if ((t & ${where}) === ${where}) { ${body} }`)
    }
    lines.push('  i--', '}')
    aggregates.forEach((one, k) => {
      if (one.days !== days) return
      const { name } = accumulators.find((accumulator) => isSameAccumulator(accumulator.aggregate, one)) as Accumulator
      lines.push(`slots[${slotOf[k]}] = ${isExtreme(one) ? `Number.isFinite(${name}) ? ${name} : NaN` : name}`)
    })
  })
  const makePass = new Function(
    ...sets.map(({ name }) => `${name}Set`),
    `return function windowPass(segment, end, slots) {\n${lines.join('\n')}\n}`,
  )
  return makePass(...sets.map(() => new DistinctSet())) as WindowPass
}

function groupAccumulators(aggregates: readonly WindowAggregate[], windows: readonly number[]): Accumulator[] {
  const accumulators: Accumulator[] = []
  for (const aggregate of aggregates) {
    const lastWindow = windows.indexOf(aggregate.days)
    const known = accumulators.findIndex((one) => isSameAccumulator(one.aggregate, aggregate))
    if (known < 0)
      accumulators.push({
        name: `a${accumulators.length}`,
        aggregate,
        lastWindow,
      })
    else {
      const one = accumulators[known] as Accumulator
      if (lastWindow > one.lastWindow) accumulators[known] = { ...one, lastWindow }
    }
  }
  return accumulators
}

function isSameAccumulator(a: WindowAggregate, b: WindowAggregate): boolean {
  return a.where === b.where && a.fold === b.fold && (a.fold === 'count' || a.column === b.column)
}

function groupByFilter(accumulators: readonly Accumulator[]): Map<number, Accumulator[]> {
  const groups = new Map<number, Accumulator[]>()
  for (const one of accumulators) {
    const group = groups.get(one.aggregate.where)
    if (group === undefined) groups.set(one.aggregate.where, [one])
    else group.push(one)
  }
  return groups
}

function isExtreme(aggregate: WindowAggregate): boolean {
  return aggregate.fold === 'max' || aggregate.fold === 'min'
}

function initialValue(aggregate: WindowAggregate): string {
  return aggregate.fold === 'max' ? '-Infinity' : aggregate.fold === 'min' ? 'Infinity' : '0'
}

function updateStatement({ name, aggregate }: Accumulator): string {
  const value = `c${aggregate.column}[i]`
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
