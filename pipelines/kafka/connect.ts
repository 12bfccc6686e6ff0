import { lookup as lookUp } from 'node:dns'
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** After a connection to an address failed or broke, the next ones to it are begun at least so far apart. */
export const RECONNECT_MS_MIN = 1000
/** A connection that held so long was a good one: the next is begun at once. */
const GOOD_MS = 5000
const KEEP_ALIVE_MS = 60_000

type SocketArguments = { host: string; port: number; ssl: ConnectionOptions; onConnect: () => void }

/**
 * Opens the sockets of one client: at most one reconnect a second to an address, so that a broker that is away or refuses is
 * never flooded. `dropAll` breaks every connection (one over which a request got no answer is of no use any more).
 */
export function createConnector(): {
  open: (to: SocketArguments) => Socket
  dropAll: (reason: string) => void
} {
  const notBefore = new Map<string, number>()
  const sockets = new Set<Socket>()

  function open({ host, port, ssl, onConnect }: SocketArguments): Socket {
    const address = `${host}:${port}`
    const begun = Math.max(performance.now(), notBefore.get(address) ?? 0)
    if (notBefore.has(address)) notBefore.set(address, begun + RECONNECT_MS_MIN)
    const lookup = delayedLookup(host, begun)
    const options = { host: 'kafka-broker.invalid', port, lookup }
    const { servername = isIP(host) === 0 ? host : undefined } = ssl ?? {}
    const socket = ssl
      ? connectTls({ ...ssl, ...(servername === undefined ? {} : { servername }), ...options }, onConnect)
      : connectTcp(options, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.setNoDelay(true)
    let connectedAt = Number.POSITIVE_INFINITY
    let isOver = false
    sockets.add(socket)
    socket.once('connect', () => {
      connectedAt = performance.now()
    })
    function over(): void {
      if (isOver) return
      isOver = true
      sockets.delete(socket)
      const now = performance.now()
      if (now - connectedAt >= GOOD_MS) notBefore.delete(address)
      else notBefore.set(address, Math.max(begun + RECONNECT_MS_MIN, notBefore.get(address) ?? 0))
    }
    socket.once('error', over)
    socket.once('end', over)
    socket.once('close', over)
    return socket
  }

  function dropAll(reason: string): void {
    for (const socket of sockets) socket.destroy(new Error(reason))
  }

  return { open, dropAll }
}

/** Finds the address of a host (which may be one) not before a time: the one place where opening a socket can be put off. */
function delayedLookup(host: string, notBefore: number): LookupFunction {
  return (_name, options, callback) => {
    const wait = notBefore - performance.now()
    function answer(): void {
      const family = isIP(host)
      if (family === 0) lookUp(host, options, callback)
      else if (options.all === true) callback(null, [{ address: host, family }])
      else callback(null, host, family)
    }
    if (wait <= 0) answer()
    else setTimeout(answer, wait)
  }
}
