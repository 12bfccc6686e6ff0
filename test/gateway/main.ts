import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openEngine, type Refusal, refusalOf, type Statement } from './engine.ts'
import { type Command, createSwitch, type Fault } from './faults.ts'

/**
 * ClickHouse's HTTP protocol before the embedded engine, for tests: no ClickHouse server can be had everywhere. It takes
 * what the client sends (statement in the body or as `query`, settings and `param_…` in the URL, user and password) and
 * fails as its parent tells it. `--data DIR [--port N] [--password P]`; says `{port: N}` when it listens.
 */

const AUTHENTICATION_FAILED = 516
const NOT_ENOUGH_SPACE = 243
const URL_BYTES_MAX = 1_048_576
/** Parameters of the protocol; everything else in the URL is a setting. */
const PROTOCOL = new Set(['query', 'database', 'default_format', 'query_id', 'session_id', 'wait_end_of_query', 'role'])
const STATUS_OF_CODE: Readonly<Record<number, number>> = { 60: 404, 62: 400, 81: 404, 243: 507, 516: 403 }

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string', default: '0' },
    password: { type: 'string', default: '' },
  },
})
if (values.data === undefined) throw new Error('name the data directory with --data')

const engine = openEngine(values.data)
const faults = createSwitch()
const server = createServer({ maxHeaderSize: URL_BYTES_MAX, keepAliveTimeout: 3000 }, (request, response) => {
  answer(request, response).catch((error: unknown) => {
    if (!response.destroyed) process.stderr.write(`${String(error)}\n`)
    response.destroy()
  })
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://gateway')
  if (url.pathname === '/ping') {
    response.end('Ok.\n')
    return
  }
  const fault = faults.next()
  if (fault.kind === 'cut_request') {
    request.once('data', () => request.socket.destroy())
    return
  }
  const body = await buffer(request)
  if (fault.kind === 'delay') await sleep(fault.ms)
  if (!isKnown(request)) {
    refuse(response, { code: AUTHENTICATION_FAILED, text: exception(AUTHENTICATION_FAILED, AUTHENTICATION_TEXT) })
  } else if (fault.kind === 'status_500') {
    response.writeHead(500, { 'Content-Type': 'text/html' }).end('<html>Internal Server Error</html>')
  } else if (fault.kind === 'disk_full') {
    refuse(response, {
      code: NOT_ENOUGH_SPACE,
      text: exception(NOT_ENOUGH_SPACE, 'Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)'),
    })
  } else {
    await run(statementOf(url, body), url.searchParams.get('wait_end_of_query') === '1', fault, response)
  }
}

const AUTHENTICATION_TEXT =
  'default: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)'

async function run(statement: Statement, isWhole: boolean, fault: Fault, response: ServerResponse): Promise<void> {
  if (!isWhole) {
    await pour(statement, response)
    return
  }
  const result = await engine.run(statement)
  if (fault.kind === 'drop_answer') response.destroy()
  else if (!Buffer.isBuffer(result)) refuse(response, result)
  else if (fault.kind === 'half_answer') {
    response.writeHead(200, { 'Content-Length': result.length + 1 })
    response.write(result.subarray(0, result.length >> 1), () => response.destroy())
    response.flushHeaders()
    if (result.length < 2) setImmediate(() => response.destroy())
  } else response.writeHead(200, { 'X-ClickHouse-Summary': '{}' }).end(result)
}

/** An answer that begins before its end is known; an exception in its midst is marked, and the connection broken. */
async function pour(statement: Statement, response: ServerResponse): Promise<void> {
  const tag = 'gatewaytag'
  try {
    for await (const piece of engine.stream(statement)) {
      if (response.destroyed) return
      if (!response.headersSent) response.writeHead(200, { 'X-ClickHouse-Exception-Tag': tag })
      await new Promise<void>((resolve) => {
        response.write(piece, () => resolve())
      })
    }
    response.end()
  } catch (error) {
    const refusal = refusalOf(error)
    if (!response.headersSent) {
      refuse(response, refusal)
      return
    }
    const text = `${refusal.text}\n`
    const end = `\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`
    response.write(end, () => response.destroy())
  }
}

function statementOf(url: URL, body: Buffer): Statement {
  const query = url.searchParams.get('query')
  const entries = [...url.searchParams]
  return {
    sql: query ?? body.toString('utf8'),
    data: query === null || body.length === 0 ? undefined : body,
    format: url.searchParams.get('default_format') ?? 'TabSeparated',
    database: url.searchParams.get('database') ?? 'default',
    settings: entries.filter(([name]) => !PROTOCOL.has(name) && !name.startsWith('param_')),
    params: entries.filter(([name]) => name.startsWith('param_')).map(([name, value]) => [name.slice(6), value]),
  }
}

function isKnown({ headers }: IncomingMessage): boolean {
  const basic = /^Basic (.*)$/.exec(headers.authorization ?? '')?.[1]
  const [user, ...rest] = Buffer.from(basic ?? '', 'base64')
    .toString('utf8')
    .split(':')
  const given = basic === undefined ? (headers['x-clickhouse-key'] ?? '') : rest.join(':')
  const name = basic === undefined ? (headers['x-clickhouse-user'] ?? 'default') : user
  return name === 'default' && given === values.password
}

function exception(code: number, message: string): string {
  return `Code: ${code}. DB::Exception: ${message}`
}

function refuse(response: ServerResponse, { code, text }: Refusal): void {
  response.writeHead(STATUS_OF_CODE[code] ?? 500, { 'X-ClickHouse-Exception-Code': String(code) }).end(`${text}\n`)
}

const sockets = new Set<Socket>()
server.on('connection', (socket) => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
})

let port = Number(values.port)
async function listen(): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
}

async function obey({ fault }: Command): Promise<void> {
  faults.set(fault)
  if (fault.kind === 'refuse' && server.listening) {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  if (fault.kind !== 'refuse' && !server.listening) await listen()
}

/** Commands are obeyed one after the other. */
let obeying: Promise<void> = Promise.resolve()
// A channel of its own: the embedded engine takes what waits in standard input for data of the INSERT that it runs.
process.on('message', (command: Command) => {
  obeying = obeying.then(async () => {
    await obey(command)
    process.send?.('ok')
  })
})
process.on('disconnect', () => {
  // The parent has gone, or wants an end.
  server.close()
  for (const socket of sockets) socket.destroy()
  void engine.close()
})
await listen()
process.send?.({ port })
