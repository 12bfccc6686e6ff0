import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { currentIdentity } from '../engine/definitions.ts'
import type { Engine } from '../engine/engine.ts'
import { DamagedFile } from './chunk-reader.ts'
import { checkpointFolder, MANIFEST, newManifestName, ownerOf, stateName } from './files.ts'
import { bytesOf, type Chunk, type Manifest, type StateFile, sealManifest, unsealManifest } from './manifest.ts'
import { restoreEngine } from './restore.ts'
import { Snapshot } from './snapshot.ts'

/**
 * The engine's state on disk: a base with every borrower, then increments with those that changed. A manifest, replaced
 * at once, names the files, their chunks and the places in the log that they reach to. A file that is not as the manifest
 * says is not used: the state then comes from the log.
 */

/** Increments are folded into a new base when together they are this many times its size. */
const INCREMENTS_PER_BASE = 1
const INCREMENT_BYTES_KEPT = 64 * 1024 * 1024

export type Restored = { readonly engine: Engine; readonly ok: boolean; readonly detail: string }

/** Who writes to a folder that others may have written to, or may yet. */
export type Owner = {
  /** Another one for each who ever owned the folder, larger for later ones. */
  readonly number: number
  /** Asked before anything is replaced or removed: who has lost the folder changes nothing in it. */
  isOwned(): Promise<boolean>
}

/** Of a folder that belongs to one process for good, which has locked it. */
const ONLY_OWNER: Owner = { number: 0, isOwned: async () => true }

export class Checkpoints {
  readonly #folder: string
  readonly #identity: string
  readonly #owner: Owner
  #files: readonly StateFile[] = []
  /** Borrowers of each partition that the files name. */
  #named: readonly number[] = []
  /** A snapshot was begun and not written: what changed before it is in no increment. */
  #isUnfinished = false
  #number: number
  #isClosed = false
  #begunAt = 0
  /** The checkpoint that counts: when it was written, by the clock, and what that took, if it was done here. */
  written: { readonly at_ms: number; readonly duration_ms: number | undefined } | undefined
  #busy: Promise<unknown> = Promise.resolve()

  /** `identity` is that of the code which computes the state. */
  constructor(directory: string, identity: string = currentIdentity(), owner: Owner = ONLY_OWNER) {
    this.#identity = identity
    this.#owner = owner
    this.#folder = checkpointFolder(directory)
    mkdirSync(this.#folder, { recursive: true })
    const numbers = readdirSync(this.#folder).map((name) => Number.parseInt(name, 10))
    this.#number = Math.max(0, ...numbers.filter((number) => !Number.isNaN(number)))
  }

  /**
   * Begins a snapshot at this very place in the log. The engine must be between two calls; it may go on at once.
   * `turnBorrowers` are copied for each of its batches of evaluations.
   */
  begin(engine: Engine, turnBorrowers?: number): Snapshot {
    const [base, ...increments] = this.#files.map(bytesOf)
    const incrementBytes = increments.reduce((sum, bytes) => sum + bytes, 0)
    const isBase =
      base === undefined ||
      this.#isUnfinished ||
      incrementBytes > Math.max(base * INCREMENTS_PER_BASE, INCREMENT_BYTES_KEPT)
    this.#isUnfinished = true
    this.#begunAt = performance.now()
    const name = stateName(++this.#number, this.#owner.number)
    return new Snapshot(engine, this.#folder, name, isBase ? null : this.#named, turnBorrowers)
  }

  /**
   * Copies what is left of a snapshot, a slice at a time, and makes it the one that counts once
   * `acknowledged`, asked when all is copied, has resolved: a checkpoint never runs ahead of what the tables hold. False
   * when it was told to stop, or the folder is another's: then the one before counts.
   */
  async write(snapshot: Snapshot, acknowledged: () => Promise<void> = async () => {}): Promise<boolean> {
    const copying = this.#copy(snapshot)
    this.#busy = copying
    const chunks = await copying
    if (chunks === undefined) return false
    await acknowledged()
    if (this.#isClosed) return false
    const replacing = this.#replace(snapshot, chunks)
    this.#busy = replacing
    return replacing
  }

  /** Leaves a snapshot that is being written unfinished; the one before it counts. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#busy.catch(() => {})
  }

  /**
   * An engine as the checkpoint has it, or a new one, with the reason, when there is none that can be used: it is damaged,
   * of other code, or runs ahead of what the tables hold (`acknowledged`).
   */
  async restore(createEngine: () => Engine, acknowledged: ReadonlyMap<number, number>): Promise<Restored> {
    const manifest = this.#readManifest(acknowledged)
    if ('detail' in manifest) return { engine: createEngine(), ok: false, detail: manifest.detail }
    const engine = createEngine()
    try {
      await restoreEngine(engine, this.#folder, manifest)
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error
      return { engine: createEngine(), ok: false, detail: `checkpoint file ${error.message} is damaged` }
    }
    this.#files = manifest.files
    this.written = { at_ms: statSync(join(this.#folder, MANIFEST)).mtimeMs, duration_ms: undefined }
    this.#named = manifest.partitions.map(({ borrowers }) => borrowers)
    return { engine, ok: true, detail: `${this.#named.reduce((sum, one) => sum + one, 0)} borrowers` }
  }

  /** Undefined when it was told to stop. */
  async #copy(snapshot: Snapshot): Promise<Chunk[] | undefined> {
    try {
      while (snapshot.copySlice()) {
        await snapshot.room()
        // Whoever else has something to do does it now.
        await nextTurn()
        if (this.#isClosed) return undefined
      }
      return await snapshot.finish()
    } finally {
      await snapshot.close()
    }
  }

  /**
   * Between the question and the answer's use a former owner may still be put to sleep: what it then does costs the next
   * start a longer replay, or, as the files that it names are gone by then, a rebuild.
   */
  async #replace(snapshot: Snapshot, chunks: Chunk[]): Promise<boolean> {
    const file = { name: snapshot.name, chunks }
    const files = snapshot.isBase ? [file] : [...this.#files, file]
    const manifest: Manifest = { format: 3, identity: this.#identity, files, partitions: [...snapshot.shells] }
    const written = join(this.#folder, newManifestName(this.#owner.number))
    await writeDurably(written, sealManifest(manifest))
    if (!(await this.#owner.isOwned())) return false
    await rename(written, join(this.#folder, MANIFEST))
    await syncFolder(this.#folder)
    const before = this.#files
    this.#files = files
    this.#named = snapshot.shells.map(({ borrowers }) => borrowers)
    this.#isUnfinished = false
    this.written = { at_ms: Date.now(), duration_ms: performance.now() - this.#begunAt }
    await this.#removeOthers(before)
    return true
  }

  #readManifest(acknowledged: ReadonlyMap<number, number>): Manifest | { readonly detail: string } {
    const path = join(this.#folder, MANIFEST)
    if (!existsSync(path)) return { detail: 'no checkpoint' }
    const sealed = unsealManifest(readFileSync(path, 'utf8'))
    if (!sealed.ok) return { detail: 'the checkpoint manifest is damaged' }
    const { manifest } = sealed
    if (manifest?.identity !== this.#identity) return { detail: 'the checkpoint is of another release' }
    const ahead = manifest.partitions.some((one, partition) => one.offset > (acknowledged.get(partition) ?? -1))
    return ahead ? { detail: 'the checkpoint runs ahead of the tables' } : manifest
  }

  /** Removes what the manifest of before named, and what nobody names. What a later owner has begun is left alone. */
  async #removeOthers(before: readonly StateFile[]): Promise<void> {
    if (!(await this.#owner.isOwned())) return
    const kept = new Set([MANIFEST, ...this.#files.map((file) => file.name)])
    const replaced = new Set(before.map((file) => file.name))
    for (const name of readdirSync(this.#folder)) {
      const isOurs = replaced.has(name) || ownerOf(name) <= this.#owner.number
      if (isOurs && !kept.has(name)) rmSync(join(this.#folder, name), { force: true })
    }
  }
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the names in a folder durable, before files that the names of before led to are removed. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
