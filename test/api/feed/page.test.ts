import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Filter, passes, readPage } from '../../../api/feed/page.ts'
import type { FeedRow } from '../../../api/rows.ts'
import { createMemoryFeed, feedRowOf, type MemoryFeed } from '../support.ts'

const SEVERITIES = ['blue', 'yellow', 'orange', 'red'] as const
const TYPES = ['opened', 'escalated', 'cleared'] as const
const at = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString()

const row = fc.record({
  partition: fc.nat(2),
  row: fc.record({
    severity: fc.constantFrom(...SEVERITIES),
    type: fc.constantFrom(...TYPES),
    borrower: fc.constantFrom('b1', 'b2', 'b3'),
    time: fc.nat(30).map(at),
  }),
})
const filter: fc.Arbitrary<Filter> = fc.record(
  {
    severity: fc.uniqueArray(fc.constantFrom(...SEVERITIES), { minLength: 1 }),
    type: fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1 }),
    borrower: fc.constantFrom('b1', 'b2'),
    since: fc.nat(30).map(at),
  },
  { requiredKeys: [] },
)
/** What happens next: rows arrive, or a page of some size and scan bound is read. */
const step = fc.oneof(
  fc.record({ rows: fc.array(row, { maxLength: 12 }) }),
  fc.record({ limit: fc.integer({ min: 1, max: 7 }), scan: fc.integer({ min: 1, max: 9 }) }),
)

async function readAll(feed: MemoryFeed, wanted: Filter, from: readonly number[], limit: number, scan?: number) {
  const rows: FeedRow[] = []
  let positions = from
  for (;;) {
    const page = await readPage(feed, 'bank', positions, wanted, limit, scan)
    expect(page.rows.length).toBeLessThanOrEqual(limit)
    rows.push(...page.rows)
    positions = page.positions
    if (!page.more) return { rows, positions }
  }
}

describe('pages', () => {
  it('have no gap and no duplicate while the feed grows, whatever the page sizes, filters and scan bounds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), filter, async (steps, wanted) => {
        const feed = createMemoryFeed(3)
        const read: FeedRow[] = []
        let positions: readonly number[] = [0, 0, 0]
        for (const one of steps) {
          if ('rows' in one) for (const { partition, row } of one.rows) feed.append('bank', partition, row)
          else {
            const page = await readPage(feed, 'bank', positions, wanted, one.limit, one.scan)
            read.push(...page.rows)
            expect(page.positions.every((position, i) => position >= positions[i]!)).toBe(true)
            positions = page.positions
          }
        }
        read.push(...(await readAll(feed, wanted, positions, 5, 4)).rows)

        const expected = feed.rows('bank').filter((one) => passes(one, wanted))
        for (let partition = 0; partition < 3; partition++) {
          const own = (rows: readonly FeedRow[]) => rows.filter((one) => one.partition === partition)
          expect(own(read)).toEqual(own(expected))
        }
        expect(new Set(read.map((one) => one.id)).size).toBe(read.length)
      }),
    )
  })

  it('of a feed at rest give the same rows in the same order whatever the page size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), async (rows, limit) => {
        const feed = createMemoryFeed(3)
        for (const { partition, row } of rows) feed.append('bank', partition, row)
        const small = await readAll(feed, {}, [0, 0, 0], limit)
        const large = await readAll(feed, {}, [0, 0, 0], 1_000)
        expect(small.rows).toEqual(large.rows)
        expect(small.positions).toEqual(large.positions)
      }),
    )
  })

  it('are ordered by time, then partition, where partitions are in time order', async () => {
    const feed = createMemoryFeed(3)
    for (const [partition, second] of [
      [2, 1],
      [0, 2],
      [1, 1],
      [1, 3],
      [0, 3],
    ] as const) {
      feed.append('bank', partition, { time: at(second) })
    }
    const { rows } = await readPage(feed, 'bank', [0, 0, 0], {}, 10)
    expect(rows.map((one) => [one.time, one.partition])).toEqual([
      [at(1), 1],
      [at(1), 2],
      [at(2), 0],
      [at(3), 0],
      [at(3), 1],
    ])
  })

  it('stop at a hole and go on from it when it is filled', async () => {
    const feed = createMemoryFeed(2)
    feed.append('bank', 0)
    const release = feed.hold(feed.append('bank', 0))
    feed.append('bank', 0)
    feed.append('bank', 1)
    const before = await readPage(feed, 'bank', [0, 0], {}, 10)
    expect(before).toMatchObject({ positions: [1, 1], more: false })
    release()
    const after = await readPage(feed, 'bank', before.positions, {}, 10)
    expect(after.rows.map((one) => one.feed_seq)).toEqual([2, 3])
  })

  it('tell that there is more exactly when there is, without a filter', async () => {
    const feed = createMemoryFeed(2)
    for (let i = 0; i < 6; i++) feed.append('bank', i % 2)
    expect((await readPage(feed, 'bank', [0, 0], {}, 5)).more).toBe(true)
    expect((await readPage(feed, 'bank', [0, 0], {}, 6)).more).toBe(false)
    expect(feed.reads).toBe(2)
  })

  it('look at a bounded number of rows: the page may be empty, the cursor has moved', async () => {
    const feed = createMemoryFeed(1)
    for (let i = 0; i < 50; i++) feed.append('bank', 0)
    feed.append('bank', 0, { severity: 'red' })
    const page = await readPage(feed, 'bank', [0], { severity: ['red'] }, 10, 20)
    expect(page).toMatchObject({ rows: [], positions: [20], more: true })
    expect((await readAll(feed, { severity: ['red'] }, [0], 10, 20)).rows).toHaveLength(1)
  })

  it('fail rather than pass on another tenant’s row, a hole or a repeat', async () => {
    const wrong: FeedRow[][] = [
      [feedRowOf({ tenant: 'lender' })],
      [feedRowOf({ feed_seq: 2 })],
      [feedRowOf({ feed_seq: 1 }), feedRowOf({ feed_seq: 1 })],
      [feedRowOf({ partition: 1 })],
    ]
    for (const run of wrong) {
      const feed = { ...createMemoryFeed(1), read: async () => [run] }
      await expect(readPage(feed, 'bank', [0], {}, 10)).rejects.toThrow(/expected 1|expected 2/)
    }
  })
})
