import {
  type Accumulator,
  exactSums,
  groupAccumulators,
  lengthOf,
  SEGMENT_LAYOUT,
  type Target,
} from './accumulators.ts'
import type { WindowAggregate } from './aggregate.ts'
import { compileWindowPass } from './compile.ts'
import { type AddKept, compileFolds, type Folds, levelsOf } from './folds.ts'
import type { RowFollower, Segment } from './segment.ts'

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

/**
 * What is kept for one segment. Whoever changes its rows says so; a row's number counts from the segment's first row, as it
 * stands after the change.
 */
export class RowBlocks implements RowFollower {
  readonly #folds: Folds
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

  constructor(folds: Folds) {
    this.#folds = folds
    this.blocks = new Float64Array(folds.width * GROUP_BLOCKS)
    this.groups = new Float64Array(folds.width)
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
    const at = (block - this.firstBlock) * this.#folds.width
    const from = block * BLOCK_ROWS + shift
    this.#folds.begin(this.blocks, at)
    this.#folds.addRows(rows, from, from + BLOCK_ROWS, this.blocks, at)
  }

  #foldGroup(group: number): void {
    const { width } = this.#folds
    const at = (group - this.firstGroup) * width
    const from = (group * GROUP_BLOCKS - this.firstBlock) * width
    this.#folds.begin(this.groups, at)
    this.#folds.addKept(this.blocks, from, from + GROUP_BLOCKS * width, this.groups, at)
  }

  /** Room up to block `end`; places of blocks before `first` are given up when half of all are such. */
  #makeRoom(first: number, end: number): void {
    const { width } = this.#folds
    if ((end - this.firstBlock) * width <= this.blocks.length) return
    const unused = (first >>> GROUP_SHIFT) - this.firstGroup
    const used = end - this.firstBlock - unused * GROUP_BLOCKS
    const isHalfUnused = used * 2 * width <= this.blocks.length
    const move = (values: Float64Array, from: number) => {
      const target = isHalfUnused ? values : new Float64Array(values.length * 2)
      target.set(values.subarray(from))
      return target
    }
    this.blocks = move(this.blocks, unused * GROUP_BLOCKS * width)
    this.groups = move(this.groups, unused * width)
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
 *
 * @param rare as for `compileWindowPass`
 */
export function compileBlockPass(
  aggregates: readonly WindowAggregate[],
  slotOf: readonly number[],
  rare = 0,
): BlockPass {
  const targets = aggregates.map((aggregate, k) => ({ aggregate, slot: slotOf[k]!, length: lengthOf(aggregate) }))
  const isKept = ({ aggregate }: Target) => 'days' in aggregate && aggregate.fold !== 'distinct'
  const kept = groupAccumulators(targets.filter(isKept), 'a', SEGMENT_LAYOUT)
  const others = targets.filter((target) => !isKept(target))
  const runOthers = compileWindowPass(
    others.map(({ aggregate }) => aggregate),
    others.map(({ slot }) => slot),
  )
  const folds = compileFolds(kept, rare)
  const walk = createWalk(kept, folds)
  return {
    createBlocks: () => new RowBlocks(folds),
    run(rows, blocks, end, slots) {
      blocks.refresh(rows)
      walk(rows, blocks, end, slots)
      runOthers(rows, end, slots)
    },
  }
}

type Walk = (rows: Segment, blocks: RowBlocks, end: number, slots: Float64Array) => void

/** The backward pass from the shortest window to the longest, which takes whole blocks and groups where a window holds them. */
function createWalk(accumulators: readonly Accumulator[], folds: Folds): Walk {
  const levels = levelsOf(accumulators, folds)
  const sums = accumulators.flatMap((one) => one.targets).filter(({ aggregate }) => aggregate.fold === 'sum')
  const sumExactly = exactSums<Segment>(sums, SEGMENT_LAYOUT)
  const values = new Float64Array(folds.width)
  return (rows, kept, end, slots) => {
    folds.begin(values, 0)
    const times = rows.chunk?.f64[0] ?? NO_TIMES
    let until = firstAfter(times, rows.start, rows.start + rows.length, end)
    let isExact = true
    for (const { length, addKept, store } of levels) {
      const from = firstAfter(times, rows.start, until, end - length)
      addRange(folds, rows, kept, from, until, values, addKept)
      until = from
      if (!store(values, slots)) isExact = false
    }
    if (!isExact) sumExactly(rows, end, slots)
  }
}

const NO_TIMES = new Float64Array(0)

/** Adds the rows `from … until`: single ones up to the first whole block, blocks up to the first whole group, and so back. */
function addRange(
  folds: Folds,
  rows: Segment,
  kept: RowBlocks,
  from: number,
  until: number,
  values: Float64Array,
  addKept: AddKept,
): void {
  const { width } = folds
  const { blocks, groups, firstBlock, firstGroup } = kept
  const shift = kept.dropped - rows.start
  const block = Math.ceil((from + shift) / BLOCK_ROWS)
  const blockEnd = Math.floor((until + shift) / BLOCK_ROWS)
  if (block >= blockEnd) {
    folds.addRows(rows, from, until, values, 0)
    return
  }
  folds.addRows(rows, from, block * BLOCK_ROWS - shift, values, 0)
  folds.addRows(rows, blockEnd * BLOCK_ROWS - shift, until, values, 0)
  const addBlocks = (first: number, end: number) =>
    addKept(blocks, (first - firstBlock) * width, (end - firstBlock) * width, values, 0)
  const group = Math.ceil(block / GROUP_BLOCKS)
  const groupEnd = Math.floor(blockEnd / GROUP_BLOCKS)
  if (group >= groupEnd) {
    addBlocks(block, blockEnd)
    return
  }
  addBlocks(block, group * GROUP_BLOCKS)
  addBlocks(groupEnd * GROUP_BLOCKS, blockEnd)
  addKept(groups, (group - firstGroup) * width, (groupEnd - firstGroup) * width, values, 0)
}

/** Index of the first of the ascending `times[from … end)` that lies after `time`; `end` where none does. */
function firstAfter(times: Float64Array, from: number, end: number, time: number): number {
  let low = from
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle]! > time) high = middle
    else low = middle + 1
  }
  return low
}
