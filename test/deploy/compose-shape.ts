import { z } from 'zod'

/**
 * The compose file, as far as `deploy/` uses the compose specification, with its names and types. Objects are strict: a
 * misspelt field is an error here as it is there.
 */

const duration = z.string().regex(/^\d+s$/)
const condition = z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) })

const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  platform: z.literal('linux/amd64').optional(),
  restart: z.enum(['unless-stopped', 'on-failure']),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  stop_grace_period: duration.optional(),
  environment: z.record(z.string(), z.union([z.string(), z.int()])).optional(),
  configs: z.array(z.strictObject({ source: z.string(), target: z.string().startsWith('/') })).optional(),
  depends_on: z.record(z.string(), condition).optional(),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()).min(2),
      interval: duration,
      timeout: duration,
      retries: z.int().min(1),
      start_period: duration,
    })
    .optional(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  deploy: z.strictObject({ replicas: z.int().min(1) }).optional(),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string().regex(/^[a-z]+:\/[^:]+$/)).optional(),
  ulimits: z.strictObject({ nofile: z.strictObject({ soft: z.int(), hard: z.int() }) }).optional(),
})

export const composeSchema = z.strictObject({
  name: z.string(),
  /** What the services share; compose itself does not look into it. */
  'x-foreshock': z.unknown(),
  services: z.record(z.string(), service),
  configs: z.record(z.string(), z.strictObject({ file: z.string() })),
  volumes: z.record(z.string(), z.strictObject({})),
})

export type Compose = z.output<typeof composeSchema>
export type Service = z.output<typeof service>
