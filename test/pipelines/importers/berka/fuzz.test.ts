import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { importBerka } from '../../../../pipelines/importers/berka/import.ts'
import { copyOfFixture, decoded, FIXTURE_TRANSACTIONS } from './read.ts'

const FILES = [FIXTURE_TRANSACTIONS, 'loan.asc', 'order.asc', 'disp.asc', 'account.asc', 'district.asc']

test('whatever bytes are changed: nothing throws, every line decodes, in order, and every row is accounted for', async () => {
  const directory = await copyOfFixture()
  const originals = new Map<string, Buffer>()
  for (const file of FILES) originals.set(file, await readFile(join(directory, file)))
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    byte: fc.constantFrom(...bytesOfInterest()),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...FILES),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      async (file, changes) => {
        const bytes = Buffer.from(originals.get(file)!)
        for (const { at, byte } of changes) bytes[Math.floor(at * (bytes.length - 1))] = byte
        await writeFile(join(directory, file), bytes)
        const lines: string[] = []
        const outcome = await importBerka({ directory, write: (line) => void lines.push(line) })
        await writeFile(join(directory, file), originals.get(file)!)
        const events = lines.map(decoded)
        expect(events.every((event, i) => i === 0 || events[i - 1]!.time <= event.time)).toBe(true)
        if (!outcome.ok) {
          expect(lines).toEqual([])
          return
        }
        const { summary } = outcome
        expect(summary.events).toBe(lines.length)
        expect(summary.events).toBe(1 + summary.transactions + summary.loans + summary.repayments)
        const text = (file === FIXTURE_TRANSACTIONS ? bytes : originals.get(FIXTURE_TRANSACTIONS)!).toString('latin1')
        const rows = text
          .split('\n')
          .slice(1)
          .filter((line, i, all) => line !== '' || i < all.length - 1).length
        const refusedRows = summary.refused.filter(
          (one) => one.file === FIXTURE_TRANSACTIONS && one.reason !== 'repayment_without_loan',
        )
        expect(summary.transactions + refusedRows.length).toBe(rows)
      },
    ),
    { seed: 11, numRuns: 120 },
  )
}, 60_000)

function bytesOfInterest(): number[] {
  return [...Buffer.from('0179-.;" \r\nAVZ')].concat([0, 0x7f, 0x80, 0xff])
}
