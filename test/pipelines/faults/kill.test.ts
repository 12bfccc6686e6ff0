import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEmbedded } from '../../../sql/embedded.ts'
import { drawing } from '../../oracle/draw.ts'
import { historyLines } from '../run/history.ts'
import { type Dump, dumpTables, expectSameTables } from '../run/tables.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { runCommand, runIngest } from './processes.ts'

const SEED = 20_260_501
const KILLS = 10
/** Longest time from the moment a process starts until it dies while starting, and from a batch until it dies after it. */
const STARTING_MS = 600
const AFTER_BATCH_MS = 80
/** Lines that are left for each process to come, so that none ends before it dies. */
const LINES_LEFT = 400
const PARTITIONS = 4

const folder = temporaryFolder()

async function tablesOf(directory: string): Promise<Dump> {
  const database = await openEmbedded(directory)
  if ('locked' in database) throw new Error(`${directory} is held`)
  try {
    return await dumpTables(database, PARTITIONS)
  } finally {
    await database.close()
  }
}

describe('an ingest that is killed', () => {
  it(`leaves, once it is through, the tables and the feed of one that never was (seed ${SEED})`, async () => {
    const file = join(folder, 'events.ndjson')
    const lines = historyLines({ borrowers: 80, days: 91, seed: 7 })
    writeFileSync(file, `${lines.join('\n')}\n`)
    const undisturbed = await runCommand('ingest', file, '--data', join(folder, 'undisturbed'), '--json')
    expect(undisturbed.code, undisturbed.stderr).toBe(0)

    const killed = join(folder, 'killed')
    const draw = drawing(SEED)
    const deaths: string[] = []
    let left = lines.length
    for (let kill = 0; kill < KILLS; kill++) {
      const killsLeft = KILLS - kill
      const most = Math.min(left - killsLeft * LINES_LEFT, Math.floor((2 * left) / (killsLeft + 1)))
      // Now and then before the first line: while it opens the directory, restores its state and catches up.
      const atLine = killsLeft > 2 && draw.chance(0.3) ? -1 : draw.below(Math.max(1, most))
      const afterMs = draw.below(atLine < 0 ? STARTING_MS : AFTER_BATCH_MS)
      const ended = await runIngest(file, killed, (taken) => (taken >= atLine ? { afterMs } : undefined))
      expect([ended.signal, ended.code], ended.stderr).toEqual(['SIGKILL', null])
      deaths.push(`${ended.lines} lines`)
      left -= ended.lines
    }
    const last = await runIngest(file, killed, () => undefined)
    expect(last.code, `${deaths.join(', ')}\n${last.stderr}`).toBe(0)

    const expected = await tablesOf(join(folder, 'undisturbed'))
    expect(expected.get('dead_letters')?.length).toBeGreaterThan(8)
    expect(expected.get('warnings')?.length).toBeGreaterThan(30)
    expect(expected.get('loan_months')?.length).toBeGreaterThan(10)
    expectSameTables(await tablesOf(killed), expected)

    // The same file once more is all repeats.
    const again = await runCommand('ingest', file, '--data', killed, '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ events: 0, evaluations: 0, warnings: 0 })
    expectSameTables(await tablesOf(killed), expected)
  }, 300_000)
})
