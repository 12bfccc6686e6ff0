import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openEmbedded } from '../../../sql/embedded.ts'
import { foreshock, start, startNode, startRun, stop, temporaryFolder } from './support.ts'

/** `import snapshots` and `import credit-record` as people use them, killed, and while `run` holds the directory. */

const folder = temporaryFolder()
const DYING = fileURLToPath(new URL('../faults/import/main.ts', import.meta.url))

const MAP = {
  dataset: 'tape',
  columns: { loan: 'loan', month: 'month', dpd: 'dpd' },
  month_format: 'YYYY-MM',
  buckets: [
    { name: 'current', from_dpd: 0 },
    { name: 'late', from_dpd: 1 },
  ],
}
const map = write('map.json', JSON.stringify(MAP))

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Writes a tape of so many loans over 12 months. */
function tape(name: string, loans: number): string {
  const lines = ['loan,month,dpd']
  for (let loan = 0; loan < loans; loan++) {
    for (let month = 1; month <= 12; month++)
      lines.push(`l${loan},2024-${String(month).padStart(2, '0')},${(loan * month) % 7}`)
  }
  return write(name, `${lines.join('\n')}\n`)
}

/** Rows of `loan_months` and databases that should not be there, of a directory that nobody holds. */
async function look(directory: string): Promise<{ rows: number; staged: boolean }> {
  const opened = await openEmbedded(directory)
  if ('locked' in opened) throw new Error('locked')
  try {
    const sql = opened.session()
    const tables = await sql.query<{ name: string }>("SELECT name FROM system.tables WHERE name = 'loan_months'")
    const [found] =
      tables.length === 0 ? [] : await sql.query<{ rows: number }>('SELECT toInt64(count()) AS rows FROM loan_months')
    const staged = await sql.query("SELECT name FROM system.databases WHERE name = 'import_staging'")
    return { rows: found?.rows ?? 0, staged: staged.length > 0 }
  } finally {
    await opened.close()
  }
}

describe('an import that is killed', () => {
  it('leaves the tape before it, none or all of the new one, at each step that changes the tables', async () => {
    const directory = join(folder, 'steps')
    const first = tape('first.csv', 10)
    const second = tape('second.csv', 20)
    expect((await foreshock('import', 'snapshots', first, '--map', map, '--data', directory)).code).toBe(0)
    const seen: Record<string, number> = {}
    for (const point of ['INSERT INTO import_staging.loan_months', 'loan_months DELETE', 'ATTACH PARTITION']) {
      const { code, stderr } = await startNode(DYING, directory, second, JSON.stringify(MAP), point).outcome
      expect([code, stderr]).toEqual([null, ''])
      seen[point] = (await look(directory)).rows
    }
    expect(seen).toEqual({
      'INSERT INTO import_staging.loan_months': 120,
      'loan_months DELETE': 120,
      'ATTACH PARTITION': 0,
    })
    const { code, stdout } = await foreshock('import', 'snapshots', second, '--map', map, '--data', directory, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ dataset: 'tape', rows: 240, loans: 20, stored: 240, defects: [] })
    expect(await look(directory)).toEqual({ rows: 240, staged: false })
  })

  it('leaves none, at whatever moment it comes', async () => {
    const file = tape('large.csv', 20_000)
    for (const delay of [600, 1600]) {
      const directory = join(folder, `killed-${delay}`)
      const running = start('import', 'snapshots', file, '--map', map, '--data', directory)
      while (!existsSync(join(directory, 'metadata'))) await sleep(10)
      await sleep(delay)
      running.child.kill('SIGKILL')
      await running.outcome
      expect([0, 240_000]).toContain((await look(directory)).rows)
    }
  })
})

describe('an import while `run` holds the directory', () => {
  it('is done by that process, and refused in the same words', async () => {
    const directory = join(folder, 'held')
    const file = tape('held.csv', 5)
    const running = await startRun(directory)
    const args = ['--map', map, '--data', directory] as const
    const done = await foreshock('import', 'snapshots', file, ...args)
    expect([done.code, done.stderr]).toEqual([0, expect.stringContaining('stored        60 rows as data set tape in ')])
    const again = await foreshock('import', 'snapshots', file, ...args)
    expect(again.code).toBe(1)
    expect(again.stderr).toMatch(
      /^data set tape is there already \(60 rows\): add --replace, or choose another --dataset\n$/m,
    )
    const query =
      "SELECT sum(loans) FROM migration_matrix(from_month='2024-01-01', to_month='2024-11-01', horizon_months=1)"
    const read = await foreshock('sql', query, '--data', directory)
    expect(read.stdout).toBe('55\n')
    await stop(running)
  })
})

describe('an import that cannot be', () => {
  it('says why in its last line, with the exit code', async () => {
    const directory = join(folder, 'refused')
    mkdirSync(directory)
    const wrongMap = write(
      'wrong.json',
      JSON.stringify({ ...MAP, columns: { loan: 'loan', month: 'month' }, code: {} }),
    )
    const bad = write('bad.csv', 'loan,month,dpd\na,2024-01,0\na,2024-03,0\n')
    const cases = [
      [['snapshots', bad, '--map', wrongMap], 1, 'the map '],
      [['snapshots', bad, '--map', map], 1, 'was not imported (gap 1, absent_month 1): mend the tape or its map'],
      [['credit-record', bad], 1, 'has no column ID: it has loan, month, dpd'],
      [['credit-record', bad, '--anchor', '2020-13'], 2, '--anchor 2020-13 is not a month such as 2020-12'],
    ] as const
    for (const [args, code, line] of cases) {
      const outcome = await foreshock('import', ...args, '--data', directory)
      expect(outcome.code, outcome.stderr).toBe(code)
      expect(outcome.stderr.trimEnd().split('\n').at(-1)).toContain(line)
    }
  })
})
