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
  SEGMENT_LAYOUT,
  storeValues,
  sumIsInexact,
  type Target,
  updateStatement,
} from './accumulators.ts'
import type { WindowAggregate } from './aggregate.ts'
import { compileWindowPass } from './compile.ts'
import { generateFunction } from './generate.ts'
import type { Segment } from './segment.ts'

/**
 * The window pass for segments of thousands of rows. Rows stand in blocks of 32 and blocks in groups of 16, both by a row's
 * number since the segment began; what each accumulator folds over a block or a group is kept, so that a pass adds whole
 * ones and walks single rows only at the ends of its windows. Folds of whole numbers are exact in any order.
 */

const BLOCK_SHIFT = 5
const BLOCK_ROWS = 1 << BLOCK_SHIFT
const GROUP_SHIFT = 4
const GROUP_BLOCKS = 1 << GROUP_SHIFT
/** Changes that are remembered between two passes. */
const STALE_MAX = 1024
const GROUP_ROWS = BLOCK_ROWS * GROUP_BLOCKS

/** Folds the rows from `from` on, a block of them, or the blocks from place `from` on, to `out[at …]`. */
type FoldRows = (rows: Segment, from: number, out: Float64Array, at: number) => void
type FoldBlocks = (blocks: Float64Array, from: number, out: Float64Array, at: number) => void

/**
 * What is kept for one segment. Whoever changes its rows says so; a row's number counts from the segment's first row, as it
 * stands after the change.
 */
export class RowBlocks {
  readonly #width: number
  readonly #foldRows: FoldRows
  readonly #foldBlocks: FoldBlocks
  /** Number of the segment's first row since it began: rows before it were dropped. */
  dropped = 0
  /** Block and group whose values stand first. */
  firstBlock = 0
  firstGroup = 0
  blocks: Float64Array
  groups: Float64Array
  /** Blocks and groups before these are folded, but for the stale ones. */
  #blocksDone = 0
  #groupsDone = 0
  readonly #stale: number[] = []

  constructor(width: number, foldRows: FoldRows, foldBlocks: FoldBlocks) {
    this.#width = width
    this.#foldRows = foldRows
    this.#foldBlocks = foldBlocks
    this.blocks = new Float64Array(width * GROUP_BLOCKS)
    this.groups = new Float64Array(width)
  }

  /** A row came between others. One behind all others need not be told. */
  inserted(row: number): void {
    const block = (this.dropped + row) >>> BLOCK_SHIFT
    this.#blocksDone = Math.min(this.#blocksDone, block)
    this.#groupsDone = Math.min(this.#groupsDone, block >>> GROUP_SHIFT)
  }

  /** A row's traits or values were changed. */
  changed(row: number): void {
    if (this.#stale.length === STALE_MAX) this.#foldAnew()
    this.#stale.push((this.dropped + row) >>> BLOCK_SHIFT)
  }

  /** The first rows were dropped. */
  droppedRows(rows: number): void {
    this.dropped += rows
  }

  /** So much was changed since the last pass that a list of it is no use. */
  #foldAnew(): void {
    this.#stale.length = 0
    this.#blocksDone = 0
    this.#groupsDone = 0
  }

  /** Folds what is new or was changed. */
  refresh(rows: Segment): void {
    const shift = rows.start - this.dropped
    const firstWhole = Math.ceil(this.dropped / BLOCK_ROWS)
    const blocks = (this.dropped + rows.length) >>> BLOCK_SHIFT
    this.#makeRoom(firstWhole, blocks)
    for (const block of this.#stale) {
      if (block < firstWhole || block >= this.#blocksDone) continue
      this.#foldBlock(rows, block, shift)
      const group = block >>> GROUP_SHIFT
      if (group < this.#groupsDone && group * GROUP_BLOCKS >= firstWhole) this.#foldGroup(group)
    }
    this.#stale.length = 0
    for (let block = Math.max(this.#blocksDone, firstWhole); block < blocks; block++)
      this.#foldBlock(rows, block, shift)
    this.#blocksDone = blocks
    const groups = blocks >>> GROUP_SHIFT
    for (let group = Math.max(this.#groupsDone, Math.ceil(firstWhole / GROUP_BLOCKS)); group < groups; group++)
      this.#foldGroup(group)
    this.#groupsDone = groups
  }

  #foldBlock(rows: Segment, block: number, shift: number): void {
    const at = (block - this.firstBlock) * this.#width
    this.#foldRows(rows, block * BLOCK_ROWS + shift, this.blocks, at)
  }

  #foldGroup(group: number): void {
    const from = (group * GROUP_BLOCKS - this.firstBlock) * this.#width
    this.#foldBlocks(this.blocks, from, this.groups, (group - this.firstGroup) * this.#width)
  }

  /** Room up to block `end`; places of blocks before `first` are given up when half of all are such. */
  #makeRoom(first: number, end: number): void {
    if ((end - this.firstBlock) * this.#width <= this.blocks.length) return
    const unused = (first >>> GROUP_SHIFT) - this.firstGroup
    const used = end - this.firstBlock - unused * GROUP_BLOCKS
    const isHalfUnused = used * 2 * this.#width <= this.blocks.length
    const move = (values: Float64Array, from: number) => {
      const target = isHalfUnused ? values : new Float64Array(values.length * 2)
      target.set(values.subarray(from))
      return target
    }
    this.blocks = move(this.blocks, unused * GROUP_BLOCKS * this.#width)
    this.groups = move(this.groups, unused * this.#width)
    this.firstGroup += unused
    this.firstBlock += unused * GROUP_BLOCKS
    this.#makeRoom(first, end)
  }
}

export type BlockPass = {
  /** What a segment of this pass needs beside its rows. */
  createBlocks(): RowBlocks
  /** As `WindowPass`, bit for bit. */
  run(rows: Segment, blocks: RowBlocks, end: number, slots: Float64Array): void
}

/**
 * Compiles the same aggregates as `compileWindowPass` for long segments. Row windows and distinct values, which no block can
 * tell, are left to the plain pass.
 */
export function compileBlockPass(aggregates: readonly WindowAggregate[], slotOf: readonly number[]): BlockPass {
  const targets = aggregates.map((aggregate, k) => ({ aggregate, slot: slotOf[k]!, length: lengthOf(aggregate) }))
  const isKept = ({ aggregate }: Target) => 'days' in aggregate && aggregate.fold !== 'distinct'
  const kept = groupAccumulators(targets.filter(isKept), 'a', SEGMENT_LAYOUT)
  const others = targets.filter((target) => !isKept(target))
  const runOthers = compileWindowPass(
    others.map(({ aggregate }) => aggregate),
    others.map(({ slot }) => slot),
  )
  const foldRows = compileFoldRows(kept)
  const foldBlocks = compileFoldBlocks(kept)
  const walk = compileWalk(kept)
  return {
    createBlocks: () => new RowBlocks(kept.length, foldRows, foldBlocks),
    run(rows, blocks, end, slots) {
      blocks.refresh(rows)
      walk(rows, blocks, end, slots)
      runOthers(rows, end, slots)
    },
  }
}

function prepareLines(accumulators: readonly Accumulator[]): string[] {
  const read = accumulators
    .filter(({ aggregate }) => aggregate.fold !== 'count')
    .map(({ aggregate }) => aggregate.column)
  return SEGMENT_LAYOUT.prepare([...new Set(read)])
}

function startLines(accumulators: readonly Accumulator[]): string[] {
  return accumulators.map(({ name, aggregate }) => `let ${name} = ${initialValue(aggregate)}`)
}

/** Takes row `i` for these accumulators. */
function rowLines(accumulators: readonly Accumulator[]): string[] {
  const groups = [...groupByFilter(accumulators)]
  const updates = groups.map(([where, members]) => onlyWhere(where, members.map(updateStatement).join('; ')))
  return [`  const t = ${SEGMENT_LAYOUT.traits}`, ...updates]
}

/** Takes what is kept from `source[p]` on; accumulator k of all stands k places further. */
function keptLines(all: readonly Accumulator[], active: readonly Accumulator[], source: string): string[] {
  return active.map((one) => {
    const value = `${source}[p + ${all.indexOf(one)}]`
    const { name, aggregate } = one
    if (!isExtreme(aggregate)) return `  ${name} += ${value}`
    return `  if (${value} ${aggregate.fold === 'max' ? '>' : '<'} ${name}) ${name} = ${value}`
  })
}

function outLines(accumulators: readonly Accumulator[]): string[] {
  return accumulators.map(({ name }, k) => `out[at + ${k}] = ${name}`)
}

function compileFoldRows(accumulators: readonly Accumulator[]): FoldRows {
  const lines = [...prepareLines(accumulators), ...startLines(accumulators)]
  lines.push(`for (let i = from; i < from + ${BLOCK_ROWS}; i++) {`, ...rowLines(accumulators), '}')
  lines.push(...outLines(accumulators))
  return generateFunction<FoldRows>('foldRows(rows, from, out, at)', lines)
}

function compileFoldBlocks(accumulators: readonly Accumulator[]): FoldBlocks {
  const width = accumulators.length
  const lines = startLines(accumulators)
  lines.push(`for (let p = from; p < from + ${width * GROUP_BLOCKS}; p += ${width}) {`)
  lines.push(...keptLines(accumulators, accumulators, 'blocks'), '}', ...outLines(accumulators))
  return generateFunction<FoldBlocks>('foldBlocks(blocks, from, out, at)', lines)
}

type Walk = (rows: Segment, blocks: RowBlocks, end: number, slots: Float64Array) => void

/** The backward pass, which takes a whole block or group where it stands at the end of one that its window holds. */
function compileWalk(accumulators: readonly Accumulator[]): Walk {
  if (accumulators.length === 0) return () => {}
  const { isEmpty, first, last, time } = SEGMENT_LAYOUT
  const width = accumulators.length
  const targets = accumulators.flatMap((one) => one.targets)
  const sums = targets.filter(({ aggregate }) => aggregate.fold === 'sum')
  const lines = [`if (${isEmpty}) {`]
  for (const { aggregate, slot } of targets) lines.push(`  slots[${slot}] = ${isExtreme(aggregate) ? 'NaN' : '0'}`)
  lines.push('  return', '}', ...prepareLines(accumulators), ...startLines(accumulators))
  lines.push('const { blocks, groups, firstBlock, firstGroup, dropped } = kept')
  lines.push(`const first = ${first}`, `let i = ${last}`, 'const shift = dropped - first')
  lines.push(`while (i >= first && ${time} > end) i--`)
  const isWhole = (rows: number) => `i - ${rows - 1} >= first && times[i - ${rows - 1}] > limit`
  for (const length of lengthsOf(accumulators)) {
    const active = accumulators.filter((one) => one.length >= length)
    lines.push('{', `const limit = end - ${length}`, `while (i >= first && ${time} > limit) {`)
    lines.push(`  const next = i + shift + 1`, `  if ((next & ${BLOCK_ROWS - 1}) === 0 && ${isWhole(BLOCK_ROWS)}) {`)
    lines.push(`  if ((next & ${GROUP_ROWS - 1}) === 0 && ${isWhole(GROUP_ROWS)}) {`)
    lines.push(`  const p = (next / ${GROUP_ROWS} - 1 - firstGroup) * ${width}`)
    lines.push(...keptLines(accumulators, active, 'groups'), `  i -= ${GROUP_ROWS}`, '  continue', '  }')
    lines.push(`  const p = (next / ${BLOCK_ROWS} - 1 - firstBlock) * ${width}`)
    lines.push(...keptLines(accumulators, active, 'blocks'), `  i -= ${BLOCK_ROWS}`, '  continue', '  }')
    lines.push(...rowLines(active), '  i--', '}', '}')
    for (const one of accumulators) lines.push(...storeValues(one, length))
  }
  if (sums.length > 0) lines.push(`if (${sumIsInexact(accumulators)}) sumExactly(rows, end, slots)`)
  return generateFunction<Walk>('walk(rows, kept, end, slots)', lines, { sumExactly: exactSums(sums, SEGMENT_LAYOUT) })
}
