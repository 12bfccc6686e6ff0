import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ZodTypeProvider } from '@fastify/type-provider-zod'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Access } from './authentication.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    /** The key may also come as ClickHouse's clients send a password: by Basic authentication or `X-ClickHouse-Key`. */
    takesPassword?: boolean
  }
}

/** The application that routes are registered on. */
export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>

export type ApiOptions = {
  /** Told every fault that a caller only sees as 500; `context` names the request, never its body. */
  readonly reportError: (error: unknown, context: { request: string; method: string; route: string }) => void
  /** Told of each answer but a stream's, `route` as it is documented, 'none' where there is none. */
  readonly onAnswered?: (answered: { method: string; route: string; status: number; seconds: number }) => void
  /** foreshock's version, for the OpenAPI document. */
  readonly version: string
  /** Silence after which a stream sends a comment, so that both ends know the other is there. */
  readonly heartbeat_ms?: number
}
