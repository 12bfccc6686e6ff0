import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openBucket } from '../../../pipelines/checkpoint/bucket.ts'
import { checkpointFolder } from '../../../pipelines/checkpoint/files.ts'
import { sealManifest } from '../../../pipelines/checkpoint/manifest.ts'
import { bucketPlace } from '../../../pipelines/cluster/checkpoint-copies.ts'
import { checkpointBucket, parseClusterConfig } from '../../../pipelines/cluster/cluster-config.ts'
import { type S3Server, startS3 } from '../checkpoint/s3-server.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const folder = temporaryFolder()

function configured(more: object) {
  const kafka = { brokers: ['kafka:9092'] }
  return parseClusterConfig({ kafka, clickhouse: { url: 'http://clickhouse:8123' }, ...more }, 'test')
}

describe('the place of checkpoints', () => {
  it.each([
    ['s3://bucket', { bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { bucket: 'bucket', prefix: '' }],
    ['s3://my.bucket-1/a/b/', { bucket: 'my.bucket-1', prefix: 'a/b' }],
    ['/var/lib/checkpoints', undefined],
    ['checkpoints', undefined],
  ])('%s', (checkpoints, expected) => {
    const read = configured({ checkpoints })
    expect(read.ok && checkpointBucket(read.config)).toEqual(expected)
  })

  it.each(['s3://', 's3:/bucket', 's3://No_Bucket/a', ''])('cannot be %j', (checkpoints) => {
    expect(configured({ checkpoints })).toMatchObject({ ok: false, detail: expect.stringContaining('checkpoints') })
  })
})

/** A partition's copies, with a checkpoint in the folder, and what was logged. */
function opened(s3: S3Server, name: string) {
  const logged: string[] = []
  const bucket = openBucket({
    bucket: 'bucket',
    prefix: '',
    endpoint: s3.url,
    pathStyle: true,
    credentials: { accessKeyId: 'someone', secretAccessKey: 'secret' },
  })
  const place = bucketPlace(bucket, join(folder, name), (level, message) => {
    if (level !== 'debug') logged.push(`${level}: ${message}`)
  })
  const path = checkpointFolder(join(folder, name, '0'))
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'manifest.json'), sealManifest({ format: 3, identity: 'x', files: [], partitions: [] }))
  const lost = new AbortController()
  const copies = place.copiesOf?.(0, { number: 1, isCurrent: () => !lost.signal.aborted, lost: lost.signal })
  if (copies === undefined) throw new Error('a bucket has copies')
  return { copies, place, logged, lost }
}

describe('copies of a partition', () => {
  it('do without a bucket that fails, and say so once', async () => {
    const s3 = await startS3()
    const { copies, place, logged } = opened(s3, 'fails')
    s3.fault = () => ({ kind: 'status', status: 403, code: 'AccessDenied' })
    await copies.pull('x')
    await copies.push()
    await copies.push()
    expect(logged).toEqual(['warn: the checkpoint bucket is not available: going on without'])
    s3.fault = () => undefined
    await copies.push()
    await copies.push()
    expect(logged.slice(1)).toEqual(['info: the checkpoint bucket answers again'])
    expect([...s3.objects.keys()]).toEqual(['bucket/0/manifest.json'])
    place.close()
    await s3.close()
  })

  it.each(['stop', 'lose'])('end at once what is under way: %s', async (how) => {
    const s3 = await startS3()
    const { copies, place, logged, lost } = opened(s3, how)
    const isAsked = Promise.withResolvers<void>()
    s3.before = () => isAsked.resolve()
    s3.fault = () => ({ kind: 'silent' })
    const began = performance.now()
    const pushed = copies.push()
    await isAsked.promise
    if (how === 'stop') await copies.stop()
    else lost.abort()
    await pushed
    // The silence alone would be borne for 10 s.
    expect(performance.now() - began).toBeLessThan(5000)
    expect(logged).toEqual([])
    place.close()
    await s3.close()
  })
})
