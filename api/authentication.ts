import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { type KeyHolder, type KeyStore, parseKey, SCOPES, type Scope } from './keys.ts'
import { type Problem, problem } from './problem.ts'

/** Who asks, decided from the headers alone, before a byte of the body is read. */

/** What a route asks of its caller. Every route must say it, so that none is open by accident. */
export type Access = 'public' | 'operator' | 'any' | Scope

/** The caller: a key's holder, or the operator acting for one tenant. */
export type Principal = KeyHolder & { readonly operator: boolean }

/** Tenant that the operator means when it names none. */
export const TENANT_DEFAULT = 'default'
const OPERATOR_TOKEN_LENGTH_MIN = 32

export type Authenticated =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; problem: Problem }

/** The key that a request has in its headers. Where a password is taken the user's name beside it means nothing. */
export function keyOf(headers: IncomingHttpHeaders, takesPassword: boolean): string | undefined {
  const authorization = headers.authorization ?? ''
  const bearer = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (bearer !== undefined || !takesPassword) return bearer
  const basic = /^Basic +(\S+) *$/i.exec(authorization)?.[1]
  const pair = basic === undefined ? '' : Buffer.from(basic, 'base64').toString('utf8')
  const header = headers['x-clickhouse-key']
  const password = pair === '' ? header : pair.slice(pair.indexOf(':') + 1)
  return typeof password === 'string' && password !== '' ? password : undefined
}

/** Returns the check of one request; `tenant` is the query parameter of that name, unchecked. */
export function createAuthentication(keys: KeyStore, operatorToken: string) {
  if (operatorToken.length < OPERATOR_TOKEN_LENGTH_MIN) {
    throw new Error(`the operator's token must have at least ${OPERATOR_TOKEN_LENGTH_MIN} characters`)
  }
  const operatorDigest = digest(operatorToken)

  return function authenticate(bearer: string | undefined, access: Access, tenant: unknown): Authenticated {
    if (bearer === undefined) return refuse(401, 'missing_key', {})
    if (timingSafeEqual(digest(bearer), operatorDigest)) {
      const named = typeof tenant === 'string' ? tenant : TENANT_DEFAULT
      return { ok: true, principal: { tenant: named, scopes: SCOPES, key_id: 'operator', operator: true } }
    }
    const holder = keys.verify(bearer)
    if (holder === undefined) return refuse(401, 'invalid_key', { error: 'invalid_token' }, describeWrongKey(bearer))
    if (access === 'operator') return refuse(403, 'operator_only', { error: 'insufficient_scope' })
    if (access !== 'any' && access !== 'public' && !holder.scopes.includes(access)) {
      const detail = `The key ${holder.key_id} lacks the scope ${access}.`
      return refuse(403, 'missing_scope', { error: 'insufficient_scope', scope: access }, detail)
    }
    // The same answer whether the other tenant exists or not.
    if (tenant !== undefined && tenant !== holder.tenant) {
      return refuse(403, 'other_tenant', { error: 'insufficient_scope' })
    }
    return { ok: true, principal: { ...holder, operator: false } }
  }
}

const principals = new WeakMap<FastifyRequest, Principal>()

export function rememberPrincipal(request: FastifyRequest, principal: Principal): void {
  principals.set(request, principal)
}

/** The caller of a request that went through authentication; a route that did not is a bug. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request)
  if (principal === undefined) throw new Error(`${request.url} was served without authentication`)
  return principal
}

function describeWrongKey(bearer: string): string {
  const parsed = parseKey(bearer)
  if (parsed.ok) return 'The API key is not known.'
  return parsed.reason === 'checksum'
    ? 'The API key is mistyped: its checksum does not match.'
    : 'This is not an API key of foreshock: they read fsk_…'
}

function refuse(
  status: 401 | 403,
  name: Problem['name'],
  challenge: Readonly<Record<string, string>>,
  detail?: string,
): Authenticated {
  const parts = Object.entries({ realm: 'foreshock', ...challenge }).map(([key, value]) => `${key}="${value}"`)
  return {
    ok: false,
    problem: problem(status, name, detail, { headers: { 'www-authenticate': `Bearer ${parts.join(', ')}` } }),
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
