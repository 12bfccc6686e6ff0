import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the registry does instead of answering as it should. */
export type RegistryMood = 'well' | 'hangs' | 'resets' | 'fails' | 'half an answer' | 'a page of a proxy' | 'bare 404'

export type TestSchema = {
  readonly schema: string
  readonly schemaType?: 'AVRO' | 'PROTOBUF' | 'JSON'
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

export type TestRegistry = {
  readonly url: string
  /** By id. */
  readonly schemas: Map<number, TestSchema>
  /** By subject, in version 1. */
  readonly subjects: Map<string, TestSchema>
  /** Paths that were asked for. */
  readonly requests: string[]
  mood: RegistryMood
  close(): Promise<void>
}

/** The two requests of a schema registry that reading needs, over HTTP, with its error codes and with faults. */
export async function startRegistry(account?: { user: string; password: string }): Promise<TestRegistry> {
  const expected = account && `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`
  const server = createServer(({ url: address = '', headers, socket }, response) => {
    const [url = ''] = address.split('?', 1)
    registry.requests.push(url)
    if (registry.mood === 'hangs') return
    if (registry.mood === 'resets') return void socket.resetAndDestroy()
    if (registry.mood === 'fails') return answer(response, 500, { error_code: 50_001, message: 'in the backend' })
    if (registry.mood === 'bare 404') return answer(response, 404, { error_code: 404, message: 'HTTP 404 Not Found' })
    if (registry.mood === 'a page of a proxy') return void response.end('<html>Sign in</html>')
    if (registry.mood === 'half an answer') {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('{"schema":"')
      return void setTimeout(() => socket.destroy(), 20)
    }
    if (expected !== undefined && headers.authorization !== expected) {
      return answer(response, 401, { error_code: 401, message: 'Unauthorized' })
    }
    const [, id] = /^\/schemas\/ids\/(\d+)$/.exec(url) ?? []
    const [, subject] = /^\/subjects\/([^/]+)\/versions\/1$/.exec(url) ?? []
    const found =
      id === undefined ? registry.subjects.get(decodeURIComponent(subject ?? '')) : registry.schemas.get(Number(id))
    if (found === undefined) answer(response, 404, { error_code: 40_403, message: 'Schema not found' })
    else answer(response, 200, found)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const registry: TestRegistry = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    schemas: new Map(),
    subjects: new Map(),
    requests: [],
    mood: 'well',
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return registry
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
  response.end(JSON.stringify(body))
}
