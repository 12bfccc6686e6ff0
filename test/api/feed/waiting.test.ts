import { describe, expect, it } from 'vitest'
import { createWaiting, WATCHES_PER_TENANT_MAX } from '../../../api/feed/waiting.ts'
import { createMemoryFeed } from '../support.ts'

const LONG_MS = 60_000

describe('a watch', () => {
  it('wakes by a row of its tenant, not by another’s', async () => {
    const feed = createMemoryFeed(1)
    const waiting = createWaiting(feed)
    const watch = waiting.watch('bank')!
    feed.append('lender', 0)
    expect(await watch.next(5)).toBe('timeout')
    const next = watch.next(LONG_MS)
    feed.append('bank', 0)
    expect(await next).toBe('rows')
  })

  it('does not miss a row that came between reading and waiting', async () => {
    const feed = createMemoryFeed(1)
    const watch = createWaiting(feed).watch('bank')!
    watch.reset()
    feed.append('bank', 0)
    expect(await watch.next(LONG_MS)).toBe('rows')
    watch.reset()
    expect(await watch.next(1)).toBe('timeout')
  })

  it('ends when its reader goes or the process stops, and leaves nothing behind', async () => {
    const feed = createMemoryFeed(1)
    const waiting = createWaiting(feed)
    const [first, second] = [waiting.watch('bank')!, waiting.watch('lender')!]
    const next = first.next(LONG_MS)
    first.end()
    first.end()
    expect(await next).toBe('ended')
    expect(waiting.open()).toBe(1)
    const other = second.next(LONG_MS)
    waiting.stop()
    expect(await other).toBe('ended')
    expect(waiting.open()).toBe(0)
    expect(feed.listeners()).toBe(0)
    expect(await waiting.watch('bank')!.next(LONG_MS)).toBe('ended')
  })

  it('is one of a bounded number per tenant', () => {
    const waiting = createWaiting(createMemoryFeed(1))
    const watches = Array.from({ length: WATCHES_PER_TENANT_MAX }, () => waiting.watch('bank'))
    expect(waiting.watch('bank')).toBeUndefined()
    expect(waiting.watch('lender')).toBeDefined()
    watches[0]!.end()
    expect(waiting.watch('bank')).toBeDefined()
  })
})
