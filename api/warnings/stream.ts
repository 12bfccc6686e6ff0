import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Api, ApiOptions } from '../api.ts'
import { principalOf } from '../authentication.ts'
import type { Feed } from '../dependencies.ts'
import { encodeCursor } from '../feed/cursor.ts'
import { type Filter, readPage } from '../feed/page.ts'
import type { Waiting, Watch } from '../feed/waiting.ts'
import { answers, GUARDED, text } from '../openapi/document.ts'
import { cursorParameter } from '../parameters.ts'
import { sendProblem } from '../problem.ts'
import { feedRow } from '../rows.ts'
import { feedParameters, filterOf, startingPositions, tooManyWaiting } from './parameters.ts'

/** Rows per piece: all that a stream holds in memory beyond the socket's own buffer. */
const STREAM_PAGE_ROWS = 100
/** A reader that took nothing for that many heartbeats is gone. */
const STALLED_HEARTBEATS = 4
/** What a client waits before it connects again. */
const RECONNECT_MS = 1_000

const streamSchema = {
  operationId: 'streamWarnings',
  tags: ['warnings'],
  summary: 'Stream the feed of warnings (server-sent events)',
  description:
    'The rows of the feed as they come, event `warning`, `data` the row as JSON, `id` the cursor after it. A client that ' +
    'connects again with `Last-Event-ID` (as browsers do by themselves) or `after` goes on without gap or duplicate; ' +
    '`Last-Event-ID` wins. Comments are heartbeats.',
  querystring: z.strictObject(feedParameters),
  headers: z.object({ 'last-event-id': cursorParameter.optional() }),
  response: answers(text('Events until either side closes.', 'text/event-stream'), [...GUARDED, 429]),
}

type StreamDependencies = {
  readonly feed: Feed
  readonly waiting: Waiting
  readonly heartbeat_ms: number
  readonly reportError: ApiOptions['reportError']
}

/** `GET /v1/warnings/stream`. */
export function registerWarningStream(app: Api, dependencies: StreamDependencies): void {
  const { feed, waiting, heartbeat_ms, reportError } = dependencies
  const config = { access: 'warnings:read' } as const
  app.get('/v1/warnings/stream', { config, schema: streamSchema }, async (request, reply) => {
    const { tenant } = principalOf(request)
    const after = request.headers['last-event-id'] ?? request.query.after
    const start = startingPositions(tenant, feed.partitions, after)
    if (!start.ok) return sendProblem(reply, start.problem)
    const watch = waiting.watch(tenant)
    if (watch === undefined) return sendProblem(reply, tooManyWaiting())

    reply.raw.once('close', watch.end)
    // Writes that move count as activity, so this ends only a connection whose other end takes nothing.
    request.raw.socket.setTimeout(heartbeat_ms * STALLED_HEARTBEATS, () => request.raw.socket.destroy())
    const pieces = streamPieces({
      feed,
      tenant,
      positions: start.positions,
      filter: filterOf(request.query),
      watch,
      heartbeat_ms,
    })
    const stream = Readable.from(pieces, { objectMode: false })
    stream.once('error', (error) => {
      reportError(error, { request: request.id, method: request.method, route: '/v1/warnings/stream' })
    })
    reply.type('text/event-stream').header('x-accel-buffering', 'no')
    return reply.send(stream as never)
  })
}

/** The text of the stream, piece by piece; asked for the next one only when the socket took the last. */
async function* streamPieces(options: {
  feed: Feed
  tenant: string
  positions: readonly number[]
  filter: Filter
  watch: Watch
  heartbeat_ms: number
}): AsyncGenerator<string> {
  const { feed, tenant, filter, watch, heartbeat_ms } = options
  let positions = options.positions
  try {
    yield `retry: ${RECONNECT_MS}\n\n`
    for (;;) {
      watch.reset()
      const page = await readPage(feed, tenant, positions, filter, STREAM_PAGE_ROWS)
      const piece = encodeRows(tenant, positions, page.rows)
      positions = page.positions
      if (piece !== '') yield piece
      const outcome = page.more ? await breathe(watch) : await watch.next(heartbeat_ms)
      if (outcome === 'ended') return
      // The id tells how far a filter has looked, so that a client that comes back need not wait for it again.
      if (outcome === 'timeout' && !page.more) yield `: heartbeat\nid: ${encodeCursor(tenant, positions)}\n\n`
    }
  } finally {
    watch.end()
  }
}

/** Between full pages: lets others run, and sees whether the reader is still there. */
function breathe(watch: Watch): Promise<'rows' | 'timeout' | 'ended'> {
  return watch.next(0)
}

function encodeRows(tenant: string, from: readonly number[], rows: readonly z.output<typeof feedRow>[]): string {
  const positions = [...from]
  let out = ''
  for (const row of rows) {
    positions[row.partition] = row.feed_seq
    // JSON has no raw line break, so one data line is enough. Encoding through the schema gives what the list gives.
    out += `event: warning\nid: ${encodeCursor(tenant, positions)}\ndata: ${JSON.stringify(feedRow.encode(row))}\n\n`
  }
  return out
}
