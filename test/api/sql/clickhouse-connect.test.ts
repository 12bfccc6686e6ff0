import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testPython } from '../../../pipelines/config.ts'
import { type Listening, listen } from './listen.ts'

/** The real client of ClickHouse's for Python. FORESHOCK_PYTHON names an interpreter that has it, else `python3` is asked. */

const SCRIPT = new URL('connect.py', import.meta.url).pathname
const python = testPython()
const isThere = hasClient()
if (!isThere) console.log('skipped: clickhouse-connect is not there (pip install clickhouse-connect, FORESHOCK_PYTHON)')

let server: Listening
beforeAll(async () => {
  if (isThere) server = await listen()
})
afterAll(() => server?.close())

// It needs Python and a package of its own, which are no part of this program.
describe.skipIf(!isThere)('clickhouse-connect', () => {
  it('connects, reads in every compression, streams, fills in parameters, and hears why not', async () => {
    const { stdout } = await promisify(execFile)(python, [SCRIPT, String(server.port), 'bank'])
    const said = JSON.parse(stdout) as Record<string, unknown>
    for (const compress of ['False', 'gzip', 'zstd', 'lz4'])
      expect([compress, said[compress]]).toEqual([compress, [['bank', 3]]])
    expect(said).toMatchObject({
      columns: ['tenant', 'dataset', 'loan'],
      parameters: ["it's\t", -3, ['x', "y'z"]],
      settings: ['1'],
      streamed: (100_000 * 99_999) / 2,
      raw: '"x"\n1\n',
      command: 'tenant_bank',
      ping: true,
      error: expect.stringContaining('table default.events is not open here'),
    })
    expect(server.errors).toEqual([])
  })
})

function hasClient(): boolean {
  try {
    execFileSync(python, ['-c', 'import clickhouse_connect'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
