import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AnswerBroken, pieces } from '../../sql/server-answer.ts'
import { RETRYABLE_CODES, reasonOfAnswer, reasonOfTransport } from '../../sql/server-errors.ts'
import { openTestDatabase } from './support.ts'

const TAG = 'abcdefghijklmnop'

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function read(body: AsyncIterable<Uint8Array>): Promise<{ readonly text: string; readonly error: unknown }> {
  const parts: Uint8Array[] = []
  try {
    for await (const piece of pieces(body, TAG)) parts.push(piece)
    return { text: Buffer.concat(parts).toString(), error: undefined }
  } catch (error) {
    return { text: Buffer.concat(parts).toString(), error }
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })

test('an answer passes whole, however it is cut, also when it holds the marker without the tag', async () => {
  const body = fc.array(fc.constantFrom('a', '\r\n', '__exception__', TAG, '\r\n__exception__\r\n', '贷'))
  await fc.assert(
    fc.asyncProperty(body, sizes, async (words, cuts) => {
      const text = words.join('')
      fc.pre(!text.includes(`\r\n__exception__\r\n${TAG}`))
      expect(await read(cut(Buffer.from(text), cuts))).toEqual({ text, error: undefined })
    }),
    { numRuns: 200, seed: 11 },
  )
})

test('an exception in the midst of an answer is thrown after what came before it, however it is cut', async () => {
  const message = 'Code: 395. DB::Exception: boom. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)\n'
  const end = `\r\n__exception__\r\n${TAG}\r\n${message}${message.length} ${TAG}\r\n__exception__\r\n`
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(50), async (cuts, length) => {
      const { text, error } = await read(cut(Buffer.from('x'.repeat(length) + end), cuts))
      expect(text).toBe('x'.repeat(length))
      expect(error).toBeInstanceOf(AnswerBroken)
      expect((error as Error).message).toBe(message.trim())
    }),
    { numRuns: 100, seed: 13 },
  )
})

test('the codes that are tried again have the names that ClickHouse gives them', async () => {
  const { database, close } = await openTestDatabase()
  const codes = Object.keys(RETRYABLE_CODES).map(Number)
  const rows = await database
    .session()
    .query<{ code: number; name: string }>(
      `SELECT arrayJoin([${codes.join(', ')}]) AS code, errorCodeToName(code) AS name`,
    )
  expect(Object.fromEntries(rows.map(({ code, name }) => [code, name]))).toEqual(RETRYABLE_CODES)
  await close()
})

test('what an answer or its lack says of the statement', () => {
  const answers = [
    [404, '60', 'Code: 60. DB::Exception: none', 'refused'],
    [403, '516', 'Code: 516. DB::Exception: who', 'refused'],
    [500, undefined, 'Code: 252. DB::Exception: Too many parts', 'unavailable'],
    [507, '243', 'Code: 243. DB::Exception: full', 'unavailable'],
    [500, '319', 'Code: 319. DB::Exception: perhaps', 'unknown'],
    [502, undefined, '<html>Bad Gateway</html>', 'unknown'],
    [429, undefined, 'slowly', 'unavailable'],
    [404, undefined, 'no such page', 'refused'],
  ] as const
  for (const [status, code, text, failure] of answers) expect(reasonOfAnswer(status, code, text).failure).toBe(failure)
  expect(reasonOfAnswer(404, '60', 'Code: 60. DB::Exception: none\n')).toMatchObject({ code: 60, message: 'none' })
  const errors = [
    [{ code: 'ECONNREFUSED' }, 'unavailable'],
    [{ code: 'ETIMEDOUT', syscall: 'connect' }, 'unavailable'],
    [{ code: 'ECONNRESET', syscall: 'read' }, 'unknown'],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'refused'],
    [new Error('aborted'), 'unknown'],
  ] as const
  for (const [error, failure] of errors) expect(reasonOfTransport(error).failure).toBe(failure)
})
