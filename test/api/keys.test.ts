import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createKey, KEYS_FILE, openKeyStore, parseKey, SCOPES } from '../../api/keys.ts'

let directory: string
const warnings: string[] = []
const open = () => openKeyStore(directory, { warn: (message) => warnings.push(message) })
const path = () => join(directory, KEYS_FILE)

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'foreshock-keys-'))
  warnings.length = 0
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('a key', () => {
  it('reads fsk_, 8 characters of id, a long secret and a checksum', () => {
    const { key, key_id } = createKey({ directory, tenant: 'bank' })
    expect(key).toMatch(/^fsk_[0-9A-Za-z]{8}_[0-9A-Za-z]{40}[0-9A-Za-z]{6}$/)
    expect(key.startsWith(`fsk_${key_id}_`)).toBe(true)
  })

  it('opens what its scopes and tenant say, all scopes by default', () => {
    const all = createKey({ directory, tenant: 'bank' })
    const some = createKey({ directory, tenant: 'lender', scopes: ['warnings:read'] })
    const store = open()
    expect(store.verify(all.key)).toEqual({ tenant: 'bank', scopes: [...SCOPES], key_id: all.key_id })
    expect(store.verify(some.key)).toEqual({ tenant: 'lender', scopes: ['warnings:read'], key_id: some.key_id })
  })

  it('is stored hashed, readable by its owner alone', () => {
    const { key } = createKey({ directory, tenant: 'bank' })
    const secret = key.slice(13, 53)
    expect(readFileSync(path(), 'utf8')).not.toContain(secret)
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  it('with any one character changed is told by its checksum, without a look-up', () => {
    const { key } = createKey({ directory, tenant: 'bank' })
    const store = open()
    for (let i = 4; i < key.length; i++) {
      if (key[i] === '_') continue
      const wrong = `${key.slice(0, i)}${key[i] === 'x' ? 'y' : 'x'}${key.slice(i + 1)}`
      expect(parseKey(wrong)).toEqual({ ok: false, reason: 'checksum' })
      expect(store.verify(wrong)).toBeUndefined()
    }
  })

  it('with the id of one key and the secret of another opens nothing, even with a right checksum', () => {
    const ours = createKey({ directory, tenant: 'bank' })
    const other = mkdtempSync(join(tmpdir(), 'foreshock-keys-'))
    const theirs = createKey({ directory: other, tenant: 'lender' })
    // Their file gets our id: the checksum of our key holds, the secret does not.
    const line = readFileSync(join(other, KEYS_FILE), 'utf8').replace(theirs.key_id, ours.key_id)
    writeFileSync(join(other, KEYS_FILE), line)
    expect(openKeyStore(other, { warn: () => {} }).verify(ours.key)).toBeUndefined()
    rmSync(other, { recursive: true })
  })

  it('of any other form opens nothing and throws nothing', () => {
    const store = open()
    fc.assert(fc.property(fc.string(), (text) => store.verify(text) === undefined))
    expect(store.verify(`fsk_${'a'.repeat(8)}_${'b'.repeat(46)}`)).toBeUndefined()
  })
})

describe('the key file', () => {
  it('may be absent: nobody has a key', () => {
    const key = createKey({ directory, tenant: 'bank' }).key
    rmSync(path())
    expect(open().verify(key)).toBeUndefined()
  })

  it('is read again when a key was added while the store is open', () => {
    const store = open()
    const first = createKey({ directory, tenant: 'bank' })
    expect(store.verify(first.key)?.tenant).toBe('bank')
    const second = createKey({ directory, tenant: 'lender' })
    expect(store.verify(second.key)?.tenant).toBe('lender')
    expect(store.verify(first.key)?.tenant).toBe('bank')
  })

  it('takes a last line only when it is whole', () => {
    const { key } = createKey({ directory, tenant: 'bank' })
    const text = readFileSync(path(), 'utf8')
    writeFileSync(path(), text.slice(0, -1))
    const store = open()
    expect(store.verify(key)).toBeUndefined()
    appendFileSync(path(), '\n')
    expect(store.verify(key)?.tenant).toBe('bank')
    expect(warnings).toEqual([])
  })

  it('survives a line that was torn by a crash: keys before and after it work, and the line is told', () => {
    const before = createKey({ directory, tenant: 'bank' })
    appendFileSync(path(), '{"key_id":"torn')
    const after = createKey({ directory, tenant: 'lender' })
    const store = open()
    expect(store.verify(before.key)?.tenant).toBe('bank')
    expect(store.verify(after.key)?.tenant).toBe('lender')
    expect(warnings).toEqual([expect.stringContaining('line 2')])
  })

  it('grants nothing by a line with an unknown scope, an unknown field or the id of another key', () => {
    const { key } = createKey({ directory, tenant: 'bank' })
    const line = JSON.parse(readFileSync(path(), 'utf8')) as Record<string, unknown>
    const odd = [
      { ...line, scopes: ['sql'] },
      { ...line, revoked: true },
      { ...line, tenant: 'lender' },
    ]
    appendFileSync(path(), odd.map((one) => `${JSON.stringify(one)}\n`).join(''))
    expect(open().verify(key)?.tenant).toBe('bank')
    expect(warnings).toHaveLength(3)
  })

  it('refuses a tenant that no event could have', () => {
    expect(() => createKey({ directory, tenant: 'a b' })).toThrow()
  })
})
