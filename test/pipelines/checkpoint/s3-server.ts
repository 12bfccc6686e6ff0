import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * As much of S3 as copies of checkpoints need, in memory: put (with conditions), get, delete and list, paths only. Who asks is
 * not checked. It is not AWS, and behaves as its documentation says, not as anyone has seen.
 */

/** What happens to a request instead of its answer; `after` it was done, or in its place. */
export type Fault =
  /** An error with this status, and nothing done. */
  | { readonly kind: 'status'; readonly status: number; readonly code: string }
  /** Nothing is done, and no answer comes. */
  | { readonly kind: 'silent' }
  /** It is done, and the connection is cut in the middle of the answer, or before it. */
  | { readonly kind: 'cut' }

export type S3Server = {
  readonly url: string
  /** Objects by `bucket/key`; a test may change them. */
  readonly objects: Map<string, Buffer>
  /** `PUT bucket/key`, in the order in which they came. */
  readonly requests: string[]
  /** Asked for each request, in the form that `requests` have. */
  fault: (request: string) => Fault | undefined
  /** Done before a request is: others at the bucket. */
  before: (request: string) => void
  /** Whether `If-Match` and `If-None-Match` are known; where not, such a put is refused. */
  hasConditions: boolean
  /** Entries of one page of a list. */
  pageSize: number
  close(): Promise<void>
}

export async function startS3(): Promise<S3Server> {
  const server = createServer((request, response) => {
    serve(s3, request, response).catch((error: Error) => response.destroy(error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const s3: S3Server = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects: new Map(),
    requests: [],
    fault: () => undefined,
    before: () => undefined,
    hasConditions: true,
    pageSize: 1000,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return s3
}

async function serve(s3: S3Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', s3.url)
  const key = decodeURIComponent(url.pathname.slice(1))
  const isList = url.searchParams.get('list-type') === '2'
  const what = `${isList ? 'LIST' : request.method} ${isList ? `${key}${url.searchParams.get('prefix')}` : key}`
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  s3.requests.push(what)
  s3.before(what)
  const fault = s3.fault(what)
  if (fault?.kind === 'silent') return
  if (fault?.kind === 'status') return refuse(response, fault.status, fault.code)
  const cut = fault?.kind === 'cut' ? { after: 100 } : undefined
  if (isList) return answer(response, 200, {}, Buffer.from(listOf(s3, key, url.searchParams)), cut)
  const object = s3.objects.get(key)
  if (request.method === 'PUT') {
    const refusal = refusalOf(s3, request, object)
    if (refusal !== undefined) return refuse(response, ...refusal)
    s3.objects.set(key, body)
    return answer(response, 200, { etag: etagOf(body) }, Buffer.alloc(0), cut)
  }
  if (request.method === 'DELETE') {
    s3.objects.delete(key)
    return answer(response, 204, {}, Buffer.alloc(0), cut)
  }
  if (object === undefined) return refuse(response, 404, 'NoSuchKey', cut)
  return answer(response, 200, { etag: etagOf(object) }, object, cut)
}

function refusalOf(
  s3: S3Server,
  { headers }: IncomingMessage,
  object: Buffer | undefined,
): [number, string] | undefined {
  const match = headers['if-match']
  const noneMatch = headers['if-none-match']
  if (match === undefined && noneMatch === undefined) return undefined
  if (!s3.hasConditions) return [501, 'NotImplemented']
  if (noneMatch !== undefined) return object === undefined ? undefined : [412, 'PreconditionFailed']
  if (object === undefined) return [404, 'NoSuchKey']
  return match === etagOf(object) ? undefined : [412, 'PreconditionFailed']
}

function listOf({ objects, pageSize }: S3Server, path: string, parameters: URLSearchParams): string {
  const bucket = path.replace(/\/?$/, '/')
  const prefix = `${bucket}${parameters.get('prefix') ?? ''}`
  const after = parameters.get('continuation-token') ?? ''
  const found = [...objects]
    .filter(([key]) => key.startsWith(prefix) && key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const page = found.slice(0, pageSize)
  const entries = page.map(
    ([key, body]) =>
      `<Contents><Key>${key.slice(bucket.length)}</Key><ETag>${etagOf(body).replaceAll('"', '&quot;')}</ETag><Size>${body.length}</Size></Contents>`,
  )
  const rest = found.length > page.length ? `<NextContinuationToken>${page.at(-1)?.[0]}</NextContinuationToken>` : ''
  return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${rest !== ''}</IsTruncated>${rest}${entries.join('')}</ListBucketResult>`
}

function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: Buffer,
  cut: { readonly after: number } | undefined,
): void {
  if (cut !== undefined && body.length <= cut.after) {
    response.destroy()
    return
  }
  response.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': body.length }) })
  if (cut === undefined) response.end(body)
  else response.write(body.subarray(0, cut.after), () => response.destroy())
}

function refuse(response: ServerResponse, status: number, code: string, cut?: { readonly after: number }): void {
  answer(response, status, {}, Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`), cut)
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}
