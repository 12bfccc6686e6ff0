import { connect } from 'node:net'

const ANSWER_MS_MAX = 1000
const METADATA = 3
const VERSION = 1
/** Bytes of a Metadata answer, version 1, that names no broker: length, correlation, two empty arrays, controller, at most. */
const NO_BROKER_BYTES = 20

/** Whether a Kafka broker there answers a metadata request by naming at least one broker. Speaks the protocol itself. */
export function answersMetadata(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    let size = 0
    function end(answers: boolean): void {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(ANSWER_MS_MAX, () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('connect', () => socket.write(metadataRequest()))
    socket.on('data', (chunk) => {
      size += chunk.length
      if (size > NO_BROKER_BYTES) end(true)
    })
  })
}

/** Metadata of no topic at all: the brokers only. */
function metadataRequest(): Buffer {
  const body = Buffer.alloc(14)
  body.writeInt16BE(METADATA, 0)
  body.writeInt16BE(VERSION, 2)
  body.writeInt32BE(1, 4)
  body.writeInt16BE(-1, 8)
  body.writeInt32BE(0, 10)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}
