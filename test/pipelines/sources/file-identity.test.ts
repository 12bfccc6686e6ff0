import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BEGINNING_BYTES, type FileRegistry, hashContent } from '../../../pipelines/sources/file-identity.ts'
import { openFile, openSources } from '../../../pipelines/sources/open.ts'
import type { Source } from '../../../pipelines/sources/source.ts'
import { createMemoryRegistry, drain, inChunks, PACKINGS, pack, temporaryFolder, textOf } from './helpers.ts'

const folder = temporaryFolder()
let files = 0

function write(content: string | Buffer, name = `${files++}.ndjson`): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')
const lines = (from: number, to: number, text = 'line') =>
  Array.from({ length: to - from }, (_, i) => `${text} ${from + i}\n`).join('')

/** Positions in the log, as intake keeps them: whatever is handed out was appended. */
type Log = Map<string, number>

/** One ingest: opens, reads, enters in the registry what was read and then in the log; up to `itemsMax` items. */
async function ingest(path: string, registry: FileRegistry, log: Log, itemsMax = Number.POSITIVE_INFINITY) {
  const outcome = await openFile(path, registry, { resumeAfter: (partition) => log.get(partition) ?? 0 })
  if (!outcome.ok) throw new Error(outcome.detail)
  const { source } = outcome
  const read: string[] = []
  while (read.length < itemsMax) {
    const batch = await source.read(Math.min(10, itemsMax - read.length))
    if (batch.kind !== 'items') break
    const entry = source.progressEntry()
    if (entry !== undefined) await registry.put(entry)
    for (const item of batch.items) {
      read.push(textOf(item))
      log.set(source.source_partition, item.position)
    }
  }
  await source.close()
  return { read, partition: source.source_partition }
}

describe('a file', () => {
  test('is named after its beginning', async () => {
    const small = lines(0, 3)
    const large = lines(0, 20_000)
    for (const content of [small, large]) {
      const { partition } = await ingest(write(content), createMemoryRegistry(), new Map())
      expect(partition).toBe(`file:${sha256(content.slice(0, BEGINNING_BYTES)).slice(0, 16)}`)
    }
  })

  test('given again gives nothing, also under another name and packed otherwise', async () => {
    const registry = createMemoryRegistry()
    const log: Log = new Map()
    const content = lines(0, 30_000)
    const first = await ingest(write(content), registry, log)
    expect(first.read.length).toBe(30_000)
    for (const packing of PACKINGS) {
      const again = await ingest(write(pack[packing](Buffer.from(content)), `again.${packing}`), registry, log)
      expect(again).toEqual({ read: [], partition: first.partition })
    }
    expect([...registry.entries.values()]).toEqual([
      { file: first.partition, bytes: content.length, lines: 30_000, sha256: sha256(content) },
    ])
  })

  test.each([0, 65_535, 65_536, 200_000])('that grows from %d bytes goes on where it ended', async (bytes) => {
    const registry = createMemoryRegistry()
    const log: Log = new Map()
    const whole = lines(0, 40_000)
    const start = whole.slice(0, bytes)
    const first = await ingest(write(start), registry, log)
    const second = await ingest(write(whole), registry, log)
    if (bytes > 0) expect(second.partition).toBe(first.partition)
    const complete = start.split('\n').length - 1
    // The last line was cut. It had a position in the log as well, so only what is behind it is new.
    const cut = bytes > 0 && !start.endsWith('\n') ? 1 : 0
    expect(second.read).toEqual(
      whole
        .trimEnd()
        .split('\n')
        .slice(complete + cut),
    )
  })

  test('whose cut last line was refused gives that line whole when it has grown', async () => {
    const registry = createMemoryRegistry()
    const log: Log = new Map()
    const first = await ingest(write('{"a":1}\n{"a":2}\n{"a'), registry, log)
    log.set(first.partition, 2)
    const second = await ingest(write('{"a":1}\n{"a":2}\n{"a":3}\n{"a":4}'), registry, log)
    expect(second).toEqual({ partition: first.partition, read: ['{"a":3}', '{"a":4}'] })
    const third = await ingest(write('{"a":1}\n{"a":2}\n{"a":3}\n{"a":4}\n{"a":5}\n'), registry, log)
    expect(third).toEqual({ partition: first.partition, read: ['{"a":5}'] })
  })

  test('whose accepted last line is replaced is another file, so that nothing hides behind its position', async () => {
    const registry = createMemoryRegistry()
    const log: Log = new Map()
    const first = await ingest(write('one\ntwo'), registry, log)
    const second = await ingest(write('one\nother\n'), registry, log)
    expect(second.partition).not.toBe(first.partition)
    expect(second.read).toEqual(['one', 'other'])
  })

  test('that was killed on the way goes on after the last position in the log', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 5 }), async (kills) => {
        const registry = createMemoryRegistry()
        const log: Log = new Map()
        const path = write(pack.gz(Buffer.from(lines(0, 9000))), 'killed.gz')
        const read: string[] = []
        for (const kill of kills) read.push(...(await ingest(path, registry, log, kill)).read)
        read.push(...(await ingest(path, registry, log)).read)
        expect(read.join('\n')).toBe(lines(0, 9000).trimEnd())
        expect(registry.entries.size).toBe(1)
      }),
      { numRuns: 15 },
    )
  })

  test('that was killed before anything was appended is read from its beginning', async () => {
    const registry = createMemoryRegistry()
    const path = write(lines(0, 50))
    await ingest(path, registry, new Map())
    expect((await ingest(path, registry, new Map())).read.length).toBe(50)
  })

  test('with another beginning is another file; with an equal one and then other content it gets a suffix', async () => {
    const registry = createMemoryRegistry()
    const log: Log = new Map()
    const common = lines(0, 10_000)
    const a = await ingest(write(common + lines(0, 10, 'a')), registry, log)
    const b = await ingest(write(common + lines(0, 10, 'b')), registry, log)
    const c = await ingest(write(common + lines(0, 10, 'c')), registry, log)
    const d = await ingest(write(`x${common}`), registry, log)
    expect([b.partition, c.partition]).toEqual([`${a.partition}-2`, `${a.partition}-3`])
    expect(d.partition).not.toContain(a.partition)
    expect([b, c, d].map((one) => one.read.length)).toEqual([10_010, 10_010, 10_000])
    // Each is still known, and each can grow.
    const grown = await ingest(write(common + lines(0, 12, 'b')), registry, log)
    expect(grown).toEqual({ partition: b.partition, read: ['b 10', 'b 11'] })
  })

  test('that is shorter than what is known is another file, and the whole one is still known', async () => {
    const registry = createMemoryRegistry()
    const log: Log = new Map()
    const whole = lines(0, 20_000)
    const a = await ingest(write(whole), registry, log)
    const cut = await ingest(write(whole.slice(0, 100_000)), registry, log)
    expect(cut.partition).toBe(`${a.partition}-2`)
    expect((await ingest(write(whole), registry, log)).read).toEqual([])
    expect((await ingest(write(whole.slice(0, 100_000)), registry, log)).read).toEqual([])
  })

  test('that was cut while packed goes on when it is whole', async () => {
    for (const packing of ['gz', 'zst'] as const) {
      const registry = createMemoryRegistry()
      const log: Log = new Map()
      const content = Array.from(
        { length: 60_000 },
        (_, i) => `${(Math.imul(i, 2_654_435_761) >>> 0).toString(36)}\n`,
      ).join('')
      const stored = pack[packing](Buffer.from(content))
      const first = await ingest(write(stored.subarray(0, stored.length >> 1)), registry, log)
      expect(first.read.length).toBeGreaterThan(10_000)
      // The line that the cut went through decodes to nothing, so it is not in the log.
      log.set(first.partition, log.get(first.partition)! - 1)
      const second = await ingest(write(stored), registry, log)
      expect(second.partition).toBe(first.partition)
      expect([...first.read.slice(0, -1), ...second.read].join('\n')).toBe(content.trimEnd())
    }
  })

  test('is not taken for a sorted reading of the same content', async () => {
    const registry = createMemoryRegistry()
    const content = lines(0, 5)
    await registry.put({ file: 'sorted:1', bytes: content.length, lines: 5, sha256: sha256(content) })
    expect((await ingest(write(content), registry, new Map())).partition).toMatch(/^file:/)
  })
})

describe('files of one call', () => {
  /** More than is read at once. */
  const common = lines(0, 40_000)

  async function open(paths: string[], registry = createMemoryRegistry()) {
    const outcome = await openSources(paths, registry)
    if (!outcome.ok) throw new Error(outcome.detail)
    return { ...outcome, registry }
  }

  async function close(sources: readonly Source[]) {
    for (const source of sources) await source.close()
  }

  test('that are the same, or the beginning of another, are read once', async () => {
    const short = write(common)
    const long = write(common + lines(0, 5, 'more'))
    const longest = write(pack.gz(Buffer.from(common + lines(0, 9, 'more'))), 'longest.gz')
    for (const [paths, kept] of [
      [[short, short], short],
      [[short, long, longest], longest],
      [[longest, long, short], longest],
      [[long, longest, short, long], longest],
      [[long, short, longest], longest],
    ] as const) {
      const { sources, contained } = await open([...paths])
      expect(sources.map((source) => source.name)).toEqual([kept])
      expect(contained.length).toBe(paths.length - 1)
      const expected = paths.length === 2 ? 40_000 : 40_009
      expect((await drain(sources[0]!)).items.length).toBe(expected)
      await close(sources)
    }
  })

  test('that begin alike and differ later are told apart, also after a kill in the first batch', async () => {
    const paths = ['a', 'b', 'c'].map((text) => write(common + lines(0, 3, text)))
    const longer = write(common + lines(0, 4, 'c'))
    const { sources, contained, registry } = await open([...paths, longer])
    expect(contained).toEqual([paths[2]])
    const partitions = sources.map((source) => source.source_partition)
    expect(partitions.slice(1)).toEqual([`${partitions[0]}-2`, `${partitions[0]}-3`])
    // Whatever little was read, the entries never fall behind what was needed to tell them apart.
    for (const source of sources.toReversed()) {
      await source.read(10)
      await registry.put(source.progressEntry()!)
    }
    await close(sources)
    const again = await open([longer, paths[1]!, paths[0]!], registry)
    expect(again.sources.map((source) => source.source_partition)).toEqual(partitions.toReversed())
    const { items } = await drain(again.sources[0]!)
    expect(items.slice(-4).map(textOf)).toEqual(['c 0', 'c 1', 'c 2', 'c 3'])
    const entry = again.sources[0]!.progressEntry()!
    expect(entry).toMatchObject({ file: partitions[2], sha256: sha256(common + lines(0, 4, 'c')) })
    await close(again.sources)
  })

  test('that continue one known file differently are told apart', async () => {
    const registry = createMemoryRegistry()
    const known = await ingest(write(common), registry, new Map())
    const { sources } = await open([write(`${common}a\n`), write(`${common}b\n`)], registry)
    expect(sources.map((source) => source.source_partition)).toEqual([known.partition, `${known.partition}-2`])
    await close(sources)
  })
})

test('the progress entry covers what was handed out, and is the hash of exactly its bytes', async () => {
  const content = Buffer.from(lines(0, 50_000))
  const outcome = await openFile(write(content), createMemoryRegistry())
  if (!outcome.ok) throw new Error(outcome.detail)
  const { source } = outcome
  expect(source.progressEntry()).toBeUndefined()
  for (;;) {
    const batch = await source.read(4096)
    if (batch.kind !== 'items') break
    const entry = source.progressEntry()!
    const last = batch.items.at(-1)!
    expect(entry.bytes).toBeGreaterThanOrEqual(last.offset + last.bytes.length)
    expect(entry.sha256).toBe(sha256(content.subarray(0, entry.bytes)))
    expect(entry.lines).toBeGreaterThanOrEqual(last.line)
  }
  expect(source.progressEntry()).toMatchObject({ bytes: content.length, lines: 50_000 })
  expect([source.consumedBytes(), source.size_bytes]).toEqual([content.length, content.length])
  await source.close()
})

test('content is hashed at any lengths in one pass', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.integer({ min: 0, max: 250 })),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      fc.boolean(),
      async (bytes, lengths, sizes, whole) => {
        const content = Buffer.from(bytes)
        const hashes = await hashContent(inChunks(content, sizes), lengths, whole)
        for (const length of lengths) {
          const expected = length <= content.length ? sha256(content.subarray(0, length)) : undefined
          if (length > 0 || content.length > 0) expect(hashes.at.get(length)).toBe(expected)
        }
        if (whole) expect(hashes).toMatchObject({ bytes: content.length, sha256: sha256(content) })
      },
    ),
  )
})
