import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LogRecord } from '../../../features/events/record.ts'
import { type Bucket, openBucket } from '../../../pipelines/checkpoint/bucket.ts'
import { ATTEMPTS_MAX } from '../../../pipelines/checkpoint/bucket-requests.ts'
import { Checkpoints } from '../../../pipelines/checkpoint/checkpoint.ts'
import { checkpointFolder } from '../../../pipelines/checkpoint/files.ts'
import { sealManifest, unsealManifest } from '../../../pipelines/checkpoint/manifest.ts'
import { currentIdentity } from '../../../pipelines/engine/definitions.ts'
import type { Engine } from '../../../pipelines/engine/engine.ts'
import { interleave, newEngine, process, readWholeLog } from '../engine/replay.ts'
import { toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { type S3Server, startS3 } from './s3-server.ts'
import { newDirectory, placesOf, stateOf } from './support.ts'

const shape = { partitions: 1, slices: 2 }
const PARTITION = 1
const PREFIX = 'bucket/some/prefix/1/'
const MANIFEST = `${PREFIX}manifest.json`
const SILENT_MS_MAX = 300
const IDENTITY = currentIdentity()
const NEVER = new AbortController().signal
const owned = async () => true
const HTTP_500 = { kind: 'status', status: 500, code: 'InternalError' } as const

let records: LogRecord[] = []
let s3: S3Server
let bucket: Bucket

beforeAll(async () => {
  await withPipeline(
    newDirectory(),
    async (pipeline) => {
      const lines = historyLines({ borrowers: 20, days: 40, seed: 4 })
      await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:history' }), undefined)
      await pipeline.drain()
      records = interleave(await readWholeLog(pipeline.database, shape))
    },
    { shape, withoutModel: true },
  )
})

beforeEach(async () => {
  s3 = await startS3()
  bucket = openBucket({
    bucket: 'bucket',
    prefix: 'some/prefix',
    endpoint: s3.url,
    pathStyle: true,
    credentials: { accessKeyId: 'someone', secretAccessKey: 'secret' },
    silentMsMax: SILENT_MS_MAX,
  })
})

afterEach(async () => {
  bucket.close()
  await s3.close()
})

/** A process that owns the partition, with a folder of its own. */
function newOwner(owner: number) {
  const directory = newDirectory()
  const copies = bucket.copiesOf(PARTITION, checkpointFolder(directory))
  const open = () => new Checkpoints(directory, IDENTITY, { number: owner, isOwned: owned })
  const restore = (engine: Engine) => open().restore(() => newEngine(shape), placesOf(engine))
  return { folder: checkpointFolder(directory), copies, open, restore }
}

/** An owner that has taken `cuts` records, each time with a checkpoint in its folder. */
async function ownerAt(owner: number, ...cuts: readonly number[]) {
  const one = newOwner(owner)
  const checkpoints = one.open()
  const engine = newEngine(shape)
  async function goOn(from: number, until: number): Promise<void> {
    await process(engine, records.slice(from, until), 500)
    await checkpoints.write(checkpoints.begin(engine))
  }
  for (const [k, until] of cuts.entries()) await goOn(cuts[k - 1] ?? 0, until)
  return { ...one, engine, goOn }
}

const stored = () => [...s3.objects.keys()].filter((key) => key.startsWith(PREFIX)).sort()
const statesOf = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.state'))
const asked = (method: string) => s3.requests.filter((request) => request.startsWith(method))
const copyOf = (objects: ReadonlyMap<string, Buffer>) => new Map(objects)

function change(key: string, at: number): void {
  const bytes = Buffer.from(s3.objects.get(key) as Buffer)
  bytes[at] = (bytes[at] as number) ^ 1
  s3.objects.set(key, bytes)
}

describe('a checkpoint in a bucket', () => {
  it('brings another machine to the same state: files first, the manifest last', async () => {
    const before = await ownerAt(1, 300, 500)
    expect(await before.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed', files: 2 })
    expect(asked('PUT').at(-1)).toBe(`PUT ${MANIFEST}`)
    expect(stored()).toEqual(readdirSync(before.folder).map((name) => `${PREFIX}${name}`))
    const after = newOwner(2)
    expect(await after.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled', files: 2 })
    const restored = await after.restore(before.engine)
    expect(restored.ok).toBe(true)
    expect(await stateOf(restored.engine)).toEqual(await stateOf(before.engine))
  })

  it('moves only what is missing, and removes what is named no more', async () => {
    const one = await ownerAt(1, 300)
    await one.copies.push(owned, NEVER)
    await one.goOn(300, 500)
    expect(await one.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed', files: 1 })
    const two = newOwner(2)
    await two.copies.pull(IDENTITY, NEVER)
    s3.objects.set(`${PREFIX}00000001-0.state`, Buffer.from('nobody names it'))
    s3.objects.set('bucket/some/prefix/11/00000001-0.state', Buffer.from('another partition'))
    await one.goOn(500, 600)
    expect(await one.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed', files: 1 })
    expect(stored()).toEqual(readdirSync(one.folder).map((name) => `${PREFIX}${name}`))
    expect(s3.objects.has('bucket/some/prefix/11/00000001-0.state')).toBe(true)
    expect(await two.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled', files: 1 })
    expect(await stateOf((await two.restore(one.engine)).engine)).toEqual(await stateOf(one.engine))
  })

  it('is put back where a file of it was lost', async () => {
    const one = await ownerAt(1, 300)
    await one.copies.push(owned, NEVER)
    s3.objects.delete(`${PREFIX}${statesOf(one.folder)[0]}`)
    expect(await newOwner(2).copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'CheckpointBucketUnavailable' })
    expect(await one.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed', files: 1 })
    expect(await newOwner(3).copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled' })
  })

  it('is found in a list of several pages', async () => {
    const one = await ownerAt(1, 200, 300, 400, 500)
    await one.copies.push(owned, NEVER)
    s3.pageSize = 2
    await one.goOn(500, 600)
    expect(await one.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed', files: 1 })
  })

  it('is left where the folder has a newer one, unless a file of that is gone', async () => {
    const one = await ownerAt(1, 300)
    await one.copies.push(owned, NEVER)
    await one.goOn(300, 500)
    expect(await one.copies.pull(IDENTITY, NEVER)).toEqual({ kind: 'kept' })
    expect((await one.restore(one.engine)).ok).toBe(true)
    rmSync(join(one.folder, statesOf(one.folder)[1] as string))
    expect(await one.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled' })
  })

  it('is left where it is of another release', async () => {
    await (await ownerAt(1, 300)).copies.push(owned, NEVER)
    const { copies, folder } = newOwner(2)
    expect(await copies.pull('another release', NEVER)).toEqual({ kind: 'none' })
    expect(() => readdirSync(folder)).toThrow('ENOENT')
  })

  it('is not there at first', async () => {
    expect(await newOwner(1).copies.pull(IDENTITY, NEVER)).toEqual({ kind: 'none' })
  })
})

describe('a changed byte in the bucket', () => {
  it.each([0, 0.5, 0.999])('is found in a file, at %s of it, after it was pulled', async (share) => {
    const one = await ownerAt(1, 300)
    await one.copies.push(owned, NEVER)
    const key = `${PREFIX}${statesOf(one.folder)[0]}`
    change(key, Math.floor((s3.objects.get(key)?.length ?? 0) * share))
    const two = newOwner(2)
    expect(await two.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled' })
    expect(await two.restore(one.engine)).toMatchObject({ ok: false, detail: expect.stringContaining('is damaged') })
  })

  it('is found in the manifest, which the next owner replaces', async () => {
    const one = await ownerAt(1, 500)
    await one.copies.push(owned, NEVER)
    change(MANIFEST, 200)
    const two = await ownerAt(2, 300)
    expect(await newOwner(3).copies.pull(IDENTITY, NEVER)).toEqual({ kind: 'none' })
    expect(await two.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed' })
    expect(await newOwner(3).copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled' })
  })

  it('cannot make a name lead out of the folder', async () => {
    const one = await ownerAt(1, 300)
    await one.copies.push(owned, NEVER)
    const { manifest } = unsealManifest(s3.objects.get(MANIFEST)?.toString() ?? '')
    const files = manifest!.files.map((file) => ({ ...file, name: '../../00000001.state' }))
    s3.objects.set(MANIFEST, sealManifest({ ...manifest!, files }))
    expect(await newOwner(2).copies.pull(IDENTITY, NEVER)).toEqual({ kind: 'none' })
  })
})

describe('a bucket that fails', () => {
  const once = (start: string, kind: 'status' | 'silent' | 'cut') => {
    let isDone = false
    s3.fault = (request) => {
      if (isDone || !request.startsWith(start)) return undefined
      isDone = true
      return kind === 'status' ? HTTP_500 : { kind }
    }
  }

  it.each([
    [`PUT ${PREFIX}0`, 'status'],
    [`PUT ${PREFIX}0`, 'silent'],
    [`PUT ${PREFIX}0`, 'cut'],
    [`PUT ${MANIFEST}`, 'status'],
    [`PUT ${MANIFEST}`, 'silent'],
    // It was put, and nobody was told.
    [`PUT ${MANIFEST}`, 'cut'],
    ['LIST', 'status'],
    ['LIST', 'cut'],
  ] as const)('once, at %s (%s): the checkpoint arrives all the same', async (start, kind) => {
    const one = await ownerAt(1, 300, 500)
    once(start, kind)
    expect(await one.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed' })
    expect(asked(start).length).toBeGreaterThan(1)
    const two = newOwner(2)
    expect(await two.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled' })
    expect((await two.restore(one.engine)).ok).toBe(true)
  })

  it.each([
    [`GET ${PREFIX}0`, 'status'],
    [`GET ${PREFIX}0`, 'silent'],
    [`GET ${PREFIX}0`, 'cut'],
    [`GET ${MANIFEST}`, 'status'],
    [`GET ${MANIFEST}`, 'cut'],
  ] as const)('once, at %s (%s): it is pulled all the same', async (start, kind) => {
    const one = await ownerAt(1, 300, 500)
    await one.copies.push(owned, NEVER)
    const two = newOwner(2)
    once(start, kind)
    expect(await two.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled', files: 2 })
    expect(await stateOf((await two.restore(one.engine)).engine)).toEqual(await stateOf(one.engine))
    expect(readdirSync(two.folder).sort()).toEqual(readdirSync(one.folder).sort())
  })

  it.each(['status', 'silent', 'cut'] as const)(
    'for good (%s): says so after a few attempts, and not the next time',
    async (kind) => {
      const one = await ownerAt(1, 300)
      s3.fault = () => (kind === 'status' ? HTTP_500 : { kind })
      expect(await one.copies.push(owned, NEVER)).toMatchObject({ kind: 'CheckpointBucketUnavailable' })
      expect(await one.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'CheckpointBucketUnavailable' })
      expect(s3.requests).toHaveLength(2 * ATTEMPTS_MAX)
      s3.fault = (request) => (request.startsWith('PUT') ? (kind === 'status' ? HTTP_500 : { kind }) : undefined)
      expect(await one.copies.push(owned, NEVER)).toMatchObject({ kind: 'CheckpointBucketUnavailable' })
      expect(asked('PUT')).toHaveLength(ATTEMPTS_MAX)
      s3.fault = () => undefined
      expect(await one.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed' })
    },
  )

  it('with a file half received: the folder is as it was', async () => {
    const one = await ownerAt(1, 300)
    await one.copies.push(owned, NEVER)
    await one.goOn(300, 500)
    const two = newOwner(2)
    await two.copies.pull(IDENTITY, NEVER)
    const before = readdirSync(two.folder)
    const manifest = readFileSync(join(two.folder, 'manifest.json'), 'utf8')
    await one.copies.push(owned, NEVER)
    s3.fault = (request) => (request.startsWith(`GET ${PREFIX}0`) ? { kind: 'cut' } : undefined)
    expect(await two.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'CheckpointBucketUnavailable' })
    expect(readdirSync(two.folder)).toEqual(before)
    expect(readFileSync(join(two.folder, 'manifest.json'), 'utf8')).toBe(manifest)
  })

  it('is not asked again by whoever is refused, or told to stop', async () => {
    const one = await ownerAt(1, 300)
    s3.fault = () => ({ kind: 'status', status: 403, code: 'AccessDenied' })
    expect(await one.copies.push(owned, NEVER)).toMatchObject({ message: expect.stringContaining('AccessDenied') })
    expect(s3.requests).toHaveLength(1)
    s3.fault = () => ({ kind: 'silent' })
    const stopping = new AbortController()
    const pushed = one.copies.push(owned, stopping.signal)
    stopping.abort()
    expect(await pushed).toEqual({ kind: 'stopped' })
  })

  it('as nobody listens there', async () => {
    const one = await ownerAt(1, 300)
    await s3.close()
    expect(await one.copies.push(owned, NEVER)).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') })
  })
})

describe.each([true, false])('a former owner that wakes up (conditions on a put known: %s)', (hasConditions) => {
  beforeEach(() => {
    s3.hasConditions = hasConditions
  })

  it('does not replace a newer checkpoint, and removes none of its files', async () => {
    const former = await ownerAt(1, 300)
    await former.copies.push(owned, NEVER)
    const now = await ownerAt(2, 300, 500)
    await now.copies.pull(IDENTITY, NEVER)
    expect(await now.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed' })
    const before = copyOf(s3.objects)
    await former.goOn(300, 400)
    expect(await former.copies.push(owned, NEVER)).toEqual({ kind: 'superseded' })
    for (const [key, bytes] of before) expect(s3.objects.get(key)?.equals(bytes), key).toBe(true)
    // What the former owner has left there is gone with the next.
    await now.goOn(500, 600)
    await now.copies.push(owned, NEVER)
    expect(stored()).toEqual(readdirSync(now.folder).map((name) => `${PREFIX}${name}`))
  })

  it('changes nothing once it knows', async () => {
    const former = await ownerAt(1, 300)
    expect(await former.copies.push(async () => false, NEVER)).toEqual({ kind: 'superseded' })
    expect(s3.objects.has(MANIFEST)).toBe(false)
    await former.copies.push(owned, NEVER)
    s3.objects.set(`${PREFIX}00000002-2.state`, Buffer.from('on its way'))
    let asks = 0
    await former.goOn(300, 400)
    await former.copies.push(async () => asks++ === 0, NEVER)
    expect(asks).toBeGreaterThan(1)
    expect(s3.objects.has(`${PREFIX}00000002-2.state`)).toBe(true)
  })

  it('gives way to a manifest that comes between its look and its put, where the store can tell', async () => {
    const former = await ownerAt(1, 300)
    await former.copies.push(owned, NEVER)
    const now = await ownerAt(2, 300, 500)
    const newer = readFileSync(join(now.folder, 'manifest.json'))
    s3.before = (request) => {
      if (request === `PUT ${MANIFEST}`) s3.objects.set(MANIFEST, newer)
    }
    await former.goOn(300, 400)
    const pushed = await former.copies.push(owned, NEVER)
    // The race that is left without conditions: a longer replay for whoever comes next.
    expect(pushed.kind).toBe(hasConditions ? 'superseded' : 'pushed')
    expect(s3.objects.get(MANIFEST)?.equals(newer)).toBe(hasConditions)
  })

  it('replaces what it has found there itself, however far that reaches: the tables may have been lost', async () => {
    await (await ownerAt(1, 500)).copies.push(owned, NEVER)
    const next = newOwner(2)
    expect(await next.copies.pull(IDENTITY, NEVER)).toMatchObject({ kind: 'pulled' })
    const engine = newEngine(shape)
    await process(engine, records.slice(0, 300), 500)
    const checkpoints = next.open()
    await checkpoints.write(checkpoints.begin(engine))
    expect(await next.copies.push(owned, NEVER)).toMatchObject({ kind: 'pushed' })
  })
})
