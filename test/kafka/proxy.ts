import { createServer, type Server, Socket } from 'node:net'

/**
 * What a proxy does to its connections: `pass` forwards at once; `delay` forwards every chunk so much later, each way;
 * `stall` keeps connections open and forwards nothing; `refuse` resets every connection as soon as it is there.
 */
export type ProxyMode =
  | { readonly kind: 'pass' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'stall' }
  | { readonly kind: 'refuse' }

export type Proxy = {
  readonly port: number
  /** Where connections go; set once the target is known. */
  forwardTo(port: number): void
  /** From now on, for connections that are there already too (what has stalled goes on). */
  setMode(mode: ProxyMode): void
  /** Resets every connection that is open. */
  resetAll(): void
  /** Times (performance.now) at which clients connected, those that were refused too. */
  readonly connectedAt: readonly number[]
  close(): Promise<void>
}

/** A TCP proxy on loopback that forwards to a port of loopback and makes a bad network of it when asked. */
export async function startProxy(): Promise<Proxy> {
  let mode: ProxyMode = { kind: 'pass' }
  let target = 0
  const pairs = new Set<readonly [Socket, Socket]>()
  const held: (() => void)[] = []
  const connectedAt: number[] = []

  /** Sends a chunk (or the end) on as the mode says, in the order of arrival. */
  function pass(deliver: () => void): void {
    if (mode.kind === 'stall') held.push(deliver)
    else if (mode.kind === 'delay') setTimeout(deliver, mode.ms)
    else deliver()
  }

  function connect(client: Socket): void {
    connectedAt.push(performance.now())
    if (mode.kind === 'refuse' || target === 0) {
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    const broker = new Socket()
    const pair = [client, broker] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [broker, client] as const]) {
      from.setNoDelay(true)
      from.on('data', (chunk) => pass(() => to.write(chunk)))
      from.on('end', () => pass(() => to.end()))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        pairs.delete(pair)
        pass(() => to.destroy())
      })
    }
    broker.connect(target, '127.0.0.1')
  }

  const server: Server = createServer({ allowHalfOpen: true }, connect)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')

  function resetAll(): void {
    for (const [client, broker] of pairs) {
      client.resetAndDestroy()
      broker.destroy()
    }
    pairs.clear()
    held.length = 0
  }

  return {
    port: address.port,
    connectedAt,
    forwardTo: (port) => {
      target = port
    },
    setMode: (next) => {
      mode = next
      if (mode.kind !== 'stall') for (const deliver of held.splice(0)) deliver()
    },
    resetAll,
    close: () => {
      resetAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
