import type { Readable } from 'node:stream'
import { type Meter, streamChunks } from './chunks.ts'
import { decompress } from './decompress.ts'
import { createLineReader } from './lines.ts'
import { STANDARD_INPUT_NAME } from './sequential.ts'
import type { Chunks, Source } from './source.ts'

/** Source partition of the n-th stream that this installation reads. The caller numbers them: a stream has no identity. */
export function streamPartition(n: number): string {
  return `stdin:${n}`
}

/** The decompressed content of a stream such as standard input. */
export function streamContent(stream: Readable, meter: Meter = { bytes: 0 }): Chunks {
  return decompress(streamChunks(stream, 'standard input', meter), STANDARD_INPUT_NAME)
}

/**
 * Standard input, plain or compressed: the position is the line. It has no identity, so what is sent twice is caught
 * by event id. Each batch is what has arrived. Closing the source destroys the stream.
 */
export function createStreamSource(stream: Readable, n: number): Source {
  const meter: Meter = { bytes: 0 }
  const reader = createLineReader(streamContent(stream, meter))
  return {
    name: STANDARD_INPUT_NAME,
    source_partition: streamPartition(n),
    live: true,
    size_bytes: undefined,
    consumedBytes: () => meter.bytes,
    read: reader.read,
    progressEntry: () => undefined,
    async close() {
      // First the stream: a read that waits for it would otherwise hold up the closing for ever.
      stream.destroy()
      await reader.close()
    },
  }
}
