import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LogRecord } from '../../../features/events/record.ts'
import { Checkpoints } from '../../../pipelines/checkpoint/checkpoint.ts'
import { checkpointFolder } from '../../../pipelines/checkpoint/files.ts'
import { currentIdentity } from '../../../pipelines/engine/definitions.ts'
import type { Engine } from '../../../pipelines/engine/engine.ts'
import { interleave, newEngine, process, readWholeLog } from '../engine/replay.ts'
import { toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { newDirectory, placesOf, stateOf } from './support.ts'

const shape = { partitions: 1, slices: 2 }
let records: LogRecord[] = []

beforeAll(async () => {
  await withPipeline(
    newDirectory(),
    async (pipeline) => {
      const lines = historyLines({ borrowers: 10, days: 30, seed: 8 })
      await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:history' }), undefined)
      await pipeline.drain()
      records = interleave(await readWholeLog(pipeline.database, shape))
    },
    { shape, withoutModel: true },
  )
})

/** An owner of a folder, who can lose it. */
function ownerOf(directory: string, number: number) {
  const owner = { number, isOwner: true, isOwned: async () => owner.isOwner }
  return { owner, checkpoints: new Checkpoints(directory, currentIdentity(), owner) }
}

async function engineAt(until: number): Promise<Engine> {
  const engine = newEngine(shape)
  await process(engine, records.slice(0, until), 500)
  return engine
}

const namesIn = (directory: string) => readdirSync(checkpointFolder(directory)).sort()
const manifestIn = (directory: string) => readFileSync(join(checkpointFolder(directory), 'manifest.json'), 'utf8')

/** A folder with a checkpoint, the owner that wrote it, and one that has taken it up since. */
async function twoOwners() {
  const directory = newDirectory()
  const former = ownerOf(directory, 3)
  const ofFormer = await engineAt(100)
  expect(await former.checkpoints.write(former.checkpoints.begin(ofFormer))).toBe(true)
  const now = ownerOf(directory, 4)
  const restored = await now.checkpoints.restore(() => newEngine(shape), placesOf(ofFormer))
  expect(restored.ok).toBe(true)
  return { directory, former, ofFormer, now, ofNow: restored.engine }
}

async function expectRestored(directory: string, engine: Engine): Promise<void> {
  const restored = await ownerOf(directory, 5).checkpoints.restore(() => newEngine(shape), placesOf(engine))
  expect(restored).toMatchObject({ ok: true })
  expect(await stateOf(restored.engine)).toEqual(await stateOf(engine))
}

describe('two owners of one folder', () => {
  it('never write a file of the same name, though both have counted the same files', async () => {
    const { directory, former, ofFormer, now, ofNow } = await twoOwners()
    await process(ofFormer, records.slice(100, 150), 50)
    await process(ofNow, records.slice(100, 200), 50)
    const late = former.checkpoints.begin(ofFormer)
    const current = now.checkpoints.begin(ofNow)
    expect(late.name).not.toBe(current.name)
    former.owner.isOwner = false
    expect(await now.checkpoints.write(current)).toBe(true)
    expect(await former.checkpoints.write(late)).toBe(false)
    await expectRestored(directory, ofNow)
  })

  it('change nothing once they know that the folder is another’s', async () => {
    const { directory, former, ofFormer, now, ofNow } = await twoOwners()
    await process(ofNow, records.slice(100, 200), 50)
    await now.checkpoints.write(now.checkpoints.begin(ofNow))
    const before = { names: namesIn(directory), manifest: manifestIn(directory) }
    former.owner.isOwner = false
    await process(ofFormer, records.slice(100, 150), 50)
    expect(await former.checkpoints.write(former.checkpoints.begin(ofFormer))).toBe(false)
    expect(manifestIn(directory)).toBe(before.manifest)
    expect(namesIn(directory)).toEqual(expect.arrayContaining(before.names))
    // What the former owner has left there goes with the next checkpoint.
    await process(ofNow, records.slice(200, 210), 50)
    await now.checkpoints.write(now.checkpoints.begin(ofNow))
    expect(namesIn(directory).filter((name) => name.includes('-3.'))).toEqual(
      before.names.filter((name) => name.includes('-3.')),
    )
    await expectRestored(directory, ofNow)
  })

  it('leave what a later owner has begun, even while they believe that the folder is theirs', async () => {
    const { directory, former, ofFormer, now, ofNow } = await twoOwners()
    await process(ofNow, records.slice(100, 200), 50)
    const current = now.checkpoints.begin(ofNow)
    await process(ofFormer, records.slice(100, 150), 50)
    expect(await former.checkpoints.write(former.checkpoints.begin(ofFormer))).toBe(true)
    expect(existsSync(join(checkpointFolder(directory), current.name))).toBe(true)
    former.owner.isOwner = false
    expect(await now.checkpoints.write(current)).toBe(true)
    await expectRestored(directory, ofNow)
  })

  it('remove nothing if they lose the folder after they have replaced the manifest', async () => {
    const { directory, former, ofFormer } = await twoOwners()
    const [first] = namesIn(directory)
    let asks = 0
    const { checkpoints } = former
    former.owner.isOwned = async () => asks++ === 0
    // Nobody's, so that the next removal would take it.
    const abandoned = checkpoints.begin(ofFormer)
    await abandoned.close()
    expect(await checkpoints.write(checkpoints.begin(ofFormer))).toBe(true)
    expect(asks).toBe(2)
    expect(namesIn(directory)).toEqual(expect.arrayContaining([first, abandoned.name]))
  })
})
