import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { eventSchemas, type TenantConfiguration } from '../../features/events/contract.ts'
import { PARTITIONS_DEFAULT, SLICES_DEFAULT } from '../config.ts'
import { PARTITIONS_MAX, SLICES_MAX } from '../run/log-shape.ts'
import { INPUT_FORMATS, isByRegistry } from './inputs.ts'

/**
 * What an operator says of a cluster, in one JSON file that all its processes are given. Secrets are not in it: they come
 * from the environment (`pipelines/config.ts`).
 */

/** Kafka's own rule for the name of a topic, with room for our suffixes. */
const topic = z.string().regex(/^[a-zA-Z0-9._-]{1,200}$/, 'is no name of a Kafka topic')

/** Bucket and, maybe, prefix. */
const BUCKET_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/

const shape = z.strictObject({
  kafka: z.strictObject({
    brokers: z.array(z.string().regex(/^[^\s:]+:\d{1,5}$/, 'is not host:port')).min(1),
    /** Our topics and groups begin with it: `<prefix>.log`, `<prefix>.control`. */
    prefix: topic.default('foreshock'),
    /** Group of the workers, else `<prefix>-workers`: workers that fill other tables from the same log need another. */
    worker_group: topic.optional(),
    ssl: z.boolean().default(false),
    sasl: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
    /** Copies of each record of the topics that foreshock makes; 3 in production, at least 2 of them in step. */
    replication: z.int().min(1).max(10).default(1),
    session_timeout_ms: z.int().min(6000).max(1_800_000).default(30_000),
  }),
  clickhouse: z.strictObject({
    url: z.url(),
    user: z.string().default('default'),
    database: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
      .default('default'),
    /** Name of the ClickHouse cluster: tables are then made on all of it, replicated and sharded by log partition. */
    cluster: z
      .string()
      .regex(/^[A-Za-z0-9_]+$/)
      .optional(),
    /** One URL per shard, in the order of their numbers; log partition p is on shard p modulo their count. */
    shards: z.array(z.url()).optional(),
  }),
  inputs: z
    .array(
      z.strictObject({ topic, format: z.enum(INPUT_FORMATS).default('json'), tenant: z.string().min(1).optional() }),
    )
    .default([])
    .refine((inputs) => new Set(inputs.map((one) => one.topic)).size === inputs.length, 'name a topic twice'),
  /** Where the schemas of `avro` and `protobuf` inputs are. */
  schema_registry: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/ })
        .refine((url) => isBare(url), 'must hold no user, password, query or fragment'),
      user: z
        .string()
        .regex(/^[^:]+$/, 'must not hold a colon')
        .optional(),
      timeout_ms: z.int().min(100).max(60_000).default(5000),
    })
    .optional(),
  /** Fixed when the log is made. */
  partitions: z.int().min(1).max(PARTITIONS_MAX).default(PARTITIONS_DEFAULT),
  slices: z.int().min(1).max(SLICES_MAX).default(SLICES_DEFAULT),
  /** A folder, local or shared, or `s3://bucket/prefix`. */
  checkpoints: z
    .string()
    .min(1)
    .refine((place) => !place.startsWith('s3:') || BUCKET_URL.test(place), 'is not s3://bucket/prefix')
    .default('./checkpoints'),
  /** Where the bucket is not AWS's: URL of the store. */
  checkpoint_endpoint: z.url().optional(),
  checkpoint_region: z.string().min(1).optional(),
  /** The bucket's name is in the path of a URL, not in the host's name: most stores that are not AWS's. */
  checkpoint_path_style: z.boolean().default(false),
  /** With a bucket: the local folder of what goes there and comes from there, else one among the system's temporary files. */
  checkpoint_cache: z.string().min(1).optional(),
  /** What tenants have that are not to have the defaults; taken with their first event. */
  tenants: z.record(z.string(), eventSchemas['tenant.configured']).default({}),
})

const schema = shape.check(({ value, issues }) => {
  const at = value.schema_registry === undefined ? value.inputs.findIndex(({ format }) => isByRegistry(format)) : -1
  const input = value.inputs[at]
  if (input === undefined) return
  const message = `${input.format} needs a schema_registry`
  issues.push({ code: 'custom', message, path: ['inputs', at, 'format'], input: input.format })
})

/** What is secret must not be in the URL: it is logged. */
function isBare(text: string): boolean {
  const { username, password, search, hash } = new URL(text)
  return username === '' && password === '' && search === '' && hash === ''
}

export type ClusterConfig = z.output<typeof schema>

export type ReadConfig =
  | { readonly ok: true; readonly config: ClusterConfig }
  | { readonly ok: false; readonly detail: string }

/** Reads the configuration file of a cluster. */
export function readClusterConfig(path: string): ReadConfig {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return { ok: false, detail: `${path}: ${(error as Error).message}` }
  }
  return parseClusterConfig(value, path)
}

export function parseClusterConfig(value: unknown, where: string): ReadConfig {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, config: parsed.data }
  const issue = parsed.error.issues[0]
  return { ok: false, detail: `${where}: ${issue?.path.join('.') || 'configuration'}: ${issue?.message ?? 'invalid'}` }
}

/** Where the checkpoints are, if in a bucket. */
export function checkpointBucket({ checkpoints }: ClusterConfig): { bucket: string; prefix: string } | undefined {
  const [, bucket, prefix = ''] = BUCKET_URL.exec(checkpoints) ?? []
  return bucket === undefined ? undefined : { bucket, prefix }
}

export type TopicNames = { readonly log: string; readonly control: string; dead(topic: string): string }

export function topicNames(prefix: string): TopicNames {
  return { log: `${prefix}.log`, control: `${prefix}.control`, dead: (name) => `${name}.dead` }
}

export function configuredTenants(config: ClusterConfig): ReadonlyMap<string, TenantConfiguration> {
  return new Map(Object.entries(config.tenants))
}
