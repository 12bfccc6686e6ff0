import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENT_BYTES_MAX } from '../../../features/events/decode.ts'
import { createLineReader, OVERSIZED_KEPT_BYTES } from '../../../pipelines/sources/lines.ts'
import type { Chunks } from '../../../pipelines/sources/source.ts'
import { drain, inChunks, textOf } from './helpers.ts'

const BOM = '\ufeff'

type Expected = { line: number; offset: number; text: string; unterminated: boolean }

/** The obvious way: all of the content at once. Only for content without lines that are too long. */
function splitNaively(content: Buffer): Expected[] {
  const expected: Expected[] = []
  let offset = 0
  let line = 0
  while (offset < content.length) {
    line++
    const feed = content.indexOf('\n', offset)
    const end = feed === -1 ? content.length : feed
    let bytes = content.subarray(offset, end)
    let start = offset
    if (bytes.at(-1) === 13) bytes = bytes.subarray(0, -1)
    if (line === 1 && bytes.subarray(0, 3).equals(Buffer.from(BOM))) {
      bytes = bytes.subarray(3)
      start += 3
    }
    if (bytes.length > 0) {
      expected.push({ line, offset: start, text: bytes.toString('latin1'), unterminated: feed === -1 })
    }
    offset = end + 1
  }
  return expected
}

async function split(content: Buffer, sizes: number[], batch = 1000, skipThrough = 0) {
  const reader = createLineReader(inChunks(content, sizes), { skipThrough })
  const { items, last } = await drain(reader, batch)
  expect(last).toEqual({ kind: 'end' })
  return { items, reader }
}

const content = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.tuple(fc.oneof(fc.string(), fc.constant('')), fc.constantFrom('\n', '\r\n', '\n\n', '\r\r\n'))),
    fc.string(),
  )
  .map(([bom, lines, tail]) => Buffer.from((bom ? BOM : '') + lines.flat().join('') + tail))
const bytes = fc.array(fc.constantFrom(10, 13, 0xef, 0xbb, 0xbf, 0x61, 0x00, 0xff)).map((all) => Buffer.from(all))
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })

describe('lines', () => {
  test('are what splitting all of the content at once gives, wherever blocks and batches end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(content, bytes), sizes, fc.integer({ min: 1, max: 9 }), async (all, cuts, batch) => {
        const { items } = await split(all, cuts, batch)
        const found = items.map(({ line, offset, bytes, unterminated }) => {
          return { line, offset, text: Buffer.from(bytes).toString('latin1'), unterminated }
        })
        expect(found).toEqual(splitNaively(all))
        for (const item of items) {
          expect(item.position).toBe(item.line)
          if (item.text !== undefined) expect(item.text).toBe(textOf(item))
          expect(all.subarray(item.offset, item.offset + item.bytes.length).equals(item.bytes)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('up to a given one are skipped but counted', async () => {
    await fc.assert(
      fc.asyncProperty(content, sizes, fc.integer({ min: 0, max: 12 }), async (all, cuts, skipThrough) => {
        const whole = splitNaively(all)
        const { items, reader } = await split(all, cuts, 5, skipThrough)
        expect(items.map((item) => item.line)).toEqual(
          whole.map(({ line }) => line).filter((line) => line > skipThrough),
        )
        expect(reader.lines()).toBe(
          Math.max(0, all.toString('latin1').split('\n').length - (all.at(-1) === 10 || all.length === 0 ? 1 : 0)),
        )
      }),
    )
  })

  test('empty ones are not handed out but keep their number', async () => {
    const { items } = await split(Buffer.from('\n\r\na\n\n\nb\n'), [3])
    expect(items.map((item) => [item.line, textOf(item)])).toEqual([
      [3, 'a'],
      [6, 'b'],
    ])
  })

  test('a byte order mark goes from the first line only', async () => {
    const { items } = await split(Buffer.from(`${BOM}a\n${BOM}b\n`), [1])
    expect(items.map(textOf)).toEqual(['a', `${BOM}b`])
    expect((await split(Buffer.from(`${BOM}\r\na\n`), [2])).items.map((item) => item.line)).toEqual([2])
  })

  test('the last one without a line end is handed out as unterminated', async () => {
    const { items } = await split(Buffer.from('a\nb'), [2])
    expect(items.map((item) => item.unterminated)).toEqual([false, true])
  })

  test.each([1000, 300_000, 10_000_000])(
    'one longer than an event may be is kept as a beginning (blocks of %d)',
    async (size) => {
      for (const [text, end] of [
        ['x'.repeat(EVENT_BYTES_MAX), '\r\n'],
        ['y'.repeat(EVENT_BYTES_MAX + 1), '\r\n'],
        [`${'z'.repeat(EVENT_BYTES_MAX + 5)}\r`, '\r\n'],
        [`${'ab\r'.repeat(200_000)}c`, '\n'],
        ['ä'.repeat(500_000), ''],
      ] as const) {
        const all = Buffer.from(`${BOM}a\n${text}${end}${end === '' ? '' : 'b\n'}`)
        const { items } = await split(all, [size])
        const item = items[1]!
        const long = Buffer.from(text)
        expect(item.offset).toBe(5)
        if (long.length <= EVENT_BYTES_MAX) {
          expect(item.oversized).toBeUndefined()
          expect(long.equals(item.bytes)).toBe(true)
        } else {
          const sha256 = createHash('sha256').update(long).digest('hex')
          expect(item.oversized).toEqual({ bytes: long.length, sha256 })
          expect(long.subarray(0, OVERSIZED_KEPT_BYTES).equals(item.bytes)).toBe(true)
        }
        expect(item.unterminated).toBe(end === '')
        if (end !== '') expect(textOf(items[2]!)).toBe('b')
      }
    },
  )

  test('the first one may be too long after a byte order mark, its hash and place leave the mark out', async () => {
    const text = 'x'.repeat(EVENT_BYTES_MAX + 1)
    for (const size of [1, 2, 1_000_000]) {
      const [item] = (await split(Buffer.from(`${BOM}${text}\n`), size === 1 ? [1, 1, 70_000] : [size, 100_000])).items
      const sha256 = createHash('sha256').update(text).digest('hex')
      expect(item).toMatchObject({ line: 1, offset: 3, oversized: { bytes: text.length, sha256 } })
    }
  })

  test('one of 10 MB goes by like any other', async () => {
    const all = Buffer.concat([Buffer.alloc(10_000_000, 0x78), Buffer.from('\n{"a":1}\n')])
    const { items } = await split(all, [64 * 1024])
    expect(items.map((item) => [item.line, item.bytes.length])).toEqual([
      [1, OVERSIZED_KEPT_BYTES],
      [2, 7],
    ])
    expect(items[0]!.oversized!.bytes).toBe(10_000_000)
  })

  test('up to where the content fails come first, then the failure, again and again', async () => {
    const failure = { reason: 'corrupt', detail: 'why' } as const
    const reader = createLineReader(inChunks(Buffer.from('a\nb\nc'), [2], failure))
    const { items, last } = await drain(reader, 2)
    expect(items.map((item) => [textOf(item), item.unterminated])).toEqual([
      ['a', false],
      ['b', false],
      ['c', true],
    ])
    expect(last).toEqual({ kind: 'failed', ...failure })
    expect(await reader.read(1)).toEqual(last)
  })

  test('are handed out as soon as their block is there', async () => {
    let isAsked = false
    async function* slow(): Chunks {
      yield Buffer.from('a\nb\nc')
      isAsked = true
      yield Buffer.from('\n')
      return undefined
    }
    const reader = createLineReader(slow())
    const outcome = await reader.read(1000)
    expect(outcome.kind === 'items' && outcome.items.map(textOf)).toEqual(['a', 'b'])
    expect(isAsked).toBe(false)
  })
})
