import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENT_BYTES_MAX } from '../../../features/events/decode.ts'
import { openFile, openSources } from '../../../pipelines/sources/open.ts'
import { createTimeIndex } from '../../../pipelines/sources/time-index.ts'
import { createMemoryRegistry, drainAndClose, eventLine, PACKINGS, pack, temporaryFolder, textOf } from './helpers.ts'

const folder = temporaryFolder()
const spools = join(folder, 'spools')
mkdirSync(spools)

async function openSorted(content: string | Buffer, name = 'events.ndjson', resumeAfter = 0) {
  const path = join(folder, name)
  writeFileSync(path, content)
  const options = { sort: true, temporaryDirectory: spools, resumeAfter: () => resumeAfter }
  const outcome = await openFile(path, createMemoryRegistry(), options)
  if (!outcome.ok) throw new Error(outcome.detail)
  return outcome.source
}

/** A line and the minute it has, if any. */
const line = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 20 }).map((minute) => ({ minute, text: eventLine('e', minute) })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('not json', '{"time":"never"}', '[]', '').map((text) => ({ minute: undefined, text })),
  },
)

function sortNaively(lines: readonly { minute: number | undefined; text: string }[]) {
  let minute = -1
  return lines
    .map(({ minute: own, text }, i) => {
      minute = text === '' ? minute : (own ?? minute)
      return { minute, line: i + 1, text }
    })
    .filter(({ text }) => text !== '')
    .toSorted((a, b) => a.minute - b.minute || a.line - b.line)
}

describe('a sorted file', () => {
  test('is given by time, then line; what has no time stays with the line before it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 60 }),
        fc.constantFrom(...PACKINGS),
        fc.integer({ min: 0, max: 70 }),
        fc.integer({ min: 1, max: 20 }),
        async (lines, packing, resumeAfter, batch) => {
          const content = Buffer.from(lines.map(({ text }) => `${text}\r\n`).join(''))
          const source = await openSorted(pack[packing](content), `sorted.${packing}`, resumeAfter)
          const { items, last } = await drainAndClose(source, batch)
          expect(last).toEqual({ kind: 'end' })
          const expected = sortNaively(lines).map(({ line, text }, i) => ({ position: i + 1, line, text }))
          expect(items.map((item) => ({ position: item.position, line: item.line, text: textOf(item) }))).toEqual(
            expected.slice(resumeAfter),
          )
        },
      ),
      { numRuns: 60 },
    )
    expect(readdirSync(spools)).toEqual([])
  })

  test('of many lines in no order is read back as it was', async () => {
    const minutes = Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 20_000)
    const texts = minutes.map((minute, i) => eventLine(`e${i}`, minute, 'x'.repeat(i % 100)))
    const source = await openSorted(texts.join('\n'))
    const { items } = await drainAndClose(source, 4096)
    const expected = texts.map((text, i) => ({ text, minute: minutes[i]! })).toSorted((a, b) => a.minute - b.minute)
    expect(items.map(textOf)).toEqual(expected.map(({ text }) => text))
    expect(items.filter((item) => item.unterminated).map((item) => item.line)).toEqual([20_000])
    expect(source.consumedBytes()).toBe(source.size_bytes)
  })

  test('keeps the beginning, length and hash of lines that are too long', async () => {
    const long = eventLine('long', 3, 'x'.repeat(EVENT_BYTES_MAX))
    const { items } = await drainAndClose(await openSorted([eventLine('b', 2), long, eventLine('a', 1)].join('\n')))
    expect(items.map((item) => item.line)).toEqual([3, 1, 2])
    expect(items[2]).toMatchObject({ oversized: { bytes: long.length } })
    expect(textOf(items[2]!)).toBe(long.slice(0, 4096))
  })

  test('is known by all of its content', async () => {
    const partition = async (content: string | Buffer, name?: string) => {
      const source = await openSorted(content, name)
      expect(source.progressEntry()).toBeUndefined()
      await source.close()
      return source.source_partition
    }
    const first = await partition('a\nb\n')
    expect(first).toMatch(/^sorted:[0-9a-f]{32}$/)
    expect(await partition(pack.zst(Buffer.from('a\nb\n')), 'other.zst')).toBe(first)
    expect(await partition('a\nb\nc\n')).not.toBe(first)
    const path = join(folder, 'twice')
    writeFileSync(path, 'a\n')
    const twice = await openSources([path, path], createMemoryRegistry(), { sort: true })
    if (!twice.ok) throw new Error(twice.detail)
    expect([twice.sources.length, twice.contained]).toEqual([1, [path]])
    await twice.sources[0]!.close()
  })

  test('that is cut gives what could be decoded, in order, then fails', async () => {
    const content = [eventLine('b', 2), eventLine('a', 1), 'x'.repeat(10)].join('\n')
    const stored = pack.gz(Buffer.from(content))
    const { items, last } = await drainAndClose(await openSorted(stored.subarray(0, -2), 'cut.gz'))
    // The last line has no time, so it stays with the second.
    expect(items.map((item) => item.line)).toEqual([2, 3, 1])
    expect(last).toMatchObject({ kind: 'failed', reason: 'truncated' })
  })

  test('that changes while it is sorted fails', async () => {
    const source = await openSorted(`${eventLine('a', 1)}\n${eventLine('b', 2)}\n`, 'changing')
    writeFileSync(join(folder, 'changing'), 'short')
    const { items, last } = await drainAndClose(source)
    expect(items).toEqual([])
    expect(last).toMatchObject({ kind: 'failed', reason: 'unreadable' })
  })

  test('that cannot be unpacked for want of a place says so', async () => {
    const path = join(folder, 'nowhere.gz')
    writeFileSync(path, pack.gz(Buffer.from('a\n')))
    const options = { sort: true, temporaryDirectory: join(folder, 'absent') }
    const outcome = await openFile(path, createMemoryRegistry(), options)
    expect(outcome).toMatchObject({ ok: false, reason: 'no_temporary_space' })
  })

  test('may be standard input', async () => {
    const stream = Readable.from([`${eventLine('b', 2)}\n${eventLine('a', 1)}\n`])
    const outcome = await openSources(['-'], createMemoryRegistry(), { sort: true }, { stream, n: 2 })
    if (!outcome.ok) throw new Error(outcome.detail)
    expect(outcome.sources[0]!.source_partition).toBe('stdin:2')
    expect((await drainAndClose(outcome.sources[0]!)).items.map((item) => item.line)).toEqual([2, 1])
  })
})

test('the index says when it has more lines than it may', () => {
  const index = createTimeIndex(2)
  const item = { position: 1, line: 1, offset: 0, bytes: new Uint8Array(1), unterminated: false, oversized: undefined }
  for (const isFull of [false, false, true]) {
    index.add(item, 1)
    expect(index.isFull()).toBe(isFull)
  }
})
