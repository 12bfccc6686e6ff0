import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ChunkWriter } from '../../../pipelines/checkpoint/chunk-file.ts'
import { DamagedFile, ROOMS, readChunks, readsOf } from '../../../pipelines/checkpoint/chunk-reader.ts'
import type { StateFile } from '../../../pipelines/checkpoint/manifest.ts'
import { newDirectory } from './support.ts'

/** More than a thread reads ahead. */
const CHUNKS = ROOMS * 3
const WORDS = 1000

describe.each([
  ['in a thread', 0],
  ['without one', Number.POSITIVE_INFINITY],
])('chunks that are read %s', (_, threadBytesMin) => {
  it('are those of one kind and then those of the other, as they were written', async () => {
    const { folder, file } = await written()
    const expected = [...numbers(1), ...numbers(0)].map((k) => Array.from({ length: WORDS }, () => k))
    expect(await read(folder, file, [])).toEqual(expected)
  })

  it('leave memory that is made ready meanwhile as it is', async () => {
    const { folder, file } = await written()
    const memory = [new SharedArrayBuffer(16_384), new SharedArrayBuffer(4096)]
    for (const [k, piece] of memory.entries()) new Uint32Array(piece).fill(0xf000_0000 + k)
    await read(folder, file, memory, [], 500)
    for (const [k, piece] of memory.entries())
      expect(new Set(new Uint32Array(piece))).toEqual(new Set([0xf000_0000 + k]))
  })

  it('end with the first that was changed, and are none of a file that was cut, or grew, or is gone', async () => {
    const { folder, file } = await written()
    const path = join(folder, file.name)
    const bytes = readFileSync(path)
    bytes[(CHUNKS - 1) * WORDS * 4] = 77
    writeFileSync(path, bytes)
    const given: number[][] = []
    await expect(read(folder, file, [], given)).rejects.toThrow(DamagedFile)
    expect(given).toHaveLength(CHUNKS / 2 - 1)
    for (const change of [
      () => writeFileSync(path, Buffer.concat([bytes, bytes.subarray(0, 4)])),
      () => truncateSync(path, bytes.length - 4),
      () => rmSync(path),
    ]) {
      change()
      await expect(read(folder, file, [])).rejects.toThrow(file.name)
    }
  })

  /** Waits before the first chunk, so that a thread has filled its rooms and has nothing to read. */
  async function read(
    folder: string,
    file: StateFile,
    memory: SharedArrayBuffer[],
    given: number[][] = [],
    idle_ms = 0,
  ) {
    const reads = [...readsOf(file, 'states'), ...readsOf(file, 'names')]
    const reader = readChunks(folder, [file], reads, memory, threadBytesMin)
    try {
      await delay(idle_ms)
      for (const _ of reads) given.push([...(await reader.next()).words])
    } finally {
      await reader.close()
    }
    return given
  }
})

/** Chunks of two kinds in turn, full of their numbers. */
async function written(): Promise<{ folder: string; file: StateFile }> {
  const folder = newDirectory()
  const writer = new ChunkWriter(join(folder, 'some.state'))
  for (let k = 0; k < CHUNKS; k++) {
    const buffer = writer.take()
    for (let n = 0; n < WORDS; n++) buffer.put(k)
    writer.add(k % 2 === 0 ? 'names' : 'states', buffer)
    await writer.room()
  }
  const chunks = await writer.finish()
  await writer.close()
  return { folder, file: { name: 'some.state', chunks } }
}

function numbers(first: number): number[] {
  return Array.from({ length: CHUNKS / 2 }, (_, k) => first + k * 2)
}
