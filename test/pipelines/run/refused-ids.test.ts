import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Pipeline } from '../../../pipelines/run/pipeline.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { disbursement, noon, type RawEvent, repayment, toIncoming, transaction } from './events.ts'
import { openAt } from './open.ts'

/** What the engine refused does not count as received, so that the same id may come again. */

const folder = temporaryFolder()
const shape = { partitions: 2, slices: 2 }

let clockEvents = 0
const reach = (time: number): RawEvent[] => [1, 2].map(() => transaction(`clock-${clockEvents++}`, time, 'clock'))
const dollars = (id: string, time: number) => transaction(id, time, 'b', { currency: 'USD' })

const LINES: readonly RawEvent[] = [
  ...reach(noon(0)),
  dollars('mended', noon(0)),
  // The same once more on the same day: its source repeats itself.
  dollars('mended', noon(0)),
  transaction('mended', noon(0), 'b'),
  transaction('mended', noon(0), 'b'),
  dollars('mended', noon(0)),
  repayment('orphan', noon(0), 'b', 'l'),
  // It waits for its loan, and counts as received.
  repayment('orphan', noon(0), 'b', 'l'),
  ...reach(noon(1)),
  repayment('orphan', noon(0), 'b', 'l'),
  dollars('again', noon(1)),
  ...reach(noon(7)),
  // Seven days have closed: it was given up.
  disbursement('loan', noon(7), 'b', 'l'),
  dollars('again', noon(1)),
  repayment('orphan', noon(0), 'b', 'l'),
  repayment('orphan', noon(0), 'b', 'l'),
]
const EXPECTED =
  'accepted accepted accepted repeat accepted repeat conflict accepted repeat accepted accepted repeat ' +
  'accepted accepted accepted accepted accepted accepted repeat'

/** Takes the lines in batches and tells what became of each, and what the log holds. */
async function run(name: string, batch: number, restartAfter?: number): Promise<{ outcomes: string[]; log: unknown }> {
  const open = () => openAt(join(folder, name), { shape, withoutModel: true })
  let pipeline: Pipeline = await open()
  const outcomes: string[] = []
  for (let from = 0; from < LINES.length; from += batch) {
    const items = toIncoming(LINES.slice(from, from + batch), { tenant: 't', partition: 'file:x', position: from + 1 })
    outcomes.push(...(await pipeline.take(items, undefined)).map((result) => result.reason ?? result.status))
    if (restartAfter !== undefined && from >= restartAfter && from < restartAfter + batch) {
      await pipeline.close()
      pipeline = await open()
    }
  }
  await pipeline.drain()
  const sql = pipeline.database.session()
  const log = await sql.query(
    'SELECT partition, offset, type, id, source_position FROM events ORDER BY partition, offset',
  )
  await sql.close()
  await pipeline.close()
  return { outcomes, log }
}

describe('an id whose event the engine refused', () => {
  it('may come again, with the same content on another day or with other content, whatever the batches', async () => {
    const whole = await run('whole', LINES.length)
    expect(whole.outcomes.join(' ')).toBe(EXPECTED)
    expect(await run('one-by-one', 1)).toEqual(whole)
    expect(await run('threes', 3)).toEqual(whole)
  })

  it('may do so after a restart too', async () => {
    const whole = await run('undisturbed', 4)
    for (const restartAfter of [4, 12, 16]) expect(await run(`after-${restartAfter}`, 4, restartAfter)).toEqual(whole)
  })

  it('may do so live at once, and what was refused long ago too', async () => {
    const pipeline = await openAt(join(folder, 'live'), { shape, withoutModel: true })
    const now = Date.now()
    const send = async (event: RawEvent, position: number, at = now) => {
      const [result] = await pipeline.take(toIncoming([event], { tenant: 't', partition: 'http', position }), at)
      await pipeline.drain()
      return result?.reason ?? result?.status
    }
    expect(await send(dollars('one', now), 0)).toBe('accepted')
    expect(await send(dollars('one', now), 1)).toBe('accepted')
    expect(await send(transaction('one', now, 'b'), 2)).toBe('accepted')
    expect(await send(transaction('one', now, 'b'), 3)).toBe('repeat')
    // Its time is so far back that it is looked up in the table.
    expect(await send(dollars('old', now - 60 * 86_400_000), 4)).toBe('accepted')
    expect(await send(transaction('old', now - 60 * 86_400_000, 'b'), 5)).toBe('accepted')
    expect(await send(transaction('old', now - 60 * 86_400_000, 'b'), 6)).toBe('repeat')
    expect(await send(dollars('old', now - 60 * 86_400_000), 7)).toBe('conflict')
    await pipeline.close()
  })
})
