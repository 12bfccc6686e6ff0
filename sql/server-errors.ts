import { plainMessage, type SqlFailure } from './client.ts'

/** What a failure of a ClickHouse server says of the statement: done, not done, or perhaps. */

/** Codes by which a server says that it did nothing, though later it may. */
const UNAVAILABLE_CODES: Readonly<Record<number, string>> = {
  173: 'CANNOT_ALLOCATE_MEMORY',
  202: 'TOO_MANY_SIMULTANEOUS_QUERIES',
  225: 'NO_ZOOKEEPER',
  241: 'MEMORY_LIMIT_EXCEEDED',
  242: 'TABLE_IS_READ_ONLY',
  243: 'NOT_ENOUGH_SPACE',
  252: 'TOO_MANY_PARTS',
  279: 'ALL_CONNECTION_TRIES_FAILED',
  285: 'TOO_FEW_LIVE_REPLICAS',
  286: 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE',
  289: 'REPLICA_IS_NOT_IN_QUORUM',
  745: 'SERVER_OVERLOADED',
}

/** Codes after which the statement may have been done all the same. */
const UNKNOWN_CODES: Readonly<Record<number, string>> = {
  159: 'TIMEOUT_EXCEEDED',
  209: 'SOCKET_TIMEOUT',
  210: 'NETWORK_ERROR',
  236: 'ABORTED',
  319: 'UNKNOWN_STATUS_OF_INSERT',
  394: 'QUERY_WAS_CANCELLED',
  999: 'KEEPER_EXCEPTION',
}

/** Both lists: code → ClickHouse's name for it. */
export const RETRYABLE_CODES: Readonly<Record<number, string>> = { ...UNAVAILABLE_CODES, ...UNKNOWN_CODES }

/** Errors of Node before anything was sent: nobody listens there, or the name or the way is not known just now. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'])
/** Node's names of what is wrong with a certificate: time alone does not mend it. */
const CERTIFICATE = /CERT|SIGNATURE|^ERR_TLS_|^ERR_SSL_|^EPROTO$/

const STATUS_REQUEST_TIMEOUT = 408
const STATUS_TOO_MANY_REQUESTS = 429
const STATUS_SERVER_ERROR = 500
/** So much of an answer that is no message of ClickHouse's gets into the error. */
const MESSAGE_CHARACTERS_MAX = 500

export type Reason = { readonly message: string; readonly code: number; readonly failure: SqlFailure }

/** What an answer says that is no success. `code` is the header X-ClickHouse-Exception-Code, if there was one. */
export function reasonOfAnswer(status: number, code: string | undefined, text: string): Reason {
  const number = Number(code ?? /^Code: (\d+)\./.exec(text)?.[1] ?? 0)
  if (number > 0) return { message: plainMessage(text), code: number, failure: failureOfCode(number) }
  // It comes from something in between, a balancer or a proxy: ClickHouse gives a code.
  const message = `HTTP status ${status}: ${text.trim().slice(0, MESSAGE_CHARACTERS_MAX)}`
  return { message, code: 0, failure: failureOfStatus(status) }
}

function failureOfCode(code: number): SqlFailure {
  if (UNAVAILABLE_CODES[code] !== undefined) return 'unavailable'
  return UNKNOWN_CODES[code] === undefined ? 'refused' : 'unknown'
}

function failureOfStatus(status: number): SqlFailure {
  if (status === STATUS_TOO_MANY_REQUESTS) return 'unavailable'
  return status >= STATUS_SERVER_ERROR || status === STATUS_REQUEST_TIMEOUT ? 'unknown' : 'refused'
}

/** What it says that there was no answer, or only a part of one. */
export function reasonOfTransport(error: unknown): Reason {
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown }
  const name = typeof code === 'string' ? code : ''
  const message = error instanceof Error && error.message !== '' ? error.message : name || String(error)
  if (NOT_CONNECTED.has(name) || syscall === 'connect') return { message, code: 0, failure: 'unavailable' }
  return { message, code: 0, failure: CERTIFICATE.test(name) ? 'refused' : 'unknown' }
}
