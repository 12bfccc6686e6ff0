import { type Accumulator, isExtreme, lengthsOf, SEGMENT_LAYOUT, takeStatements } from './accumulators.ts'
import { generateFunction } from './generate.ts'
import type { Segment } from './segment.ts'

/** How values of accumulators, which stand one behind the other, take rows and each other. */

/** Adds what is kept from `source[from]` up to `source[end]`, each as wide as all accumulators, to `out[at …]`. */
export type AddKept = (source: Float64Array, from: number, end: number, out: Float64Array, at: number) => void

export type Folds = {
  /** Places of one accumulator each, sums and counts first, then maxima, then minima; of each the longest windows first. */
  readonly order: readonly Accumulator[]
  readonly width: number
  /** Sets `out[at …]` to what no row at all comes to. */
  begin(out: Float64Array, at: number): void
  /** Adds rows `from … end` to `out[at …]`. */
  addRows(rows: Segment, from: number, end: number, out: Float64Array, at: number): void
  addKept: AddKept
}

const KINDS = [(one: Accumulator) => !isExtreme(one.aggregate), isMaximum, isMinimum]

function isMaximum({ aggregate }: Accumulator): boolean {
  return aggregate.fold === 'max'
}

function isMinimum({ aggregate }: Accumulator): boolean {
  return aggregate.fold === 'min'
}

export function compileFolds(accumulators: readonly Accumulator[], rare: number): Folds {
  const order = KINDS.flatMap((isOfKind) => accumulators.filter(isOfKind).toSorted((a, b) => b.length - a.length))
  const width = order.length
  const maximaAt = order.filter((one) => !isExtreme(one.aggregate)).length
  const minimaAt = maximaAt + order.filter(isMaximum).length
  return {
    order,
    width,
    begin(out, at) {
      out.fill(0, at, at + maximaAt)
      out.fill(Number.NEGATIVE_INFINITY, at + maximaAt, at + minimaAt)
      out.fill(Number.POSITIVE_INFINITY, at + minimaAt, at + width)
    },
    addRows: compileAddRows(order, rare),
    addKept: compileAddKept(order, 0),
  }
}

/** For the accumulators that have a window of at least this length. */
function compileAddKept(order: readonly Accumulator[], length: number): AddKept {
  const active = order.map(({ name, aggregate, length: longest }, k) => ({ name, aggregate, longest, k }))
  const taking = active.filter(({ longest }) => longest >= length)
  const lines = taking.map(({ name, k }) => `let ${name} = out[at + ${k}]`)
  lines.push(`for (let p = from; p < end; p += ${order.length}) {`)
  for (const { name, aggregate, k } of taking) {
    const value = `source[p + ${k}]`
    lines.push(
      `  ${name} = ${isExtreme(aggregate) ? `Math.${aggregate.fold}(${name}, ${value})` : `${name} + ${value}`}`,
    )
  }
  lines.push('}', ...taking.map(({ name, k }) => `out[at + ${k}] = ${name}`))
  return generateFunction<AddKept>('addKept(source, from, end, out, at)', lines)
}

function compileAddRows(order: readonly Accumulator[], rare: number): Folds['addRows'] {
  if (order.length === 0) return () => {}
  const columns = order.filter(({ aggregate }) => aggregate.fold !== 'count').map(({ aggregate }) => aggregate.column)
  const lines = SEGMENT_LAYOUT.prepare([...new Set(columns)])
  order.forEach(({ name }, k) => lines.push(`let ${name} = out[at + ${k}]`))
  lines.push('for (let i = from; i < end; i++) {', `  const t = ${SEGMENT_LAYOUT.traits}`)
  lines.push(...takeStatements(order, rare), '}')
  order.forEach(({ name }, k) => lines.push(`out[at + ${k}] = ${name}`))
  return generateFunction<Folds['addRows']>('addRows(rows, from, end, out, at)', lines)
}

/** The windows of one length. */
export type Level = {
  readonly length: number
  /** For the accumulators that have a window of this length or a longer one. */
  readonly addKept: AddKept
  /** Stores the values of its windows; false where a sum is more than a double holds exactly. */
  store(values: Float64Array, slots: Float64Array): boolean
}

/** From the shortest to the longest. */
export function levelsOf(accumulators: readonly Accumulator[], { order }: Folds): Level[] {
  return lengthsOf(accumulators).map((length) => {
    const stores = order.flatMap(({ aggregate, targets }, place) =>
      targets.filter((one) => one.length === length).map(({ slot }) => ({ place, slot, isOpen: isExtreme(aggregate) })),
    )
    return {
      length,
      addKept: compileAddKept(order, length),
      store(values, slots) {
        let isExact = true
        for (const { place, slot, isOpen } of stores) {
          const value = values[place]!
          if (!isOpen && Math.abs(value) > Number.MAX_SAFE_INTEGER) isExact = false
          slots[slot] = isOpen && !Number.isFinite(value) ? Number.NaN : value
        }
        return isExact
      },
    }
  })
}
