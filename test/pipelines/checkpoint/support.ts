import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Checkpoints } from '../../../pipelines/checkpoint/checkpoint.ts'
import type { Engine } from '../../../pipelines/engine/engine.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const folder = temporaryFolder()
let directories = 0

export function newDirectory(): string {
  const directory = join(folder, `checkpoint-${directories++}`)
  mkdirSync(directory)
  return directory
}

/** Where an engine stands, as `progress` would say. */
export function placesOf(engine: Engine): Map<number, number> {
  return new Map(engine.partitions.map(({ partition, offset }) => [partition, offset]))
}

/** All of an engine's state as a checkpoint's bytes. */
export async function stateOf(engine: Engine): Promise<{ manifest: unknown; bytes: string }> {
  const directory = newDirectory()
  const checkpoints = new Checkpoints(directory)
  await checkpoints.write(checkpoints.begin(engine))
  const files = readdirSync(join(directory, 'checkpoint')).sort()
  const [state, manifest] = files.map((name) => readFileSync(join(directory, 'checkpoint', name)))
  return { manifest: JSON.parse(manifest?.toString() ?? ''), bytes: state?.toString('base64') ?? '' }
}
