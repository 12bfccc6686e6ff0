import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, OPERATOR_TOKEN } from '../support.ts'
import { type Listening, listen } from './listen.ts'

/** ClickHouse's HTTP protocol without a client in between. */

let server: Listening
beforeAll(async () => {
  server = await listen()
})
afterAll(async () => {
  await server.close()
  expect(server.errors).toEqual([])
})

describe('a request', () => {
  it('has its statement in the query, in the body, or in both', async () => {
    expect((await ask('query=SELECT+1')).text).toBe('1\n')
    expect((await ask('', { body: 'SELECT 2' })).text).toBe('2\n')
    expect((await ask('query=SELECT', { body: '3' })).text).toBe('3\n')
    expect((await ask('', { body: 'SELECT 4', path: '/' })).text).toBe('4\n')
    expect(await ask('')).toMatchObject({ status: 400, text: expect.stringMatching(/^Code: 62\. .*\(SYNTAX_ERROR\)/) })
  })

  it('shows its key as a password, in each of the ways that there are', async () => {
    const basic = { authorization: `Basic ${Buffer.from('any:bank').toString('base64')}` }
    for (const headers of [basic, { 'x-clickhouse-user': 'any', 'x-clickhouse-key': 'bank' }, bearer('bank')]) {
      const answer = await ask('query=SELECT+DISTINCT+tenant+FROM+events', { headers })
      expect([answer.status, answer.text]).toEqual([200, 'bank\n'])
    }
    expect(await ask('query=SELECT+1&password=bank')).toMatchObject({ status: 403, code: '516' })
  })

  it('names its format, or leaves it to the statement', async () => {
    const names = async (query: string, headers: Record<string, string> = {}) => {
      const answer = await ask(query, { headers: { ...bearer('bank'), ...headers } })
      return [answer.text, answer.headers.get('x-clickhouse-format'), answer.headers.get('content-type')]
    }
    const csv = ['"a"\n', 'CSV', 'text/csv; charset=UTF-8; header=absent']
    expect(await names("query=SELECT+'a'&default_format=CSV")).toEqual(csv)
    expect(await names("query=SELECT+'a'", { 'x-clickhouse-format': 'CSV' })).toEqual(csv)
    expect(await names("query=SELECT+'a'+FORMAT+CSV&default_format=JSON")).toEqual(csv)
    expect((await ask('query=SELECT+toUInt16(258)+FORMAT+RowBinary')).bytes).toEqual(Buffer.from([2, 1]))
    const native = Buffer.from('\x01\x01\x01x\x05UInt8\x07', 'latin1')
    expect((await ask('query=SELECT+7+AS+x+FORMAT+Native')).bytes).toEqual(native)
  })

  it('is taken and answered compressed', async () => {
    const gzipped = await ask('', {
      body: gzipSync('SELECT 5'),
      headers: { ...bearer('bank'), 'content-encoding': 'gzip' },
    })
    expect(gzipped.text).toBe('5\n')
    const body = zstdCompressSync('SELECT 6')
    expect((await ask('', { body, headers: { ...bearer('bank'), 'content-encoding': 'zstd' } })).text).toBe('6\n')
    const zstd = await ask('query=SELECT+7', {
      headers: { ...bearer('bank'), 'accept-encoding': 'zstd, gzip' },
      raw: true,
    })
    expect([zstd.headers.get('content-encoding'), zstdDecompressSync(zstd.bytes).toString()]).toEqual(['zstd', '7\n'])
    const gzip = await ask('query=SELECT+8', {
      headers: { ...bearer('bank'), 'accept-encoding': 'zstd;q=0, gzip' },
      raw: true,
    })
    expect([gzip.headers.get('content-encoding'), gunzipSync(gzip.bytes).toString()]).toEqual(['gzip', '8\n'])
    const plain = { headers: { ...bearer('bank'), 'accept-encoding': 'gzip' }, raw: true }
    expect((await ask('query=SELECT+9&enable_http_compression=0', plain)).text).toBe('9\n')
    expect(await ask('query=SELECT+1&compress=1')).toMatchObject({ status: 400, code: '48' })
  })

  it('takes what clients send besides, and refuses what means something else here', async () => {
    const taken =
      'session_id=a&session_timeout=9&user=x&role=y&client_protocol_version=54405&wait_end_of_query=1&readonly=2'
    expect((await ask(`query=SELECT+1&database=default&${taken}`)).text).toBe('1\n')
    expect((await ask('query=SELECT+1&database=tenant_bank')).text).toBe('1\n')
    expect(await ask('query=SELECT+1&database=tenant_lender')).toMatchObject({ status: 404, code: '81' })
    expect(await ask('query=SELECT+1&database=system')).toMatchObject({ status: 404, code: '81' })
    expect(await ask('query=SELECT+1&additional_table_filters={}')).toMatchObject({ status: 403, code: '452' })
    expect(await ask('query=SELECT+1&query=SELECT+2')).toMatchObject({ status: 400 })
    expect(await ask('query=SELECT+1&max_threads=1&max_threads=2')).toMatchObject({ status: 400, code: '36' })
  })
})

describe('an answer', () => {
  it('has ClickHouse’s headers, which tell nothing of how much was read', async () => {
    const { headers } = await ask('query=SELECT+count()+FROM+events&query_id=mine')
    expect(headers.get('x-clickhouse-query-id')).toBe('mine')
    expect(headers.get('x-clickhouse-timezone')).toBe('UTC')
    expect(headers.get('x-clickhouse-server-display-name')).toBe('foreshock')
    const summary = JSON.parse(headers.get('x-clickhouse-summary')!) as Record<string, string>
    expect(summary).toMatchObject({ read_rows: '0', read_bytes: '0', result_rows: '0' })
    expect(Number(summary['elapsed_ns'])).toBeGreaterThan(0)
    const json = await ask('query=SELECT+count()+FROM+events+FORMAT+JSON')
    expect(Object.keys(JSON.parse(json.text) as object)).toEqual(['meta', 'data', 'rows'])
  })

  it('is for the operator of all tenants, or of the one that is named', async () => {
    const headers = bearer(OPERATOR_TOKEN)
    const tenants = 'query=SELECT+DISTINCT+tenant+FROM+events+ORDER+BY+tenant'
    expect((await ask(tenants, { headers })).text).toBe('bank\nlender\n')
    expect((await ask(`${tenants}&tenant=lender`, { headers })).text).toBe('lender\n')
    expect((await ask('query=SELECT+count()>0+FROM+system.parts', { headers })).text).toBe('1\n')
    // What was refused is kept beside the tables, where no statement may reach.
    expect(await ask("query=SELECT+file('/etc/passwd')", { headers })).toMatchObject({ status: 403, code: '446' })
    expect(await ask('query=SELECT+1;SELECT+2', { headers })).toMatchObject({ status: 400, code: '62' })
    expect(await ask('query=KILL+QUERY+WHERE+1', { headers })).toMatchObject({ status: 403, code: '164' })
  })

  it('to whoever asks whether somebody is there needs no key', async () => {
    for (const path of ['/ping', '/sql/ping']) {
      expect(await ask('', { path, headers: {} })).toMatchObject({ status: 200, text: 'Ok.\n' })
    }
  })
})

type Options = {
  readonly body?: string | Buffer
  readonly headers?: Record<string, string>
  readonly path?: string
  /** Leaves the answer in its encoding. */
  readonly raw?: boolean
}

async function ask(query: string, { body, headers = bearer('bank'), path = '/sql', raw = false }: Options = {}) {
  const url = `${server.origin}${path}?${query}`
  const bytes = raw ? await rawBytes(url, headers) : undefined
  const response =
    bytes?.response ?? (await fetch(url, { headers, ...(body === undefined ? {} : { method: 'POST', body }) }))
  const content = bytes?.content ?? Buffer.from(await (response as Response).arrayBuffer())
  return {
    status: response.status,
    headers: response.headers,
    code: response.headers.get('x-clickhouse-exception-code'),
    bytes: content,
    text: content.toString('utf8'),
  }
}

/** `fetch` always undoes an encoding. */
async function rawBytes(url: string, headers: Record<string, string>) {
  const { get } = await import('node:http')
  const { buffer } = await import('node:stream/consumers')
  return new Promise<{ response: { status: number; headers: Headers }; content: Buffer }>((resolve, reject) => {
    get(url, { headers }, (message) => {
      const all = new Headers(message.headers as Record<string, string>)
      buffer(message).then(
        (content) => resolve({ response: { status: message.statusCode ?? 0, headers: all }, content }),
        reject,
      )
    }).once('error', reject)
  })
}
