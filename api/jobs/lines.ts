import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** Answers with the lines of a job as they come; the job stops when the caller goes. */
export function sendLines(reply: FastifyReply, start: (signal: AbortSignal) => AsyncIterable<string>): FastifyReply {
  const abort = new AbortController()
  reply.raw.once('close', () => abort.abort())
  const lines = Readable.from(start(abort.signal), { objectMode: false })
  return reply.type('application/x-ndjson').send(lines)
}
