import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { TenantConfiguration } from '../../features/events/contract.ts'
import { countChunks, reserveChunks } from '../../features/state/serialize.ts'
import type { Engine } from '../engine/engine.ts'

/** A file is a row of chunks: `names` say who the borrowers are, `states` what is remembered of them. */
const chunkSchema = z.strictObject({
  kind: z.enum(['names', 'states']),
  bytes: z.int(),
  /** CRC-32: every changed byte of a chunk is found, at a third of the time that a cryptographic hash takes. */
  crc32: z.int(),
})

const fileSchema = z.strictObject({ name: z.string(), chunks: z.array(chunkSchema) })

const partitionSchema = z.strictObject({
  offset: z.int(),
  definitions: z.unknown(),
  feed_seqs: z.record(z.string(), z.int()),
  borrowers: z.int(),
  /** Chunks of memory that each store of the borrowers' state takes. */
  chunks: z.array(z.int()),
  /** Words that loans share, by their numbers. */
  names: z.array(z.string()),
  /** In the order of their first appearance, which only grows: files call them by their number. */
  tenants: z.array(
    z.strictObject({
      tenant: z.string(),
      configuration: z.unknown(),
      indices: z.array(z.tuple([z.string(), z.array(z.number()), z.array(z.number())])),
      slices: z.array(z.strictObject({ closings: z.int(), closed_day: z.int().nullable() })),
    }),
  ),
})

const manifestSchema = z.strictObject({
  format: z.literal(3),
  /** What the state was computed by; other code must not take it up. */
  identity: z.string(),
  files: z.array(fileSchema),
  partitions: z.array(partitionSchema),
})

/** What stands in the manifest's file: a changed digit in it would else go unseen. */
const sealedSchema = z.strictObject({ sha256: z.string(), manifest: z.unknown() })

export type Chunk = z.output<typeof chunkSchema>
export type StateFile = z.output<typeof fileSchema>
export type PartitionShell = z.output<typeof partitionSchema>
export type Manifest = z.output<typeof manifestSchema>

export function bytesOf({ chunks }: StateFile): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The manifest as it is written. */
export function sealManifest(manifest: Manifest): Buffer {
  const text = JSON.stringify(manifest)
  return Buffer.from(`{"sha256":"${sha256(text)}","manifest":${text}}`)
}

/** The manifest that was written, undefined where it is of a form that this release does not know; or not as written. */
export function unsealManifest(text: string): { readonly ok: boolean; readonly manifest?: Manifest | undefined } {
  try {
    const { sha256: expected, manifest } = sealedSchema.parse(JSON.parse(text))
    if (sha256(JSON.stringify(manifest)) !== expected) return { ok: false }
    return { ok: true, manifest: manifestSchema.safeParse(manifest).data }
  } catch {
    return { ok: false }
  }
}

/** Everything of an engine, whose loan books are saved, but its borrowers, copied: places, definitions in force, tenants and what they have closed. */
export function copyShells(engine: Engine): PartitionShell[] {
  return engine.partitions.map((state) => ({
    offset: state.offset,
    definitions: state.definitions?.published ?? null,
    feed_seqs: Object.fromEntries(state.feedSeqs),
    borrowers: state.features.borrowers.length,
    chunks: countChunks(state.features),
    names: [...state.features.names.texts],
    tenants: [...state.features.tenants.values()].map(({ tenant, slices }) => ({
      tenant: tenant.name,
      configuration: tenant.configuration,
      indices: [...tenant.indices.points].map(
        ([name, { times, values }]) => [name, [...times], [...values]] as [string, number[], number[]],
      ),
      slices: slices.map(({ closings, closed_day }) => ({
        closings,
        closed_day: Number.isFinite(closed_day) ? closed_day : null,
      })),
    })),
  }))
}

/** Brings a new engine to what the shells say. */
export function restoreShells(engine: Engine, shells: readonly PartitionShell[]): void {
  shells.forEach((one, partition) => {
    const state = engine.partitions[partition]
    if (state === undefined) return
    state.offset = one.offset
    reserveChunks(state.features, one.borrowers, one.chunks)
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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
