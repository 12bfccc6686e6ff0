import { describe, expect, it } from 'vitest'
import { encodeCursor } from '../../../api/feed/cursor.ts'
import { readPage } from '../../../api/feed/page.ts'
import { decodeFeedCursor, encodeFeedCursor } from '../../../pipelines/cli/feed-cursor.ts'
import { FeedPrinter } from '../../../pipelines/cli/feed-printer.ts'
import type { FeedReader } from '../../../pipelines/cli/feed-reader.ts'
import { createMemoryFeed, type MemoryFeed } from '../../api/support.ts'

const PARTITIONS = 3

/** A feed in memory with rows of two tenants, whose times alternate. */
function memoryFeed(rows: number): MemoryFeed {
  const feed = createMemoryFeed(PARTITIONS)
  for (let i = 0; i < rows; i++) {
    const time = new Date(Date.UTC(2024, 0, 1) + i * 1000).toISOString()
    feed.append(i % 2 === 0 ? 'default' : 'bank', i % PARTITIONS, { time })
  }
  return feed
}

/** Reads pages of at most `pageRows`; fails after so many pages. */
function readerOf(feed: MemoryFeed, tenants: readonly string[], pageRows: number, pages = Infinity): FeedReader {
  let left = pages
  return {
    tenants: async () => [...tenants],
    page: async (tenant, after, limit) => {
      if (left-- <= 0) throw new Error('gone')
      return readPage(feed, tenant, after, {}, Math.min(limit, pageRows))
    },
  }
}

function printer(options: { after?: string; limit?: number; tenant?: string }) {
  const lines: string[] = []
  const made = new FeedPrinter({
    partitions: PARTITIONS,
    tenant: options.tenant,
    tenantDefault: 'default',
    after: options.after,
    limit: options.limit ?? Infinity,
    write: async (text) => {
      lines.push(...text.split('\n').slice(0, -1))
    },
  })
  return { printer: made, times: () => lines.map((line) => (JSON.parse(line) as { time: string }).time) }
}

const timesOf = (feed: MemoryFeed) => [...feed.rows('default'), ...feed.rows('bank')].map((row) => row.time).sort()

describe('the printed feed', () => {
  it('merges tenants by time, whatever the page size', async () => {
    const feed = memoryFeed(50)
    for (const pageRows of [1, 3, 1000]) {
      const { printer: one, times } = printer({})
      await one.drain(readerOf(feed, ['bank', 'default'], pageRows))
      expect(times()).toEqual(timesOf(feed))
    }
  })

  it('goes on with another reader after one that failed at any page, without gap or repeat', async () => {
    const feed = memoryFeed(20)
    for (let pages = 0; pages < 12; pages++) {
      const { printer: one, times } = printer({})
      await one.drain(readerOf(feed, ['bank', 'default'], 2, pages)).catch(() => {})
      await one.drain(readerOf(feed, ['bank', 'default'], 2))
      expect(times()).toEqual(timesOf(feed))
    }
  })

  it('can be cut anywhere and continued from the cursor', async () => {
    const feed = memoryFeed(12)
    const reader = readerOf(feed, ['bank', 'default'], 1000)
    for (let limit = 0; limit <= 12; limit++) {
      const first = printer({ limit })
      await first.printer.drain(reader)
      const rest = printer({ after: first.printer.cursor })
      await rest.printer.drain(reader)
      expect(first.times()).toHaveLength(limit)
      expect([...first.times(), ...rest.times()]).toEqual(timesOf(feed))
    }
  })

  it('takes in a tenant that had no row at first', async () => {
    const feed = memoryFeed(4)
    const { printer: one, times } = printer({})
    await one.drain(readerOf(feed, ['default'], 1000))
    expect(times()).toHaveLength(2)
    await one.drain(readerOf(feed, ['bank', 'default'], 1000))
    expect(times().toSorted()).toEqual(timesOf(feed))
  })

  it('stops when told to', async () => {
    const { printer: one, times } = printer({})
    await one.drain(readerOf(memoryFeed(4), ['default'], 1), AbortSignal.abort())
    expect(times()).toEqual([])
  })
})

describe('the cursor of several feeds', () => {
  const tenants = ['bank', 'default']

  it('is the cursor of the API where one tenant has been read', () => {
    expect(encodeFeedCursor(new Map([['default', [1, 0, 2]]]))).toBe(encodeCursor('default', [1, 0, 2]))
    const two = new Map([
      ['bank', [0, 0, 0]],
      ['default', [1, 0, 2]],
    ])
    expect(encodeFeedCursor(two)).toBe(encodeCursor('default', [1, 0, 2]))
  })

  it('keeps every tenant’s place', () => {
    const positions = new Map([
      ['default', [1, 0, 2]],
      ['bank', [300, 0, 0]],
    ])
    expect(decodeFeedCursor(encodeFeedCursor(positions), tenants, PARTITIONS)).toEqual({ ok: true, positions })
  })

  it('tells the beginning too', () => {
    const beginning = new Map([['default', [0, 0, 0]]])
    expect(decodeFeedCursor(encodeFeedCursor(beginning), tenants, PARTITIONS)).toEqual({
      ok: true,
      positions: beginning,
    })
  })

  it.each([
    ['nothing', ''],
    ['nonsense', 'x'],
    ['another tenant', encodeCursor('other', [1, 0, 0])],
    ['another number of partitions', encodeCursor('bank', [1, 0])],
    ['a tenant twice', `${encodeCursor('bank', [1, 0, 0])}.${encodeCursor('bank', [2, 0, 0])}`],
    ['a loose end', `${encodeCursor('bank', [1, 0, 0])}.`],
  ])('is refused: %s', (_, cursor) => {
    expect(decodeFeedCursor(cursor, tenants, PARTITIONS).ok).toBe(false)
  })
})
