import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { unsealManifest } from '../../../pipelines/checkpoint/manifest.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { toIncoming } from './events.ts'
import { historyLines } from './history.ts'
import { withPipeline } from './open.ts'

const WAIT_MS = 5000
const folder = temporaryFolder()
/** Nothing is written to the tables before somebody asks for it. */
const options = {
  shape: { partitions: 2, slices: 3 },
  withoutModel: true,
  checkpointEvaluations: 300,
  featureRowsPerBlock: 100_000,
  flushAfterMs: 3_600_000,
}

async function until(isSo: () => boolean): Promise<boolean> {
  for (const end = performance.now() + WAIT_MS; performance.now() < end; await pause(5)) if (isSo()) return true
  return isSo()
}

describe('a checkpoint of a running pipeline', () => {
  it('counts once the tables hold all of it, and not before', async () => {
    const directory = join(folder, 'data')
    const checkpoint = join(directory, 'checkpoint')
    const manifest = join(checkpoint, 'manifest.json')
    const lines = historyLines({ borrowers: 10, days: 60, seed: 5 })
    await withPipeline(
      directory,
      async (pipeline) => {
        await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:z' }), undefined)
        const isCopied = () => readdirSync(checkpoint).some((name) => name.endsWith('.state'))
        expect(await until(isCopied)).toBe(true)
        await pause(200)
        expect(existsSync(manifest)).toBe(false)
        await pipeline.drain()
        expect(await until(() => existsSync(manifest))).toBe(true)
        const written = unsealManifest(readFileSync(manifest, 'utf8')).manifest
        expect(written?.partitions).toHaveLength(options.shape.partitions)
        written?.partitions.forEach(({ offset }, partition) => {
          expect(offset).toBeLessThanOrEqual(pipeline.sink.acknowledged.get(partition) ?? -1)
        })
      },
      options,
    )
  })

  it('comes soon after a start that had none and went through the log, so that the next start need not', async () => {
    const directory = join(folder, 'rebuilt')
    const checkpoint = join(directory, 'checkpoint')
    const manifest = join(checkpoint, 'manifest.json')
    const lines = historyLines({ borrowers: 10, days: 60, seed: 6 })
    const take = (partition: string, some: string[]) =>
      withPipeline(
        directory,
        async (pipeline) => {
          await pipeline.take(toIncoming(some, { tenant: 'default', partition }), undefined)
          await pipeline.drain()
          return until(() => existsSync(manifest))
        },
        options,
      )
    await take('file:z', lines.slice(0, -1))
    rmSync(checkpoint, { recursive: true })
    expect(await take('file:y', lines.slice(-1))).toBe(true)
  })
})
