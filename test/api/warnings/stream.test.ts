import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import type { FeedRow } from '../../../api/rows.ts'
import { bearer, createTestApp } from '../support.ts'

/** Streams over a real socket of the loopback. */

type Message = { id?: string; event?: string; data?: string; comment?: string }
type Stream = {
  response: IncomingMessage
  next: () => Promise<Message>
  rows: (count: number) => Promise<FeedRow[]>
  close: () => void
  lastId: () => string
}

const open: { test: ReturnType<typeof createTestApp>; requests: ClientRequest[] }[] = []
afterEach(async () => {
  for (const { test, requests } of open.splice(0)) {
    for (const one of requests) one.destroy()
    await test.app.close()
  }
})

async function serve(options: Parameters<typeof createTestApp>[0] = {}) {
  const test = createTestApp(options)
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = test.app.server.address() as AddressInfo
  const requests: ClientRequest[] = []
  open.push({ test, requests })

  const connect = async (query = '', headers: Record<string, string> = {}, key = 'bank'): Promise<Stream> => {
    const path = `/v1/warnings/stream${query}`
    const client = request({ port, path, headers: { ...bearer(key), accept: 'text/event-stream', ...headers } })
    client.on('error', () => {})
    requests.push(client)
    client.end()
    const response = await new Promise<IncomingMessage>((resolve) => {
      client.once('response', resolve)
    })
    const messages = parse(response)
    let lastId = ''
    const next = async () => {
      const result = await messages.next()
      if (result.done === true) throw new Error('the stream has ended')
      const { value } = result
      lastId = value.id ?? lastId
      return value
    }
    const rows = async (count: number) => {
      const out: FeedRow[] = []
      while (out.length < count) {
        const { event, data } = await next()
        if (event === 'warning') out.push(JSON.parse(data ?? '') as FeedRow)
      }
      return out
    }
    return { response, next, rows, close: () => client.destroy(), lastId: () => lastId }
  }
  return { ...test, port, connect }
}

function connections(app: FastifyInstance): Promise<number> {
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })
}

async function* parse(response: IncomingMessage): AsyncGenerator<Message> {
  let buffer = ''
  for await (const chunk of response.setEncoding('utf8')) {
    buffer += String(chunk)
    for (let end = buffer.indexOf('\n\n'); end !== -1; end = buffer.indexOf('\n\n')) {
      const message: Message = {}
      for (const line of buffer.slice(0, end).split('\n')) {
        const colon = line.indexOf(':')
        const field = line.slice(0, colon)
        message[(field === '' ? 'comment' : field) as keyof Message] = line.slice(colon + 1).trim()
      }
      buffer = buffer.slice(end + 2)
      yield message
    }
  }
}

describe('GET /v1/warnings/stream', () => {
  it('sends what is there and then what comes, each row once and in order', async () => {
    const { feed, connect } = await serve()
    for (let i = 0; i < 250; i++) feed.append('bank', i % 3)
    const stream = await connect()
    expect(stream.response.headers['content-type']).toBe('text/event-stream')
    const old = await stream.rows(250)
    expect(new Set(old.map((row) => row.id)).size).toBe(250)
    const fresh = [feed.append('bank', 0), feed.append('bank', 0)]
    expect(await stream.rows(2)).toEqual(fresh)
  })

  it('goes on from Last-Event-ID at every row, without gap or duplicate', async () => {
    const { feed, connect } = await serve({ partitions: 2 })
    for (let i = 0; i < 12; i++) feed.append('bank', i % 2)
    const whole = await (await connect()).rows(12)
    const pieces: FeedRow[] = []
    let headers: Record<string, string> = {}
    for (let i = 0; i < 12; i++) {
      const stream = await connect('', headers)
      pieces.push(...(await stream.rows(1)))
      headers = { 'last-event-id': stream.lastId() }
      stream.close()
    }
    expect(pieces).toEqual(whole)
  })

  it('takes the cursor of a page as `after`, and Last-Event-ID before it', async () => {
    const { feed, connect, app } = await serve({ partitions: 1 })
    for (let i = 0; i < 3; i++) feed.append('bank', 0)
    const list = await app.inject({ url: '/v1/warnings?limit=1', headers: bearer('bank') })
    const { next } = list.json<{ next: string }>()
    const stream = await connect(`?after=${next}`)
    expect((await stream.rows(1))[0]!.feed_seq).toBe(2)
    const resumed = await connect(`?after=${next}`, { 'last-event-id': stream.lastId() })
    expect((await resumed.rows(1))[0]!.feed_seq).toBe(3)
  })

  it('filters, and its heartbeat carries how far the filter has looked', async () => {
    const { feed, connect } = await serve({ partitions: 1, heartbeat_ms: 20 })
    const red = feed.append('bank', 0, { severity: 'red' })
    for (let i = 0; i < 5; i++) feed.append('bank', 0)
    const stream = await connect('?severity=red')
    expect(await stream.rows(1)).toEqual([red])
    const before = stream.lastId()
    expect(await stream.next()).toMatchObject({ comment: 'heartbeat' })
    expect(stream.lastId()).not.toBe(before)
    const resumed = await connect('', { 'last-event-id': stream.lastId() })
    const added = feed.append('bank', 0)
    expect(await resumed.rows(1)).toEqual([added])
  })

  it('is of one tenant', async () => {
    const { feed, connect } = await serve({ heartbeat_ms: 20 })
    feed.append('lender', 0)
    const stream = await connect()
    const first = await stream.next()
    const messages = [first, await stream.next(), await stream.next()]
    expect(messages.map(({ event }) => event)).toEqual([undefined, undefined, undefined])
  })

  it('holds a bounded amount for a reader that takes nothing, and lets it go', async () => {
    const { app, feed, connect } = await serve({ partitions: 1, heartbeat_ms: 50 })
    const padding = 'x'.repeat(10_000)
    for (let i = 0; i < 5_000; i++) feed.append('bank', 0, { loan: padding })
    const { response } = await connect()
    response.on('error', () => {})
    while ((await connections(app)) > 0) await setTimeout(20)
    // 50 MB are there; no more was read than fits the sockets' buffers.
    expect(feed.reads).toBeLessThan(20)
  })

  it('lets go of everything when the reader leaves', async () => {
    const { feed, connect, errors } = await serve()
    const stream = await connect()
    await stream.next()
    stream.close()
    await setTimeout(50)
    const reads = feed.reads
    feed.append('bank', 0)
    await setTimeout(50)
    expect(feed.reads).toBe(reads)
    expect(errors).toEqual([])
  })

  it('ends at once when the process stops, and so does a long poll; neither holds up the stop', async () => {
    const { connect, app, feed, port } = await serve()
    const stream = await connect()
    await stream.next()
    const poll = fetch(`http://127.0.0.1:${port}/v1/warnings?wait=30`, { headers: bearer('bank') })
    while (feed.reads < 2) await setTimeout(5)
    const start = performance.now()
    const ended = stream.next()
    await app.close()
    await expect(ended).rejects.toThrow('the stream has ended')
    expect(await (await poll).json()).toMatchObject({ warnings: [] })
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it('breaks off and reports when the feed fails under way; the reader can come back', async () => {
    const { feed, connect, errors } = await serve({ partitions: 1 })
    const row = feed.append('bank', 0)
    const read = feed.read.bind(feed)
    const stream = await connect()
    expect(await stream.rows(1)).toEqual([row])
    feed.read = () => Promise.reject(new Error('disk gone'))
    feed.append('bank', 0)
    await expect(stream.next()).rejects.toThrow()
    expect(errors).toEqual([new Error('disk gone')])
    feed.read = read
    const resumed = await connect('', { 'last-event-id': stream.lastId() })
    expect((await resumed.rows(1))[0]!.feed_seq).toBe(2)
  })

  it('refuses a wrong cursor before it streams', async () => {
    const { app } = await serve()
    const headers = { ...bearer('bank'), 'last-event-id': 'nonsense' }
    const response = await app.inject({ url: '/v1/warnings/stream', headers })
    expect([response.statusCode, response.headers['content-type']]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ])
  })
})
