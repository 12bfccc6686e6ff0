import { gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decompress, detectFormat } from '../../../pipelines/sources/decompress.ts'
import type { Chunks } from '../../../pipelines/sources/source.ts'
import { inChunks, PACKINGS, type Packing, pack } from './helpers.ts'

async function collect(chunks: Chunks) {
  const blocks: Buffer[] = []
  for (;;) {
    const next = await chunks.next()
    if (next.done === true) return { content: Buffer.concat(blocks), failure: next.value }
    blocks.push(next.value)
  }
}

const unpack = (stored: Buffer, sizes: readonly number[] = [65_536], name = 'events') =>
  collect(decompress(inChunks(stored, sizes), name))

/** Content that does not compress to nothing, of several compressed blocks. */
function noise(bytes: number, seed = 1): Buffer {
  const content = Buffer.alloc(bytes)
  let state = seed
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    content[i] = 0x20 + ((state >>> 16) % 64)
  }
  return content
}

const SKIPPABLE = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 0x28, 0xb5, 0x2f, 0xfd, 9])
const packings = fc.constantFrom<Packing>(...PACKINGS)
const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 })

describe('stored content', () => {
  test('is unpacked whatever it is packed with and however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(packings, fc.uint8Array({ maxLength: 5000 }), sizes, async (packing, bytes, cuts) => {
        const content = Buffer.concat([Buffer.from('{'), bytes])
        expect(await unpack(pack[packing](content), cuts)).toEqual({ content, failure: undefined })
      }),
      { numRuns: 150 },
    )
  })

  test('of several members or frames is unpacked whole, skippable frames left out', async () => {
    const parts = [noise(150_000), Buffer.from('two\n'), Buffer.alloc(0), Buffer.alloc(400_000, 0x41), noise(5, 2)]
    const content = Buffer.concat(parts)
    const gz = Buffer.concat(parts.map((part) => gzipSync(part)))
    const zst = Buffer.concat([SKIPPABLE, ...parts.flatMap((part) => [zstdCompressSync(part), SKIPPABLE])])
    for (const stored of [gz, zst]) {
      for (const cuts of [[1 << 20], [65_536], [5000], [701, 1, 2, 3]]) {
        const unpacked = await unpack(stored, cuts)
        expect(unpacked.failure).toBeUndefined()
        expect(unpacked.content.equals(content)).toBe(true)
      }
    }
  })

  test('with a checksum, a dictionary-less single segment or an unknown size is unpacked', async () => {
    const { constants } = await import('node:zlib')
    for (const checksum of [0, 1]) {
      for (const size of [0, 1, 255, 256, 70_000, 200_000]) {
        const content = noise(size)
        const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: checksum } })
        const twice = Buffer.concat([frame, frame])
        expect((await unpack(twice, [twice.length])).content.equals(Buffer.concat([content, content]))).toBe(true)
        expect(zstdDecompressSync(frame).equals(content)).toBe(true)
      }
    }
  })

  test('that is cut gives what can be decoded, then says so', async () => {
    const content = noise(400_000)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('gz' as const, 'zst' as const),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        sizes,
        async (packing, share, cuts) => {
          const stored = pack[packing](content)
          const cut = Math.floor(stored.length * share)
          const unpacked = await unpack(
            stored.subarray(0, cut),
            cuts.map((size) => size * 20),
            `events.${packing}`,
          )
          expect(unpacked.failure?.reason).toBe('truncated')
          expect(content.subarray(0, unpacked.content.length).equals(unpacked.content)).toBe(true)
          // Deflate decodes nearly every byte it has; zstd whole blocks of 128 KiB.
          const lost = packing === 'gz' ? 70_000 : 2 * 131_072
          expect(unpacked.content.length).toBeGreaterThanOrEqual(share * content.length - lost)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('that lacks only its last bytes gives all of its content, then says so', async () => {
    const content = noise(10_000)
    const stored = gzipSync(content)
    for (const cuts of [[1 << 20], [100]]) {
      const unpacked = await unpack(stored.subarray(0, -3), cuts)
      expect(unpacked.content.equals(content)).toBe(true)
      expect(unpacked.failure).toMatchObject({ reason: 'truncated' })
    }
    const frames = Buffer.concat([zstdCompressSync(content), zstdCompressSync(content)])
    for (const missing of [1, 3, 200]) {
      const unpacked = await unpack(frames.subarray(0, -missing), [1 << 20])
      expect(unpacked.content.subarray(0, content.length).equals(content)).toBe(true)
      expect(unpacked.failure).toMatchObject({ reason: 'truncated' })
    }
    const cutMagic = Buffer.concat([zstdCompressSync(content), zstdCompressSync(content).subarray(0, 2)])
    expect(await unpack(cutMagic)).toMatchObject({ content, failure: { reason: 'truncated' } })
  })

  test('that is damaged gives a beginning of it, then says so, and never throws', async () => {
    const content = noise(300_000)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('gz' as const, 'zst' as const),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        fc.integer({ min: 1, max: 255 }),
        async (packing, share, flip) => {
          const stored = pack[packing](content)
          const at = Math.floor(stored.length * share)
          stored[at]! ^= flip
          const unpacked = await unpack(stored, [65_536], `events.${packing}`)
          if (unpacked.failure === undefined) return
          expect(['corrupt', 'truncated']).toContain(unpacked.failure.reason)
          expect(unpacked.failure.detail).toMatch(/^events\..* run again/)
        },
      ),
      { numRuns: 40 },
    )
    const stored = gzipSync(content)
    stored[stored.length - 6]! ^= 1
    const unpacked = await unpack(stored)
    expect(unpacked.failure?.reason).toBe('corrupt')
    expect(unpacked.content.length).toBeGreaterThan(content.length - 131_072)
    expect(content.subarray(0, unpacked.content.length).equals(unpacked.content)).toBe(true)
  })

  test('followed by something else fails after the content', async () => {
    for (const packing of ['gz', 'zst'] as const) {
      const stored = Buffer.concat([pack[packing](noise(300_000)), Buffer.from('not packed')])
      const unpacked = await unpack(stored, [stored.length - 10])
      expect(unpacked.content.length).toBe(300_000)
      expect(unpacked.failure?.reason).toBe('corrupt')
    }
    // Padding, as block devices and tar leave it, is none.
    expect(await unpack(Buffer.concat([gzipSync('a\n'), Buffer.alloc(512)]))).toEqual({
      content: Buffer.from('a\n'),
      failure: undefined,
    })
  })

  test('passes on why the bytes below it ended', async () => {
    const failure = { reason: 'unreadable', detail: 'disk' } as const
    for (const packing of PACKINGS) {
      const stored = pack[packing](noise(100_000))
      for (const share of [0, 0.5, 1]) {
        const cut = stored.subarray(0, stored.length * share)
        expect((await collect(decompress(inChunks(cut, [1000], failure), `e.${packing}`))).failure).toEqual(failure)
      }
    }
  })

  test('that unpacks to much more is unpacked only as it is taken', async () => {
    for (const stored of [gzipSync(Buffer.alloc(20_000_000)), zstdCompressSync(Buffer.alloc(20_000_000))]) {
      const chunks = decompress(inChunks(stored, [1 << 20]), 'events')
      const before = process.memoryUsage().arrayBuffers
      for (let i = 0; i < 3; i++) expect((await chunks.next()).done).toBe(false)
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000)
      await chunks.return(undefined)
    }
  })

  test('lets go of what is below it when it is closed early', async () => {
    for (const packing of PACKINGS) {
      let isClosed = false
      async function* below(): Chunks {
        try {
          for (;;) yield pack[packing](noise(300_000))
        } finally {
          isClosed = true
        }
      }
      const chunks = decompress(below(), 'events')
      await chunks.next()
      await chunks.return(undefined)
      expect(isClosed).toBe(true)
    }
  })
})

describe('the format', () => {
  test.each([
    ['magic bytes go before the name', gzipSync('a'), 'events.ndjson', 'gzip'],
    ['magic bytes go before the name', zstdCompressSync('a'), 'events.gz', 'zstd'],
    ['a file may begin with a skippable frame', SKIPPABLE, 'events.ndjson', 'zstd'],
    ['text that was misnamed is read', Buffer.from('{"id"'), 'events.gz', 'plain'],
    ['text with a byte order mark too', Buffer.from('\ufeff{'), 'events.zst', 'plain'],
    ['a cut archive goes by its name', Buffer.of(0x1f), 'events.gz', 'gzip'],
    ['an empty archive goes by its name', Buffer.alloc(0), 'events.zst', 'zstd'],
    ['anything else is plain', Buffer.from('id,t'), 'events.csv', 'plain'],
    ['an empty file is plain', Buffer.alloc(0), 'events.ndjson', 'plain'],
  ])('%s: %s', (_, head, name, format) => {
    expect(detectFormat(Buffer.from(head).subarray(0, 4), name)).toBe(format)
  })

  test('that nobody reads here is named', async () => {
    const xz = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])
    expect(detectFormat(xz.subarray(0, 4), 'a')).toEqual({ unsupported: 'xz' })
    expect((await unpack(xz)).failure).toEqual({
      reason: 'corrupt',
      detail: 'events is packed with xz: give it plain, as .gz or as .zst',
    })
  })
})
