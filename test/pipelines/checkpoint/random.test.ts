import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Checkpoints } from '../../../pipelines/checkpoint/checkpoint.ts'
import { longOracleCases } from '../../oracle/arbitraries.ts'
import { CollectedRows } from '../engine/collected.ts'
import { logOf, ONE_BORROWER_SHAPE } from '../engine/one-borrower.ts'
import { newEngine, process } from '../engine/replay.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const SEED = 20_260_401
const CASES = 80
const folder = temporaryFolder()
let directories = 0

describe('an engine restored from a checkpoint', () => {
  it(`goes on as if it had never stopped, at any place of random histories (seed ${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(longOracleCases, fc.double({ min: 0, max: 1, noNaN: true }), async (one, share) => {
        const log = logOf(one)
        const cut = Math.floor(log.length * share)
        const expected = (await process(newEngine(ONE_BORROWER_SHAPE), log)).sorted()

        const directory = join(folder, String(directories++))
        mkdirSync(directory)
        const rows = new CollectedRows()
        const checkpoints = new Checkpoints(directory)
        const before = newEngine(ONE_BORROWER_SHAPE)
        await process(before, log.slice(0, Math.floor(cut / 2)), 20, rows)
        await checkpoints.write(checkpoints.begin(before))
        await process(before, log.slice(Math.floor(cut / 2), cut), 20, rows)
        const snapshot = checkpoints.begin(before, 0)
        // The engine goes on before anything is copied: what changes must be copied as it was.
        await process(before, log.slice(cut), 20)
        await checkpoints.write(snapshot)
        const restored = await new Checkpoints(directory).restore(
          () => newEngine(ONE_BORROWER_SHAPE),
          new Map([[0, cut - 1]]),
        )
        expect(restored).toMatchObject({ ok: true })
        await process(restored.engine, log.slice(cut), 20, rows)
        expect(rows.sorted()).toEqual(expected)
      }),
      { seed: SEED, numRuns: CASES },
    )
  }, 120_000)
})
