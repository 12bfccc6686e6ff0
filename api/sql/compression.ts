import { type Readable, type Transform } from 'node:stream'
import {
  brotliDecompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  gunzipSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib'

/** HTTP content encodings of statements and results. */

type Encoding = {
  readonly decode: (bytes: Buffer, bytes_max: number) => Buffer
  readonly encode: () => Transform
}

const GZIP_LEVEL = 3
/** In the order of our preference. A result is compressed piece by piece, so each piece is flushed as it comes. */
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  zstd: {
    decode: (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }),
    encode: () => createZstdCompress({ flush: constants.ZSTD_e_flush }),
  },
  gzip: {
    decode: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
    encode: () => createGzip({ level: GZIP_LEVEL, flush: constants.Z_SYNC_FLUSH }),
  },
  deflate: {
    decode: (bytes, maxOutputLength) => inflateSync(bytes, { maxOutputLength }),
    encode: () => createDeflate({ level: GZIP_LEVEL, flush: constants.Z_SYNC_FLUSH }),
  },
  br: {
    decode: (bytes, maxOutputLength) => brotliDecompressSync(bytes, { maxOutputLength }),
    encode: () =>
      createBrotliCompress({
        flush: constants.BROTLI_OPERATION_FLUSH,
        params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
      }),
  },
}

export type Decoded =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: 'encoding' | 'too_large' | 'broken' }

/** The text of a body. */
export function decodeBody(bytes: Buffer, contentEncoding: string | undefined, bytes_max: number): Decoded {
  const name = (contentEncoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || bytes.length === 0) return { ok: true, text: bytes.toString('utf8') }
  const encoding = Object.hasOwn(ENCODINGS, name) ? ENCODINGS[name] : undefined
  if (encoding === undefined) return { ok: false, reason: 'encoding' }
  try {
    return { ok: true, text: encoding.decode(bytes, bytes_max).toString('utf8') }
  } catch (error) {
    const isLarge = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    return { ok: false, reason: isLarge ? 'too_large' : 'broken' }
  }
}

/** The encoding that a client takes and we like best, undefined for none. */
export function chooseEncoding(acceptEncoding: string | string[] | undefined): string | undefined {
  const accepted = new Set<string>()
  for (const part of String(acceptEncoding ?? '').split(',')) {
    const [name = '', ...parameters] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/)
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) accepted.add(name)
  }
  return Object.keys(ENCODINGS).find((name) => accepted.has(name))
}

/** The stream in an encoding. What fails on either side ends both. */
export function encoded(source: Readable, name: string): Readable {
  const transform = ENCODINGS[name]!.encode()
  source.on('error', (error) => transform.destroy(error))
  transform.on('close', () => source.destroy())
  return source.pipe(transform)
}
