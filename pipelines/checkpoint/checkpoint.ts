import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { TenantConfiguration } from '../../features/events/contract.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { ByteReader, ByteWriter } from '../../features/state/bytes.ts'
import { readBorrower, writeBorrower } from '../../features/state/serialize.ts'
import { currentIdentity } from '../engine/definitions.ts'
import type { Engine } from '../engine/engine.ts'
import { readDecision, writeDecision } from './decision-bytes.ts'

/**
 * The engine's state on disk: a base with every borrower, then increments with those that changed. A manifest, replaced
 * at once, names the files and the places in the log that they reach to. A file that is not as the manifest says is not
 * used: the state then comes from the log.
 */

const MANIFEST = 'manifest.json'
/** Increments are folded into a new base when together they are this many times its size. */
const INCREMENTS_PER_BASE = 1
const INCREMENT_BYTES_KEPT = 64 * 1024 * 1024

const manifestSchema = z.strictObject({
  format: z.literal(1),
  /** What the state was computed by; other code must not take it up. */
  identity: z.string(),
  files: z.array(z.strictObject({ name: z.string(), bytes: z.int(), sha256: z.string() })),
  partitions: z.array(
    z.strictObject({
      offset: z.int(),
      definitions: z.unknown(),
      feed_seqs: z.record(z.string(), z.int()),
      borrowers: z.int(),
      /** Words that loans share, by their numbers. */
      names: z.array(z.string()),
      tenants: z.array(
        z.strictObject({
          tenant: z.string(),
          configuration: z.unknown(),
          indices: z.array(z.tuple([z.string(), z.array(z.number()), z.array(z.number())])),
          slices: z.array(z.strictObject({ closings: z.int(), closed_day: z.int().nullable() })),
        }),
      ),
    }),
  ),
})
type Manifest = z.output<typeof manifestSchema>

/** What stands in the manifest's file: a changed digit in it would else go unseen. */
const sealedSchema = z.strictObject({ sha256: z.string(), manifest: z.unknown() })

export type Snapshot = { readonly manifest: Omit<Manifest, 'files'>; readonly bytes: Buffer; readonly isBase: boolean }

export class Checkpoints {
  readonly #folder: string
  readonly #identity: string
  #files: Manifest['files'] = []
  #number = 0

  /** `identity` is that of the code which computes the state. */
  constructor(directory: string, identity: string = currentIdentity()) {
    this.#identity = identity
    this.#folder = join(directory, 'checkpoint')
    mkdirSync(this.#folder, { recursive: true })
  }

  /** Copies what changed since the last one, at this very place in the log. The engine must be between two calls. */
  take(engine: Engine): Snapshot {
    const baseBytes = this.#files[0]?.bytes ?? 0
    const increments = this.#files.slice(1).reduce((sum, file) => sum + file.bytes, 0)
    const isBase =
      this.#files.length === 0 || increments > Math.max(baseBytes * INCREMENTS_PER_BASE, INCREMENT_BYTES_KEPT)
    const writer = new ByteWriter(1 << 20)
    for (const state of engine.partitions) {
      state.features.book.save()
      const indexes = isBase ? state.features.borrowers.keys() : state.dirty
      for (const index of indexes) {
        const borrower = state.features.borrowers[index]
        if (borrower === undefined) continue
        const at = writer.length
        writer.u32(0)
        writer.u32(state.partition)
        writer.u32(index)
        writer.string(borrower.tenant.name)
        writer.string(borrower.token)
        writer.f64(closedDayOf(state, borrower))
        writeBorrower(borrower, state.features, writer)
        writeDecision(state.decisions[index], writer)
        writer.setU32(at, writer.length - at)
      }
      state.dirty.clear()
    }
    return { manifest: manifestOf(engine, this.#identity), bytes: writer.view(), isBase }
  }

  /** Writes a snapshot. Only once all that it includes has been acknowledged: a checkpoint never runs ahead. */
  async write(snapshot: Snapshot): Promise<void> {
    const name = `${String(++this.#number).padStart(8, '0')}.state`
    await writeDurably(join(this.#folder, name), snapshot.bytes)
    const file = { name, bytes: snapshot.bytes.length, sha256: sha256(snapshot.bytes) }
    const files = snapshot.isBase ? [file] : [...this.#files, file]
    const manifest: Manifest = { ...snapshot.manifest, files }
    const sealed = { sha256: sha256(JSON.stringify(manifest)), manifest }
    await writeDurably(join(this.#folder, `${MANIFEST}.new`), Buffer.from(JSON.stringify(sealed)))
    await rename(join(this.#folder, `${MANIFEST}.new`), join(this.#folder, MANIFEST))
    this.#files = files
    this.#removeOthers()
  }

  /**
   * Restores the engine, which must be new. False, with the reason, when there is no checkpoint that can be used: it is
   * damaged, of other code, or runs ahead of what the tables hold (`acknowledged`). The engine is then still new.
   */
  restore(
    engine: Engine,
    acknowledged: ReadonlyMap<number, number>,
  ): { readonly ok: boolean; readonly detail: string } {
    const found = this.#read(acknowledged)
    if ('detail' in found) {
      this.#files = []
      this.#number = this.#highestNumber()
      return { ok: false, detail: found.detail }
    }
    const { manifest, contents } = found
    restoreShells(engine, manifest)
    const seen = engine.partitions.map(() => new Set<number>())
    const places: { reader: ByteReader; partition: number; index: number; tenant: string; token: string }[] = []
    // The newest copy of a borrower counts, so the files are looked through from the last to the first.
    for (const content of contents.toReversed()) {
      for (let at = 0; at < content.length; ) {
        const reader = new ByteReader(content, at)
        const length = reader.u32()
        const partition = reader.u32()
        const index = reader.u32()
        if (!seen[partition]?.has(index)) {
          seen[partition]?.add(index)
          places.push({ reader, partition, index, tenant: reader.string(), token: reader.string() })
        }
        at += length
      }
    }
    places.sort((a, b) => a.partition - b.partition || a.index - b.index)
    for (const place of places) restoreBorrower(engine, place)
    this.#files = manifest.files
    this.#number = this.#highestNumber()
    return { ok: true, detail: `${places.length} borrowers` }
  }

  #read(acknowledged: ReadonlyMap<number, number>): { manifest: Manifest; contents: Buffer[] } | { detail: string } {
    const path = join(this.#folder, MANIFEST)
    if (!existsSync(path)) return { detail: 'no checkpoint' }
    let manifest: Manifest
    try {
      const sealed = sealedSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
      if (sha256(JSON.stringify(sealed.manifest)) !== sealed.sha256) throw new Error('not what was written')
      manifest = manifestSchema.parse(sealed.manifest)
    } catch {
      return { detail: 'the checkpoint manifest is damaged' }
    }
    if (manifest.identity !== this.#identity) return { detail: 'the checkpoint is of another release' }
    const ahead = manifest.partitions.some((one, partition) => one.offset > (acknowledged.get(partition) ?? -1))
    if (ahead) return { detail: 'the checkpoint runs ahead of the tables' }
    const contents: Buffer[] = []
    for (const { name, bytes, sha256: expected } of manifest.files) {
      const file = join(this.#folder, name)
      const content = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
      if (content.length !== bytes || sha256(content) !== expected)
        return { detail: `checkpoint file ${name} is damaged` }
      contents.push(content)
    }
    return { manifest, contents }
  }

  #removeOthers(): void {
    const kept = new Set([MANIFEST, ...this.#files.map((file) => file.name)])
    for (const name of readdirSync(this.#folder)) if (!kept.has(name)) rmSync(join(this.#folder, name))
  }

  #highestNumber(): number {
    const numbers = readdirSync(this.#folder).map((name) => Number.parseInt(name, 10))
    return Math.max(0, ...numbers.filter((number) => !Number.isNaN(number)))
  }
}

function manifestOf(engine: Engine, identity: string): Omit<Manifest, 'files'> {
  return {
    format: 1,
    identity,
    partitions: engine.partitions.map((state) => ({
      offset: state.offset,
      definitions: state.definitions?.published ?? null,
      feed_seqs: Object.fromEntries(state.feedSeqs),
      borrowers: state.features.borrowers.length,
      names: state.features.names.texts,
      tenants: [...state.features.tenants.values()].map(({ tenant, slices }) => ({
        tenant: tenant.name,
        configuration: tenant.configuration,
        indices: [...tenant.indices.points].map(
          ([name, { times, values }]) => [name, times, values] as [string, number[], number[]],
        ),
        slices: slices.map(({ closings, closed_day }) => ({
          closings,
          closed_day: Number.isFinite(closed_day) ? closed_day : null,
        })),
      })),
    })),
  }
}

/** Everything but the borrowers: places, definitions in force, tenants and what they have closed. */
function restoreShells(engine: Engine, manifest: Manifest): void {
  manifest.partitions.forEach((one, partition) => {
    const state = engine.partitions[partition]
    if (state === undefined) return
    state.offset = one.offset
    if (one.definitions !== null) engine.publish(state, one.definitions as Parameters<Engine['publish']>[1])
    for (const [tenant, seq] of Object.entries(one.feed_seqs)) state.feedSeqs.set(tenant, seq)
    for (const name of one.names) state.features.names.numberOf(name)
    for (const { tenant, configuration, indices, slices } of one.tenants) {
      const group = state.features.tenantOf(tenant)
      group.tenant.configure(configuration as TenantConfiguration)
      for (const [name, times, values] of indices) group.tenant.indices.points.set(name, { times, values })
      slices.forEach(({ closings, closed_day }, k) => {
        const slice = group.slices[k]
        if (slice === undefined) return
        slice.closings = closings
        slice.closed_day = closed_day ?? Number.NEGATIVE_INFINITY
      })
    }
  })
}

function restoreBorrower(
  engine: Engine,
  place: { reader: ByteReader; partition: number; index: number; tenant: string; token: string },
): void {
  const state = engine.partitions[place.partition] as Engine['partitions'][number]
  const { features } = state
  const group = features.tenantOf(place.tenant)
  const borrower = features.borrowerOf(group, place.token)
  if (borrower.index !== place.index)
    throw new Error(`borrower ${place.token} is at ${borrower.index}, not ${place.index}`)
  const closedWhenCopied = place.reader.f64()
  readBorrower(borrower, features, place.reader)
  const decision = readDecision(place.reader)
  if (decision !== undefined) state.decisions[borrower.index] = decision
  // A quiet day's sweep moves the as-of time and nothing else, so it leaves no copy behind. Days that were closed before
  // the copy are part of it, or swept a borrower who was not exposed yet.
  const closed = closedDayOf(state, borrower)
  if (closed > closedWhenCopied && (borrower.isExposed() || (decision?.warning ?? null) !== null)) {
    borrower.time = Math.max(borrower.time, group.tenant.calendar.endOfDay(closed))
  }
}

/** The last day that is closed for a borrower's slice, −Infinity before any. */
function closedDayOf(state: Engine['partitions'][number], borrower: Borrower): number {
  const { slices } = state.features.tenantOf(borrower.tenant.name)
  return slices[borrower.slice]?.closed_day ?? Number.NEGATIVE_INFINITY
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

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
