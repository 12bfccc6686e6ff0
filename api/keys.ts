import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { token } from '../features/events/fields.ts'

/**
 * API keys: `fsk_<8 characters id>_<40 characters secret><6 characters checksum>`, letters and digits.
 * The checksum (CRC-32 of all before it) tells a typing error without a look-up, and lets scanners find leaked keys.
 * Stored is only SHA-256 of the secret: it has 238 bits of entropy, so a slow hash would add nothing.
 * The file is append-only, so that a key can be made while another process serves from it.
 */

export const SCOPES = ['events:write', 'warnings:read', 'borrowers:read', 'sql:read'] as const
export type Scope = (typeof SCOPES)[number]

/** Who a key belongs to and what it may do. */
export type KeyHolder = { readonly tenant: string; readonly scopes: readonly Scope[]; readonly key_id: string }
export type KeyStore = { verify(key: string): KeyHolder | undefined }

export const KEYS_FILE = 'keys.ndjson'
const ID_LENGTH = 8
const SECRET_LENGTH = 40
const CHECKSUM_LENGTH = 6
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const KEY_FORM = new RegExp(
  `^(fsk_([0-9A-Za-z]{${ID_LENGTH}})_([0-9A-Za-z]{${SECRET_LENGTH}}))([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`,
)

const keyRecord = z.strictObject({
  key_id: z.string().regex(/^[0-9A-Za-z]+$/),
  tenant: token,
  scopes: z.array(z.enum(SCOPES)).min(1),
  secret_sha256: z.hash('sha256'),
  created_at: z.iso.datetime(),
})
type KeyRecord = z.output<typeof keyRecord>

export type ParsedKey =
  | { readonly ok: true; readonly key_id: string; readonly secret: string }
  | { readonly ok: false; readonly reason: 'form' | 'checksum' }

/** Takes a key apart and checks its checksum, without looking anything up. */
export function parseKey(key: string): ParsedKey {
  const match = KEY_FORM.exec(key)
  if (match === null) return { ok: false, reason: 'form' }
  const [, body, key_id, secret, checksum] = match as unknown as [string, string, string, string, string]
  return checksum === checksumOf(body) ? { ok: true, key_id, secret } : { ok: false, reason: 'checksum' }
}

/**
 * Makes a key and appends it, hashed, to the file in `directory` (made when absent). The key itself is only in the
 * answer and cannot be had again. A running server takes it from the next request on.
 */
export function createKey(options: { directory: string; tenant: string; scopes?: readonly Scope[]; now?: Date }): {
  key: string
  key_id: string
} {
  const key_id = randomCharacters(ID_LENGTH)
  const secret = randomCharacters(SECRET_LENGTH)
  const body = `fsk_${key_id}_${secret}`
  const record: KeyRecord = keyRecord.parse({
    key_id,
    tenant: options.tenant,
    scopes: [...(options.scopes ?? SCOPES)],
    secret_sha256: sha256(secret).toString('hex'),
    created_at: (options.now ?? new Date()).toISOString(),
  })
  mkdirSync(options.directory, { recursive: true })
  appendLine(join(options.directory, KEYS_FILE), JSON.stringify(record))
  return { key: body + checksumOf(body), key_id }
}

/**
 * The keys in `directory`. The file is read again when it changed. A line that is not a key record grants nothing and
 * is told to `warn`; a last line without its end is still being written and counts when it is whole.
 */
export function openKeyStore(directory: string, options: { warn: (message: string) => void }): KeyStore {
  const path = join(directory, KEYS_FILE)
  let seen = ''
  let records = new Map<string, KeyRecord>()

  const refresh = () => {
    const stat = statSync(path, { throwIfNoEntry: false })
    const now = stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
    if (now === seen) return
    records = stat === undefined ? new Map<string, KeyRecord>() : readRecords(path, options.warn)
    seen = now
  }
  refresh()

  return {
    verify: (key) => {
      const parsed = parseKey(key)
      if (!parsed.ok) return undefined
      refresh()
      const record = records.get(parsed.key_id)
      if (record === undefined) return undefined
      if (!timingSafeEqual(Buffer.from(record.secret_sha256, 'hex'), sha256(parsed.secret))) return undefined
      return { tenant: record.tenant, scopes: record.scopes, key_id: record.key_id }
    },
  }
}

function readRecords(path: string, warn: (message: string) => void): Map<string, KeyRecord> {
  const records = new Map<string, KeyRecord>()
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  lines.forEach((line, index) => {
    const record = readRecord(line)
    if (record === undefined || records.has(record.key_id)) {
      warn(`${path}: line ${index + 1} is not a key of its own and grants nothing`)
    } else records.set(record.key_id, record)
  })
  return records
}

function readRecord(line: string): KeyRecord | undefined {
  try {
    return keyRecord.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** One write of one line, so that concurrent makers do not mix; a torn line before it is ended first. */
function appendLine(path: string, line: string): void {
  const file = openSync(path, 'a+', 0o600)
  try {
    fchmodSync(file, 0o600)
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    if (size > 0) readSync(file, last, 0, 1, size - 1)
    const torn = size > 0 && last[0] !== 0x0a
    writeSync(file, `${torn ? '\n' : ''}${line}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function checksumOf(text: string): string {
  let rest = crc32(text)
  let out = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    out = ALPHABET.charAt(rest % ALPHABET.length) + out
    rest = Math.floor(rest / ALPHABET.length)
  }
  return out
}

function randomCharacters(count: number): string {
  return Array.from({ length: count }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('')
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
