import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type Split, splitJson, splitLines } from '../../../api/events/split.ts'

const texts = (split: Split) =>
  split.ok ? split.items.map((item) => Buffer.from(item).toString('latin1')) : split.reason
const bytes = (text: string) => Buffer.from(text, 'latin1')

describe('a JSON body', () => {
  it('is cut into elements that are the array’s own, byte for byte', () => {
    const layouts = fc.constantFrom('', ' ', '\n\t ')
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), layouts, layouts, (values, before, after) => {
        const elements = values.map((value) => JSON.stringify(value))
        const body = `${before}[${before}${elements.join(`${after},${before}`)}${after}]${after}`
        const split = splitJson(Buffer.from(body), 1_000)
        expect(split).toMatchObject({ ok: true })
        expect(split.ok && split.items.map((item) => Buffer.from(item).toString('utf8'))).toEqual(elements)
      }),
    )
  })

  it('that is no array is one event', () => {
    expect(texts(splitJson(bytes(' {"id":"[1,2]"}\n'), 10))).toEqual(['{"id":"[1,2]"}'])
    expect(texts(splitJson(bytes('5'), 10))).toEqual(['5'])
  })

  it('keeps what a second parse would hide: __proto__, repeated keys, numbers out of range, escapes', () => {
    const items = ['{"__proto__":{"a":1}}', '{"a":1,"a":2}', '{"a":1e999,"b":-0}', '"\\"],[\\\\"']
    expect(texts(splitJson(bytes(`[${items.join(' , ')}]`), 10))).toEqual(items)
  })

  it('keeps invalid UTF-8 in the element that has it', () => {
    expect(texts(splitJson(bytes('[{"a":"\xff\xc3"},{"b":1}]'), 10))).toEqual(['{"a":"\xff\xc3"}', '{"b":1}'])
  })

  it('may be an empty array, but not empty', () => {
    expect(texts(splitJson(bytes('[ ]'), 10))).toEqual([])
    expect(texts(splitJson(bytes(' \n'), 10))).toBe('empty')
  })

  it('that is not JSON is refused whole', () => {
    const bodies = [
      '{',
      '[1,]',
      '[,1]',
      '[,]',
      '[1 2]',
      '{"a":NaN}',
      '[1]]',
      'nope',
      '\xff',
      '[1],[2]',
      '[1}',
      '[',
      '["',
      '[{]}',
    ]
    for (const text of bodies) expect([text, texts(splitJson(bytes(text), 10))]).toEqual([text, 'not_json'])
  })

  it('agrees with JSON.parse about what is JSON', () => {
    const characters = fc.string({
      unit: fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '\\', '1', 'a', ' '),
      maxLength: 12,
    })
    fc.assert(
      fc.property(characters, (text) => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        expect(splitJson(bytes(text), 100).ok).toBe(isJson)
      }),
      { numRuns: 3_000 },
    )
  })

  it('leaves what is too deep or too long to decoding, and does not parse it here', () => {
    const parse = vi.spyOn(JSON, 'parse')
    const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000)
    const long = `"${'x'.repeat(1_000_000)}"`
    expect(texts(splitJson(bytes(`[1,${deep},2,${long}]`), 10))).toEqual(['1', deep, '2', long])
    expect(texts(splitJson(bytes(`{"a":${deep}}`), 10))).toEqual([`{"a":${deep}}`])
    expect(texts(splitJson(bytes('['.repeat(1_000_000)), 10))).toBe('not_json')
    expect(parse.mock.calls).toEqual([['1'], ['2']])
  })

  it('takes a byte order mark', () => {
    expect(texts(splitJson(bytes('\xef\xbb\xbf[1]'), 10))).toEqual(['1'])
    expect(texts(splitLines(bytes('\xef\xbb\xbf1\n'), 10))).toEqual(['1'])
  })

  it('holds a bounded number of events', () => {
    expect(texts(splitJson(bytes('[1,2,3]'), 3))).toEqual(['1', '2', '3'])
    expect(texts(splitJson(bytes('[1,2,3,4]'), 3))).toBe('too_many')
  })
})

describe('an NDJSON body', () => {
  it('has one event per line that is not blank, whatever the line is', () => {
    expect(texts(splitLines(bytes('{"a":1}\r\n\n  \n{ bad\n\xff\n[1]'), 10))).toEqual([
      '{"a":1}',
      '{ bad',
      '\xff',
      '[1]',
    ])
  })

  it('that has no event is refused', () => {
    expect(texts(splitLines(bytes('\n \r\n'), 10))).toBe('empty')
    expect(texts(splitLines(bytes(''), 10))).toBe('empty')
  })

  it('holds a bounded number of events', () => {
    expect(texts(splitLines(bytes('1\n2\n3\n'), 3))).toEqual(['1', '2', '3'])
    expect(texts(splitLines(bytes('1\n2\n3\n4'), 3))).toBe('too_many')
  })
})
