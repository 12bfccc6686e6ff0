import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENT_BYTES_MAX } from '../../../features/events/decode.ts'
import { type MergedItem, type MergedSources, mergeSources } from '../../../pipelines/sources/merge.ts'
import { openSources } from '../../../pipelines/sources/open.ts'
import type { ReadOutcome, Source, SourceItem } from '../../../pipelines/sources/source.ts'
import { createStreamSource } from '../../../pipelines/sources/stdin.ts'
import { createMemoryRegistry, eventLine, pack, TENANT, TIME_START, temporaryFolder } from './helpers.ts'

const folder = temporaryFolder()

async function drain(merged: MergedSources, batch = 1000): Promise<{ items: MergedItem[]; failures: string[] }> {
  const items: MergedItem[] = []
  const failures: string[] = []
  for (;;) {
    const outcome = await merged.read(batch)
    if (outcome.kind === 'end') return { items, failures }
    if (outcome.kind === 'failed') failures.push(`${outcome.source} ${outcome.reason} after ${items.length}`)
    else items.push(...outcome.items)
  }
}

/** A source of given lines, handed out in batches of changing size, resumed after a line. */
function sourceOf(lines: readonly string[], name: string, resumeAfter = 0, failure?: ReadOutcome): Source {
  const items = lines.map((text, i): SourceItem => {
    const bytes = new Uint8Array(Buffer.from(text))
    return { position: i + 1, line: i + 1, offset: 0, bytes, unterminated: false, oversized: undefined }
  })
  let next = resumeAfter
  let reads = 0
  return {
    name,
    source_partition: name,
    live: false,
    size_bytes: undefined,
    consumedBytes: () => 0,
    async read(itemsMax) {
      if (next >= items.length) return failure ?? { kind: 'end' }
      const batch = items.slice(next, next + Math.min(itemsMax, 1 + (reads++ % 3)))
      next += batch.length
      return { kind: 'items', items: batch }
    },
    progressEntry: () => undefined,
    close: async () => {},
  }
}

/** Files as lists of minutes; undefined is a line that does not decode. */
type Minutes = readonly (number | undefined)[]
const files = fc.array(
  fc.array(fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }) }, fc.constant(undefined)), {
    maxLength: 15,
  }),
  {
    maxLength: 4,
  },
)
const linesOf = (minutes: Minutes, file: number) =>
  minutes.map((minute, i) => (minute === undefined ? 'not an event' : eventLine(`${file}-${i + 1}`, minute)))

/** The naive twin: everything in one list, sorted by the largest time so far in the own file, file, line. */
function sortNaively(all: readonly Minutes[]) {
  return all
    .flatMap((minutes, source) => {
      let largest = Number.NEGATIVE_INFINITY
      return minutes.map((minute, i) => {
        largest = Math.max(largest, minute ?? largest)
        return { source, line: i + 1, minute, largest }
      })
    })
    .toSorted((a, b) => (a.largest === b.largest ? a.source - b.source || a.line - b.line : a.largest - b.largest))
}

const placeOf = (item: { source: number; line: number }) => `${item.source}:${item.line}`

describe('merged sources', () => {
  test('come by event time, then order of the arguments, then line', async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 12 }), async (all, batch) => {
        const sources = all.map((minutes, i) => sourceOf(linesOf(minutes, i), `s${i}`))
        const { items } = await drain(mergeSources(sources, TENANT), batch)
        const expected = sortNaively(all)
        expect(items.map(placeOf)).toEqual(expected.map(placeOf))
        for (const [i, item] of items.entries()) {
          const { minute } = expected[i]!
          expect(item).toMatchObject({ source_partition: `s${item.source}`, source_position: item.line })
          expect(item.decoded.ok && item.decoded.event.time).toBe(minute !== undefined && TIME_START + minute * 60_000)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('of files in order come in order, with every tie by argument and line', async () => {
    const first = [1, 1, 3].map((minute) => eventLine('a', minute))
    const second = [1, 2, 3].map((minute) => eventLine('b', minute))
    const { items } = await drain(mergeSources([sourceOf(first, 'a'), sourceOf(second, 'b')], TENANT))
    expect(items.map(placeOf)).toEqual(['0:1', '0:2', '1:1', '1:2', '0:3', '1:3'])
  })

  test('resumed after what is in the log go on in the order of an undisturbed run', async () => {
    await fc.assert(
      fc.asyncProperty(
        files,
        fc.array(fc.nat({ max: 60 }), { maxLength: 4 }),
        fc.func(fc.nat({ max: 5 })),
        async (all, kills, dice) => {
          // Refused are lines that do not decode and some others, decided by the line alone.
          const isRefused = (item: MergedItem) => !item.decoded.ok || dice(placeOf(item)) === 0
          const run = async (resume: readonly number[]) => {
            const sources = all.map((minutes, i) => sourceOf(linesOf(minutes, i), `s${i}`, resume[i]))
            const { items } = await drain(mergeSources(sources, TENANT), 3)
            return { accepted: items.filter((item) => !isRefused(item)), refused: items.filter(isRefused) }
          }
          const undisturbed = await run(all.map(() => 0))
          const log: string[] = []
          const resume = all.map(() => 0)
          for (const kill of [...kills, Number.POSITIVE_INFINITY]) {
            const { accepted } = await run(resume)
            for (const item of accepted.slice(0, kill)) {
              log.push(placeOf(item))
              resume[item.source] = item.source_position
            }
          }
          expect(log).toEqual(undisturbed.accepted.map(placeOf))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('stop at a source that fails, once, and go on without it when asked to', async () => {
    const failure = { kind: 'failed', reason: 'truncated', detail: 'cut' } as const
    const a = sourceOf(
      [1, 2].map((minute) => eventLine('a', minute)),
      'a',
      0,
      failure,
    )
    const b = sourceOf(
      [1, 5].map((minute) => eventLine('b', minute)),
      'b',
    )
    const merged = mergeSources([a, b], TENANT)
    const { items, failures } = await drain(merged)
    // After minute 2 it is not known what would have come before minute 5.
    expect(items.map(placeOf)).toEqual(['0:1', '1:1', '0:2', '1:2'])
    expect(failures).toEqual(['0 truncated after 3'])
    expect(await merged.read(1)).toEqual({ kind: 'end' })
  })

  test('have the bytes as they stood and say why a line is no event', async () => {
    const path = join(folder, 'bad.ndjson')
    const good = eventLine('good', 1)
    const bad: [line: string | Buffer, reason: string][] = [
      ['nonsense', 'not_json'],
      [Buffer.from([0x7b, 0xff, 0x7d]), 'not_utf8'],
      ['[1]', 'not_an_object'],
      [good.replace('"amount_minor":1', '"amount_minor":-1'), 'invalid_field'],
      [good.replace('"amount_minor":1', '"amount_minor":1.5'), 'invalid_field'],
      [good.replace('"amount_minor":1', '"amount_minor":NaN'), 'not_json'],
      [good.replace('{', '{"__proto__":{},'), 'forbidden_key'],
      [good.replace('{', `{"x":${'['.repeat(9)}${']'.repeat(9)},`), 'too_deep'],
      ['x'.repeat(10_000_000), 'too_long'],
      [good.replace('{', '{"tenant":"other",'), 'wrong_tenant'],
      [good.slice(0, -5), 'not_json'],
    ]
    const content = bad.flatMap(([line], i) => [good, '\n', line, i === bad.length - 1 ? '' : '\r\n'])
    writeFileSync(path, Buffer.concat(content.map((part) => Buffer.from(part))))
    const outcome = await openSources([path], createMemoryRegistry())
    if (!outcome.ok) throw new Error(outcome.detail)
    const merged = mergeSources(outcome.sources, TENANT)
    const { items } = await drain(merged)
    await merged.close()
    expect(items.length).toBe(2 * bad.length)
    for (const [i, [line, reason]] of bad.entries()) {
      expect(items[2 * i]!.decoded.ok).toBe(true)
      const item = items[2 * i + 1]!
      expect(item.decoded).toMatchObject({ ok: false, reason })
      expect(item.line).toBe(2 * i + 2)
      expect(Buffer.from(line).subarray(0, item.bytes.length).equals(item.bytes)).toBe(true)
      expect(item.bytes.length).toBe(reason === 'too_long' ? 4096 : Buffer.from(line).length)
    }
    const details = items.map(({ decoded }) => (decoded.ok ? '' : decoded.detail))
    expect(details[17]).toMatch(`10000000 bytes, at most ${EVENT_BYTES_MAX}; kept the first 4096, sha256 `)
    expect(details.at(-1)).toMatch('the last line has no end')
    expect(items.map((item) => item.unterminated).indexOf(true)).toBe(items.length - 1)
  })

  test('of files, also sorted and packed, equal one sorted list; their entries cover them', async () => {
    const all = [0, 1, 2].map((file) => Array.from({ length: 3000 }, (_, i) => (i * (7 + file) * 13) % 1000))
    const paths = all.map((minutes, i) => {
      const path = join(folder, `merge-${i}`)
      writeFileSync(path, Object.values(pack)[i]!(Buffer.from(linesOf(minutes, i).join('\n'))))
      return path
    })
    for (const sort of [false, true]) {
      const registry = createMemoryRegistry()
      const outcome = await openSources(paths, registry, { sort })
      if (!outcome.ok) throw new Error(outcome.detail)
      const merged = mergeSources(outcome.sources, TENANT)
      const { items } = await drain(merged, 500)
      const byTime = all.flatMap((minutes, source) => minutes.map((minute, i) => ({ source, line: i + 1, minute })))
      const expected = sort
        ? byTime.toSorted((a, b) => a.minute - b.minute || a.source - b.source || a.line - b.line)
        : sortNaively(all)
      expect(items.map(placeOf)).toEqual(expected.map(placeOf))
      const entries = merged.progressEntries()
      expect(entries.map((entry) => entry.lines)).toEqual(sort ? [] : [3000, 3000, 3000])
      expect(merged.progressEntries()).toEqual([])
      await merged.close()
    }
  })

  test('give what standard input has before they wait for more of it', async () => {
    const stream = new PassThrough()
    const file = sourceOf([eventLine('a', 1), eventLine('a', 9)], 'a')
    const merged = mergeSources([file, createStreamSource(stream, 1)], TENANT)
    stream.write(`${eventLine('b', 2)}\n`)
    const first = await merged.read(100)
    expect(first.kind === 'items' && first.items.map(placeOf)).toEqual(['0:1', '1:1'])
    stream.end(`${eventLine('b', 3)}\n`)
    const { items } = await drain(merged)
    expect(items.map(placeOf)).toEqual(['1:2', '0:2'])
    await merged.close()
  })

  test('of nothing end at once', async () => {
    expect(await mergeSources([], TENANT).read(1)).toEqual({ kind: 'end' })
  })
})
