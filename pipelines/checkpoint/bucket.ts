import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  ATTEMPTS_MAX,
  again,
  answerOf,
  asked,
  atOnce,
  BucketFailure,
  type CheckpointBucketUnavailable,
  NotAsExpected,
  type Stopped,
  statusOf,
} from './bucket-requests.ts'
import { isStateName, MANIFEST } from './files.ts'
import { bytesOf, type Manifest, unsealManifest } from './manifest.ts'

/**
 * Copies of checkpoints in an S3-compatible bucket, `<prefix>/<partition>/<file>`. Nothing here is needed for a right
 * answer: without a copy, or with one that is damaged, which `Checkpoints` finds after it was pulled, the state comes from
 * the tables.
 */

/** A manifest that others replace between our look and our put: seldom twice. */
const CONDITION_ATTEMPTS_MAX = 3
/** Connections of a process to the bucket. */
const CONNECTIONS_MAX = 16
const CONNECT_MS_MAX = 3000
/** A connection on which nothing moves for so long is given up. */
export const SILENT_MS_MAX = 10_000
/** What S3 takes in one put, 5 GB. A partition's base is a tenth of that with a million borrowers. */
const PUT_BYTES_MAX = 5 * 1024 ** 3

export type BucketOptions = {
  readonly bucket: string
  /** Of all keys, without a slash at its end; empty for none. */
  readonly prefix: string
  /** URL of a store that is not AWS's. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** The bucket's name is in the path, not in the host's name. */
  readonly pathStyle?: boolean | undefined
  /** Instead of those that the client finds itself, in its usual places. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
  readonly silentMsMax?: number | undefined
}

export type Pulled =
  /** The folder has the bucket's checkpoint now. */
  | { readonly kind: 'pulled'; readonly files: number; readonly bytes: number }
  /** The folder has a checkpoint that is at least as new. */
  | { readonly kind: 'kept' }
  /** The bucket has none that could be used. */
  | { readonly kind: 'none' }
  | CheckpointBucketUnavailable
  | Stopped

export type Pushed =
  | { readonly kind: 'pushed'; readonly files: number; readonly bytes: number }
  /** The bucket has the checkpoint of a later owner, or there is one: nothing of it was changed. */
  | { readonly kind: 'superseded' }
  | CheckpointBucketUnavailable
  | Stopped

export type Bucket = {
  /** The copies of one partition's checkpoint, whose files are in `folder`. */
  copiesOf(partition: number, folder: string): BucketCopies
  close(): void
}

export function openBucket(options: BucketOptions): Bucket {
  const { bucket, prefix, endpoint, region, pathStyle, credentials, silentMsMax = SILENT_MS_MAX } = options
  const agent = { maxSockets: CONNECTIONS_MAX, keepAlive: true }
  const client = new S3Client({
    maxAttempts: ATTEMPTS_MAX,
    // A checkpoint has checksums of its own, and not every store knows those of S3.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS_MAX,
      socketTimeout: silentMsMax,
      httpAgent: agent,
      httpsAgent: agent,
    },
    // It warns of files that it does not send again; that is done here.
    logger: SILENT,
    ...(endpoint === undefined ? {} : { endpoint, region: 'us-east-1' }),
    ...(region === undefined ? {} : { region }),
    ...(pathStyle === undefined ? {} : { forcePathStyle: pathStyle }),
    ...(credentials === undefined ? {} : { credentials }),
  })
  return {
    copiesOf: (partition, folder) =>
      new BucketCopies(client, bucket, `${prefix === '' ? '' : `${prefix}/`}${partition}/`, folder),
    close: () => client.destroy(),
  }
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

type Listed = { readonly bytes: number; readonly etag: string | undefined }

export class BucketCopies {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  readonly #folder: string
  /** Of files that are not received yet: two processes of a machine may share the folder. */
  readonly #unfinished = `.${randomUUID()}.part`
  /** Of the manifest that was pulled or pushed last: where it is still there, nobody else has written since. */
  #etag: string | undefined
  /** Whether the store knows conditions on a put. Where it does not, a stale manifest may slip in: a longer replay. */
  #hasConditions = true

  constructor(client: S3Client, bucket: string, prefix: string, folder: string) {
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix
    this.#folder = folder
  }

  /**
   * Brings the folder to what the bucket has, where that is newer and of the same code (`identity`), the manifest last.
   * Nobody may use the folder meanwhile.
   */
  async pull(identity: string, signal: AbortSignal): Promise<Pulled> {
    return answerOf(signal, async () => {
      const found = await this.#readManifest(signal)
      if (found === undefined) return { kind: 'none' }
      this.#etag = found.etag
      const { manifest } = unsealManifest(found.text)
      if (manifest?.identity !== identity || !manifest.files.every(({ name }) => isStateName(name))) {
        return { kind: 'none' }
      }
      const local = (await readLocal(this.#folder)).manifest
      const isNewer = local?.identity === identity && placeOf(local) >= placeOf(manifest)
      if (isNewer && (await isWhole(this.#folder, local))) return { kind: 'kept' }
      await mkdir(this.#folder, { recursive: true })
      let files = 0
      let bytes = 0
      await atOnce(manifest.files, async (file) => {
        if ((await sizeOf(join(this.#folder, file.name))) === bytesOf(file)) return
        await this.#download(file.name, signal)
        files++
        bytes += bytesOf(file)
      })
      const path = join(this.#folder, MANIFEST)
      await writeFile(`${path}${this.#unfinished}`, found.text)
      await rename(`${path}${this.#unfinished}`, path)
      return { kind: 'pulled', files, bytes }
    })
  }

  /**
   * Brings the bucket to what the folder has: files first, then the manifest, then what it does not name is removed. The
   * folder's checkpoint must stay as it is meanwhile. `isOwned` is asked before anything is replaced or removed.
   */
  async push(isOwned: () => Promise<boolean>, signal: AbortSignal): Promise<Pushed> {
    return answerOf(signal, async () => {
      const local = await readLocal(this.#folder)
      const { manifest } = local
      if (manifest === undefined) throw new Error(`${this.#folder} has no manifest to push`)
      const listed = await this.#list(signal)
      const missing = manifest.files.filter((file) => listed.get(file.name)?.bytes !== bytesOf(file))
      await atOnce(missing, ({ name }) => this.#upload(name, signal))
      if (!(await isOwned())) return { kind: 'superseded' }
      if (!(await this.#putManifest(local.text, manifest, listed.get(MANIFEST)?.etag, signal))) {
        return { kind: 'superseded' }
      }
      const named = new Set(manifest.files.map(({ name }) => name))
      const others = [...listed.keys()].filter((name) => isStateName(name) && !named.has(name))
      await atOnce(others, async (name) => {
        if (await isOwned())
          await asked(this.#client.send(new DeleteObjectCommand(this.#at(name)), { abortSignal: signal }))
      })
      return { kind: 'pushed', files: missing.length, bytes: missing.reduce((sum, file) => sum + bytesOf(file), 0) }
    })
  }

  /** False where the bucket has a newer one, which another has put there. */
  async #putManifest(
    text: string,
    manifest: Manifest,
    seen: string | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    let etag = seen
    for (let attempt = 1; ; attempt++) {
      if (etag !== undefined && etag !== this.#etag) {
        const found = await this.#readManifest(signal)
        // Ours, where the answer to a put before was lost.
        if (found?.text === text) {
          this.#etag = found.etag
          return true
        }
        const theirs = found === undefined ? undefined : unsealManifest(found.text).manifest
        if (theirs !== undefined && placeOf(theirs) > placeOf(manifest)) return false
        etag = found?.etag
      }
      try {
        this.#etag = await this.#putIf(text, etag, signal)
        return true
      } catch (error) {
        if (!(error instanceof NotAsExpected) || attempt === CONDITION_ATTEMPTS_MAX) throw error
        etag = (await this.#list(signal)).get(MANIFEST)?.etag
      }
    }
  }

  /** Puts the manifest where the one that is there has this entity tag, or none is there. */
  async #putIf(text: string, etag: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const put = { ...this.#at(MANIFEST), Body: text, ContentType: 'application/json' }
    const condition = etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }
    try {
      const command = new PutObjectCommand(this.#hasConditions ? { ...put, ...condition } : put)
      return (await asked(this.#client.send(command, { abortSignal: signal }))).ETag
    } catch (error) {
      if (!this.#hasConditions || statusOf(error) !== 501) throw error
      this.#hasConditions = false
      return this.#putIf(text, etag, signal)
    }
  }

  async #readManifest(signal: AbortSignal): Promise<{ text: string; etag: string | undefined } | undefined> {
    try {
      return await again(signal, async () => {
        const { Body, ETag } = await asked(
          this.#client.send(new GetObjectCommand(this.#at(MANIFEST)), { abortSignal: signal }),
        )
        return { text: await asked(Body?.transformToString() ?? Promise.resolve('')), etag: ETag }
      })
    } catch (error) {
      if (error instanceof NotAsExpected) return undefined
      throw error
    }
  }

  async #list(signal: AbortSignal): Promise<Map<string, Listed>> {
    const listed = new Map<string, Listed>()
    let token: string | undefined
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      })
      const page: ListObjectsV2CommandOutput = await asked(this.#client.send(command, { abortSignal: signal }))
      for (const { Key = '', Size = 0, ETag } of page.Contents ?? []) {
        listed.set(Key.slice(this.#prefix.length), { bytes: Size, etag: ETag })
      }
      token = page.NextContinuationToken
    } while (token !== undefined)
    return listed
  }

  async #upload(name: string, signal: AbortSignal): Promise<void> {
    const path = join(this.#folder, name)
    const { size } = await stat(path)
    if (size > PUT_BYTES_MAX) throw new BucketFailure(`${name} is larger than a bucket takes at once`)
    await again(signal, async () => {
      const Body = createReadStream(path)
      const unreadable = new AbortController()
      Body.on('error', () => unreadable.abort())
      const abortSignal = AbortSignal.any([signal, unreadable.signal])
      try {
        const command = new PutObjectCommand({ ...this.#at(name), Body, ContentLength: size })
        await asked(this.#client.send(command, { abortSignal }))
      } finally {
        Body.destroy()
      }
    })
  }

  async #download(name: string, signal: AbortSignal): Promise<void> {
    const path = join(this.#folder, `${name}${this.#unfinished}`)
    await again(signal, async () => {
      try {
        const { Body } = await asked(this.#client.send(new GetObjectCommand(this.#at(name)), { abortSignal: signal }))
        await asked(pipeline(Body as Readable, createWriteStream(path), { signal }))
        await rename(path, join(this.#folder, name))
      } catch (error) {
        await rm(path, { force: true })
        // The manifest names it, and it may be gone by now: the next start sees a later one.
        throw error instanceof NotAsExpected ? new BucketFailure(`${name} is not in the bucket`) : error
      }
    })
  }

  #at(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${name}` }
  }
}

/** How far a checkpoint of one partition reaches. */
function placeOf({ partitions }: Manifest): number {
  return partitions[0]?.offset ?? -1
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size
}

/** The manifest of a folder; undefined where there is none or it is damaged. */
async function readLocal(folder: string): Promise<{ text: string; manifest: Manifest | undefined }> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => '')
  return { text, manifest: unsealManifest(text).manifest }
}

async function isWhole(folder: string, { files }: Manifest): Promise<boolean> {
  const sizes = await Promise.all(files.map(({ name }) => sizeOf(join(folder, name))))
  return files.every((file, k) => sizes[k] === bytesOf(file))
}
