import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { FeedRow } from '../../../api/rows.ts'
import { bearer, createTestApp, OPERATOR_TOKEN } from '../support.ts'

type Page = { warnings: FeedRow[]; next: string; more: boolean }

function reader(test: ReturnType<typeof createTestApp>, key = 'bank') {
  return async (query: string) => {
    const response = await test.app.inject({ url: `/v1/warnings${query}`, headers: bearer(key) })
    expect(response.statusCode).toBe(200)
    return response.json<Page>()
  }
}

describe('GET /v1/warnings', () => {
  it('pages through the feed from the first row and goes on from its cursor when rows come', async () => {
    const test = createTestApp()
    const read = reader(test)
    for (let i = 0; i < 250; i++) test.feed.append('bank', i % 3)
    const first = await read('')
    expect([first.warnings.length, first.more]).toEqual([100, true])
    const second = await read(`?after=${first.next}&limit=1000`)
    expect([second.warnings.length, second.more]).toEqual([150, false])
    const empty = await read(`?after=${second.next}`)
    expect(empty).toEqual({ warnings: [], next: second.next, more: false })
    const added = test.feed.append('bank', 1)
    expect((await read(`?after=${empty.next}`)).warnings).toEqual([added])
  })

  it('gives exactly the rows, signals parsed', async () => {
    const test = createTestApp()
    const row = test.feed.append('bank', 0, { score: 0.5, model: 'dpd30_90@1' })
    expect((await reader(test)('')).warnings).toEqual([row])
  })

  it('filters by severity, type, borrower and since, parameters repeated or with commas', async () => {
    const test = createTestApp({ partitions: 1 })
    const read = reader(test)
    const at = (day: number) => `2024-01-0${day}T00:00:00.000Z`
    test.feed.append('bank', 0, { severity: 'red', borrower: 'b1', time: at(1) })
    test.feed.append('bank', 0, { severity: 'orange', borrower: 'b2', time: at(2), type: 'escalated' })
    test.feed.append('bank', 0, { severity: 'yellow', borrower: 'b1', time: at(3), type: 'cleared' })
    const seqs = async (query: string) => (await read(query)).warnings.map((row) => row.feed_seq)
    expect(await seqs('?severity=red&severity=orange')).toEqual([1, 2])
    expect(await seqs('?severity=red,orange')).toEqual([1, 2])
    expect(await seqs('?type=cleared')).toEqual([3])
    expect(await seqs('?borrower=b1&type=opened,cleared')).toEqual([1, 3])
    expect(await seqs(`?since=${at(2)}`)).toEqual([2, 3])
    // 08:00 in Shanghai is midnight in UTC; the plus of a zone is often sent as it is.
    expect(await seqs('?since=2024-01-02T08:00:00+08:00')).toEqual([2, 3])
    expect(await seqs(`?since=${Date.parse(at(3))}`)).toEqual([3])
    expect(await seqs('?severity=blue')).toEqual([])
  })

  it('moves the cursor over rows that a filter leaves out', async () => {
    const test = createTestApp()
    const read = reader(test)
    for (let i = 0; i < 30; i++) test.feed.append('bank', i % 3)
    const page = await read('?severity=red')
    expect(page).toMatchObject({ warnings: [], more: false })
    test.feed.append('bank', 0, { severity: 'red' })
    expect((await read(`?severity=red&after=${page.next}`)).warnings).toHaveLength(1)
    expect((await read(`?after=${page.next}`)).warnings).toHaveLength(1)
  })

  it('lets the operator read any tenant, the default one unless it names one', async () => {
    const test = createTestApp()
    const read = reader(test, OPERATOR_TOKEN)
    const [of_bank, of_default] = [test.feed.append('bank', 0), test.feed.append('default', 0)]
    expect((await read('?tenant=bank')).warnings).toEqual([of_bank])
    expect((await read('')).warnings).toEqual([of_default])
  })
})

describe('a long poll', () => {
  it('answers at once when there are rows', async () => {
    const test = createTestApp()
    const row = test.feed.append('bank', 0)
    expect((await reader(test)('?wait=30')).warnings).toEqual([row])
  })

  it('answers when the first row comes', async () => {
    const test = createTestApp()
    const page = reader(test)('?wait=30')
    await untilWaiting(test)
    const row = test.feed.append('bank', 2)
    expect((await page).warnings).toEqual([row])
  })

  it('is not ended by rows that its filter leaves out, nor by another tenant’s', async () => {
    const test = createTestApp()
    const page = reader(test)('?wait=30&severity=red')
    await untilWaiting(test)
    test.feed.append('bank', 1)
    test.feed.append('lender', 1, { severity: 'red' })
    await setTimeout(20)
    const row = test.feed.append('bank', 1, { severity: 'red' })
    expect((await page).warnings).toEqual([row])
  })

  it('ends empty after its seconds, with a cursor that works', async () => {
    const test = createTestApp()
    const start = performance.now()
    const page = await reader(test)('?wait=1')
    expect(page).toMatchObject({ warnings: [], more: false })
    expect(performance.now() - start).toBeGreaterThan(900)
    expect(await reader(test)(`?after=${page.next}`)).toEqual(page)
  })

  it('ends when the process stops', async () => {
    const test = createTestApp()
    const page = reader(test)('?wait=30')
    await untilWaiting(test)
    await test.app.close()
    expect(await page).toMatchObject({ warnings: [], more: false })
  })
})

/** Until the poll has read the feed, and so waits. */
async function untilWaiting(test: ReturnType<typeof createTestApp>): Promise<void> {
  while (test.feed.reads === 0) await setTimeout(1)
}
