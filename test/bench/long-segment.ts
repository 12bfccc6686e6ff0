import { CATALOGUE } from '../../features/catalogue/index.ts'
import { TRAIT, TRANSACTION_F64 } from '../../features/streams/transactions.ts'
import { MS_PER_DAY } from '../../features/time.ts'
import { aggregateKey, type WindowAggregate } from '../../features/window/aggregate.ts'
import { compileBlockPass } from '../../features/window/blocks.ts'
import { compileWindowPass } from '../../features/window/compile.ts'
import type { Segment } from '../../features/window/segment.ts'

export type LongSegmentSpeed = {
  readonly rows: number
  readonly aggregates: number
  /** Microseconds an event, the row's own insertion left out. */
  readonly block_us: number
  readonly plain_us: number
}

const EVENTS = 4000
const PLAIN_EVENTS = 1000
const WARM_UP_EVENTS = 20_000
const SPAN_DAYS = 179
/** How many rows back the bit is taken away that the new row carries now. */
const MOVED_BACK_MAX = 2000

/**
 * The window pass alone for a borrower of so many live transactions: each event adds a row and takes the bit of its party's
 * latest row from an earlier one, as the stream does, then all windows of the catalogue are computed.
 */
export function measureLongSegment(live: number): LongSegmentSpeed {
  const aggregates = transactionAggregates()
  const slotOf = aggregates.map((_, k) => k)
  const plain = compileWindowPass(aggregates, slotOf)
  const pass = compileBlockPass(aggregates, slotOf)
  const blocks = pass.createBlocks()
  const slots = new Float64Array(aggregates.length)
  const { rows, traits, append } = createSegment(live)
  let end = 0
  for (let k = 0; k < live; k++) end = append()
  pass.run(rows, blocks, end, slots)
  const take = () => {
    end = append()
    rows.start++
    rows.length--
    blocks.droppedRows(1)
    const moved = rows.length - 2 - ((Math.imul(rows.start, 40_503) >>> 0) % MOVED_BACK_MAX)
    const at = rows.start + moved
    traits[at] = traits[at]! & ~TRAIT.LAST_OUT
    blocks.changed(moved)
    pass.run(rows, blocks, end, slots)
  }
  // The generated pass is large, so the compiler takes its time with it.
  timePerEvent(WARM_UP_EVENTS, take)
  const block_us = timePerEvent(EVENTS, take)
  const takePlainly = () => plain(rows, end, slots)
  timePerEvent(PLAIN_EVENTS, takePlainly)
  const plain_us = timePerEvent(PLAIN_EVENTS, takePlainly)
  return { rows: rows.length, aggregates: aggregates.length, block_us, plain_us }
}

/** What the catalogue asks of transactions, each once; distinct parties as the count of marked rows that they are. */
function transactionAggregates(): WindowAggregate[] {
  const byKey = new Map<string, WindowAggregate>()
  for (const { inputs } of CATALOGUE) {
    for (const input of inputs) {
      if (!('stream' in input) || input.stream !== 'transactions') continue
      const where = input.where | (input.fold === 'distinct' ? TRAIT.LAST_OUT : 0)
      const one: WindowAggregate = { ...input, where, fold: input.fold === 'distinct' ? 'count' : input.fold }
      byKey.set(aggregateKey(one), one)
    }
  }
  return [...byKey.values()]
}

/** Empty columns with room for the live rows and the events, and what adds the next row and gives its time. */
function createSegment(live: number) {
  const capacity = live + WARM_UP_EVENTS + EVENTS
  const f64 = Array.from({ length: 4 }, () => new Float64Array(capacity))
  const traits = new Uint32Array(capacity)
  const rows: Segment = { chunk: { f64, u32: [traits] }, start: 0, length: 0, capacity }
  const step_ms = (SPAN_DAYS * MS_PER_DAY) / live
  const append = () => {
    const at = rows.start + rows.length++
    const bits = Math.imul(at + 1, 2_654_435_761) >>> 0
    const time = Math.floor(at * step_ms)
    f64[TRANSACTION_F64.TIME]![at] = time
    f64[TRANSACTION_F64.AMOUNT]![at] = bits % 1_000_000
    f64[TRANSACTION_F64.BALANCE]![at] = (bits % 5_000_000) - 100_000
    // One of the two directions; of the other bits each of eight is set now and then.
    traits[at] = (bits & 1 ? TRAIT.IN : TRAIT.OUT | TRAIT.LAST_OUT) | TRAIT.PARTY | TRAIT.BALANCE | (bits & 0xff8)
    return time
  }
  return { rows, traits, append }
}

function timePerEvent(events: number, take: () => void): number {
  const before = process.cpuUsage()
  for (let k = 0; k < events; k++) take()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / events
}
