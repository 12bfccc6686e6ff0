/** What a request of ClickHouse's HTTP interface asks, taken from its query string. */

/** Taken and without effect: each statement has a session of its own, and the key says who asks. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(
  [
    ['session_id', 'session_timeout', 'session_check', 'user', 'role', 'quota_key', 'client_protocol_version'],
    ['close_session', 'buffer_size', 'stacktrace', 'enable_http_compression'],
  ].flat(),
)
/** Read by the route itself. */
const NAMED: ReadonlySet<string> = new Set(['query', 'default_format', 'database', 'query_id', 'tenant'])
/** Words that the client's own library would send for the one database that a key sees. */
const OWN_DATABASE: ReadonlySet<string> = new Set(['', 'default'])
const PARAMETER = 'param_'

export type Asked = {
  readonly settings: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, string>>
}
export type Misasked = { readonly code: number; readonly name: string; readonly message: string }

/** Settings and parameters of the query string, or the first thing in it that is not taken. */
export function readQuery(query: Readonly<Record<string, unknown>>, ownDatabase: string | undefined): Asked | Misasked {
  const settings: Record<string, string> = {}
  const params: Record<string, string> = {}
  for (const [name, value] of Object.entries(query)) {
    if (typeof value !== 'string') return misasked(36, 'BAD_ARGUMENTS', `${shown(name)} is given more than once`)
    if ((name === 'compress' || name === 'decompress') && value !== '0') {
      const instead = name === 'compress' ? 'ask for it by Accept-Encoding' : 'say so by Content-Encoding'
      return misasked(48, 'NOT_IMPLEMENTED', `${name} is not taken, which means blocks of ClickHouse's own: ${instead}`)
    }
    if (name === 'password') {
      return misasked(516, 'AUTHENTICATION_FAILED', 'a password in the URL is not taken: it would be in logs')
    }
    if (name === 'database' && !OWN_DATABASE.has(value) && value !== ownDatabase) {
      return misasked(81, 'UNKNOWN_DATABASE', `database ${shown(value)} is not open here: leave it out, or say default`)
    }
    if (NAMED.has(name) || WITHOUT_EFFECT.has(name) || name === 'compress' || name === 'decompress') continue
    if (name.startsWith(PARAMETER)) params[name.slice(PARAMETER.length)] = value
    else settings[name] = value
  }
  return { settings, params }
}

function misasked(code: number, name: string, message: string): Misasked {
  return { code, name, message }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60))
}
