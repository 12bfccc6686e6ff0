import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { openFile, openSources } from '../../../pipelines/sources/open.ts'
import { createStreamSource } from '../../../pipelines/sources/stdin.ts'
import { createMemoryRegistry, drainAndClose, temporaryFolder, textOf } from './helpers.ts'

const folder = temporaryFolder()
const at = (name: string) => join(folder, name)
const open = (path: string) => openFile(path, createMemoryRegistry())

describe('opening', () => {
  test('a missing file says so', async () => {
    const detail = `there is no file ${at('none')}: check the path`
    expect(await open(at('none'))).toEqual({ ok: false, reason: 'missing', detail })
    writeFileSync(at('plain'), '')
    expect(await open(at('plain/inside'))).toMatchObject({ reason: 'missing' })
  })

  test('a directory says so', async () => {
    mkdirSync(at('directory'))
    const detail = `${at('directory')} is a directory: name the files in it`
    expect(await open(at('directory'))).toEqual({ ok: false, reason: 'is_a_directory', detail })
  })

  test('what cannot be read says why', async () => {
    symlinkSync(at('loop'), at('loop'))
    expect(await open(at('loop'))).toMatchObject({ reason: 'unreadable', detail: expect.stringContaining('ELOOP') })
    execFileSync('mkfifo', [at('pipe')])
    expect(await open(at('pipe'))).toMatchObject({
      reason: 'unreadable',
      detail: expect.stringContaining('pipe it in'),
    })
    writeFileSync(at('events.bz2'), 'BZh91AY')
    expect(await open(at('events.bz2'))).toMatchObject({
      reason: 'unreadable',
      detail: expect.stringContaining('bzip2'),
    })
    writeFileSync(at('locked'), '')
    chmodSync(at('locked'), 0)
    // Root may read it all the same.
    if (process.getuid?.() !== 0) expect(await open(at('locked'))).toMatchObject({ reason: 'unreadable' })
  })

  test('several is all or nothing', async () => {
    writeFileSync(at('good'), 'a\n')
    for (const sort of [false, true]) {
      const outcome = await openSources([at('good'), at('none')], createMemoryRegistry(), { sort })
      expect(outcome).toMatchObject({ ok: false, reason: 'missing' })
    }
    const many = Array.from({ length: 257 }, () => at('good'))
    expect(await openSources(many, createMemoryRegistry())).toMatchObject({ reason: 'too_many_sources' })
  })

  test('an empty file gives nothing', async () => {
    writeFileSync(at('empty'), '')
    const outcome = await open(at('empty'))
    if (!outcome.ok) throw new Error(outcome.detail)
    expect(outcome.source.progressEntry()).toBeUndefined()
    expect(await drainAndClose(outcome.source)).toEqual({ items: [], last: { kind: 'end' } })
  })

  test('a file is read up to the size it had', async () => {
    writeFileSync(at('growing'), 'a\nb\n')
    const outcome = await open(at('growing'))
    if (!outcome.ok) throw new Error(outcome.detail)
    writeFileSync(at('growing'), 'c\n', { flag: 'a' })
    expect((await drainAndClose(outcome.source)).items.map(textOf)).toEqual(['a', 'b'])
  })

  test('a file that becomes shorter while it is read fails', async () => {
    writeFileSync(at('shrinking'), 'a\nb\n')
    const outcome = await open(at('shrinking'))
    if (!outcome.ok) throw new Error(outcome.detail)
    writeFileSync(at('shrinking'), 'a\n')
    const { items, last } = await drainAndClose(outcome.source)
    expect(items.map(textOf)).toEqual(['a'])
    expect(last).toMatchObject({ kind: 'failed', reason: 'truncated' })
  })
})

describe('standard input', () => {
  test('is read as it comes, by line, without an identity', async () => {
    const stream = new PassThrough()
    const source = createStreamSource(stream, 3)
    expect(source).toMatchObject({ source_partition: 'stdin:3', live: true, size_bytes: undefined, name: '-' })
    stream.write('{"a":1}\n\n{"a"')
    const first = await source.read(100)
    expect(first.kind === 'items' && first.items.map((item) => [item.position, textOf(item)])).toEqual([[1, '{"a":1}']])
    stream.end(':2}')
    const { items, last } = await drainAndClose(source)
    expect(items.map((item) => [item.position, textOf(item), item.unterminated])).toEqual([[3, '{"a":2}', true]])
    expect(last).toEqual({ kind: 'end' })
    expect(source.progressEntry()).toBeUndefined()
    expect(source.consumedBytes()).toBe(16)
  })

  test('may be compressed', async () => {
    const stored = gzipSync('a\nb\n')
    const source = createStreamSource(Readable.from([stored.subarray(0, 1), stored.subarray(1)]), 1)
    expect((await drainAndClose(source)).items.map(textOf)).toEqual(['a', 'b'])
  })

  test('that breaks is a failure after what came', async () => {
    const source = createStreamSource(
      Readable.from(
        (function* () {
          yield 'text\nmore'
          throw Object.assign(new Error('broken'), { code: 'EIO' })
        })(),
      ),
      1,
    )
    const { items, last } = await drainAndClose(source)
    expect(items.map(textOf)).toEqual(['text', 'more'])
    expect(last).toMatchObject({ kind: 'failed', reason: 'unreadable', detail: expect.stringContaining('EIO') })
  })

  test('can be closed while a line is waited for', async () => {
    const source = createStreamSource(new PassThrough(), 1)
    const reading = source.read(1)
    await source.close()
    expect((await reading).kind).not.toBe('items')
  })

  test('stands among files as -, once', async () => {
    writeFileSync(at('beside'), 'a\n')
    const registry = createMemoryRegistry()
    const input = { stream: Readable.from(['b\n']), n: 7 }
    const outcome = await openSources(['-', at('beside')], registry, {}, input)
    if (!outcome.ok) throw new Error(outcome.detail)
    expect(outcome.sources.map((source) => source.name)).toEqual(['-', at('beside')])
    expect(outcome.sources[0]!.source_partition).toBe('stdin:7')
    for (const source of outcome.sources) await source.close()
    expect(await openSources(['-', '-'], registry, {}, input)).toMatchObject({ reason: 'standard_input_twice' })
    expect(existsSync('-')).toBe(false)
  })
})
