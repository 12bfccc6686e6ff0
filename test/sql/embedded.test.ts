import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sql } from '../../sql/client.ts'
import { openEmbedded } from '../../sql/embedded.ts'
import { createBlock } from '../../sql/native.ts'
import { openTestDatabase, type TestDatabase } from './support.ts'

let test_database: TestDatabase
let sql: Sql

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
})
afterAll(() => test_database.close())

test('a directory is opened once in a process, and not while another process holds it', async () => {
  await expect(openEmbedded(test_database.directory)).rejects.toThrow('already')
  const child = join(test_database.directory, 'child.ts')
  const client = new URL('../../sql/embedded.ts', import.meta.url).href
  writeFileSync(
    child,
    `import { openEmbedded } from '${client}'
     const database = await openEmbedded(process.argv[2])
     process.send('locked' in database ? 'locked' : 'open')
     process.on('message', () => {})`,
  )
  const open = async (directory: string) => {
    const worker = fork(child, [directory], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    const errors: Buffer[] = []
    worker.stderr?.on('data', (piece: Buffer) => errors.push(piece))
    const [answer] = (await once(worker, 'message')) as [string]
    return { worker, answer, errors: () => Buffer.concat(errors).toString() }
  }
  const refused = await open(test_database.directory)
  expect(refused.answer).toBe('locked')
  expect(refused.errors()).toBe('')
  const directory = mkdtempSync(join(tmpdir(), 'foreshock-sql-'))
  const killed = await open(directory)
  expect(killed.answer).toBe('open')
  killed.worker.kill('SIGKILL')
  await once(killed.worker, 'exit')
  const next = await open(directory)
  expect(next.answer).toBe('open')
  for (const { worker } of [refused, next]) {
    worker.kill('SIGKILL')
    await once(worker, 'exit')
  }
  rmSync(directory, { recursive: true, force: true })
}, 30_000)

test('a directory that cannot be one is named in the error', async () => {
  const file = join(test_database.directory, 'file')
  writeFileSync(file, '')
  await expect(openEmbedded(file)).rejects.toThrow(file)
})

test('a directory whose name ClickHouse would take for a pattern is refused, not written past', async () => {
  for (const name of ['a{b}', 'a*', 'a?b']) {
    await expect(openEmbedded(join(test_database.directory, name))).rejects.toThrow('pattern')
  }
})

test('blocks leave one file per session behind, not one per insert', async () => {
  await sql.command('CREATE TABLE r (k UInt64, v UInt64) ENGINE = MergeTree ORDER BY k')
  const block = createBlock({ k: 'UInt64', v: 'UInt64' })
  for (let k = 0; k < 5000; k++) block.append({ k, v: 1 })
  for (let i = 0; i < 3; i++) await sql.insertBlock('r', block)
  expect(readdirSync(join(test_database.directory, 'blocks'))).toHaveLength(1)
})
