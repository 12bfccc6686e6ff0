import { describe, expect, it } from 'vitest'
import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { type BorrowerEvent, FeaturePartition } from '../../features/partition.ts'
import { TRANSACTION_RETENTION_DAYS } from '../../features/streams/transactions.ts'
import { MS_PER_DAY, MS_PER_HOUR } from '../../features/time.ts'
import { decoded } from '../pipelines/engine/one-borrower.ts'
import { noon, transaction } from '../pipelines/run/events.ts'
import { COLUMNS } from './engine-run.ts'

const EVENTS = 1_000_000
/** So that a million fill the 114 years from 1972 to 2086, which the contract allows. */
const GAP_MS = MS_PER_HOUR
/** Rows within the days for which they are kept, and those of a page and of one insert that may stand over. */
const LIVE_ROWS = (TRANSACTION_RETENTION_DAYS * MS_PER_DAY) / GAP_MS
const ROWS_OVER_MAX = 16
const BYTES_MAX = 2_000_000
const NEIGHBOURS = 100

const FIRST = noon(-19_000)
const template = decoded(transaction('t', noon(0), 'heavy'))

/** Decoded once and dated anew: the test is about state, not about reading a million lines. */
function at(subject: string, time: number, amount_minor: number): BorrowerEvent {
  return { ...template, subject, time, data: { ...template.data, amount_minor } } as BorrowerEvent
}

const evaluate = compileCatalogue(CATALOGUE)
function valuesOf(partition: FeaturePartition, subject: string): Float64Array {
  const borrower = partition.tenantOf('default').byToken.get(subject)
  if (borrower === undefined) throw new Error(`no ${subject}`)
  const values = new Float64Array(COLUMNS.length)
  evaluate(borrower, values, 0)
  return values
}
const valueOf = (values: Float64Array, name: string) => values[COLUMNS.indexOf(name)]

describe('a borrower with a million events', () => {
  it('keeps what its windows reach alone, and its neighbours do not notice', { timeout: 120_000 }, () => {
    const partition = new FeaturePartition(1, 1)
    const alone = new FeaturePartition(1, 1)
    let rowsMax = 0
    let bytesEarly = 0
    for (let i = 0; i < EVENTS; i++) {
      const time = FIRST + i * GAP_MS
      partition.apply(at('heavy', time, 1 + (i % 1000)), i)
      if (i % (EVENTS / NEIGHBOURS) === 0) {
        for (const one of [partition, alone]) one.apply(at(`n-${i % 7}`, time, i + 1), i)
      }
      if (i === EVENTS / 10) bytesEarly = partition.transactions.runs.bytes
      rowsMax = Math.max(rowsMax, partition.transactions.count(0))
    }
    expect(rowsMax).toBeGreaterThanOrEqual(LIVE_ROWS)
    expect(rowsMax).toBeLessThanOrEqual(LIVE_ROWS + ROWS_OVER_MAX)
    expect(partition.transactions.runs.bytes).toBe(bytesEarly)
    expect(bytesEarly).toBeLessThan(BYTES_MAX)
    const values = valuesOf(partition, 'heavy')
    expect(valueOf(values, 'inflow_count_180d')).toBe((180 * MS_PER_DAY) / GAP_MS)
    for (const token of alone.tenantOf('default').byToken.keys()) {
      expect(valuesOf(partition, token)).toEqual(valuesOf(alone, token))
    }
  })

  it('has 20,000 live ones counted and summed exactly', () => {
    const live = 20_000
    const gap = Math.floor((170 * MS_PER_DAY) / live)
    const partition = new FeaturePartition(1, 1)
    partition.apply(at('heavy', noon(-400), 1), 0)
    partition.apply(at('light', noon(-400), 1), 1)
    let sum = 0n
    for (let i = 0; i < live; i++) {
      const amount = 1 + ((i * 7919) % 100_003)
      sum += BigInt(amount)
      partition.apply(at('heavy', noon(0) + i * gap, amount), 2 * i + 2)
      if (i % 100 === 0) partition.apply(at('light', noon(0) + i * gap, 5), 2 * i + 3)
    }
    const heavy = valuesOf(partition, 'heavy')
    expect([valueOf(heavy, 'inflow_count_180d'), valueOf(heavy, 'inflow_sum_180d')]).toEqual([live, Number(sum)])
    expect(valueOf(heavy, 'inflow_count_30d')).toBe(Math.ceil((30 * MS_PER_DAY) / gap))
    const light = valuesOf(partition, 'light')
    expect([valueOf(light, 'inflow_count_180d'), valueOf(light, 'inflow_sum_180d')]).toEqual([live / 100, live / 20])
    // The one that had expired may stand in a page of its own.
    expect(partition.transactions.count(0)).toBeLessThanOrEqual(live + ROWS_OVER_MAX)
  })
})
