import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LogRecord } from '../../../features/events/record.ts'
import { loadModel } from '../../../models/load.ts'
import type { Model } from '../../../models/model.ts'
import { FEATURE_IDS } from '../../../pipelines/engine/definitions.ts'
import { toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { interleave, newEngine, process, readWholeLog, withModel } from './replay.ts'

const shape = { partitions: 3, slices: 4 }
const TINY_MODEL = new URL('../../fixtures/models/tiny_v1/', import.meta.url).pathname
const folder = temporaryFolder()
let log: LogRecord[][] = []
let model: Model

beforeAll(async () => {
  const loaded = await loadModel(TINY_MODEL, new Set(FEATURE_IDS))
  if (!loaded.ok) throw new Error(loaded.detail)
  model = loaded.model
  await withPipeline(
    join(folder, 'data'),
    async (pipeline) => {
      const lines = historyLines({ borrowers: 30, days: 110, seed: 11 })
      await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:history' }), undefined)
      await pipeline.drain()
      log = await readWholeLog(pipeline.database, shape)
    },
    { shape, withoutModel: true },
  )
})

/** Rows of the whole log, cut into batches of so many records. */
async function rowsIn(records: readonly LogRecord[], batch: number): Promise<string[]> {
  return (await process(newEngine(shape, [model]), records, batch)).sorted()
}

describe.each(['rules alone', 'rules and model'])('the engine with %s', (which) => {
  let records: LogRecord[] = []
  let whole: string[] = []
  beforeAll(async () => {
    records = interleave(log).map((record) => record)
    if (which === 'rules and model') records = withModel(records, model.id)
    whole = await rowsIn(records, Number.POSITIVE_INFINITY)
  })

  it('makes rows of every kind from this log', () => {
    const tables = new Set(whole.map((row) => row.slice(0, row.indexOf(' '))))
    const expected = [
      'closed_days',
      'contacts',
      'dead_letters',
      'features',
      'inspections',
      'loan_days',
      'loan_months',
      'loan_movements',
      'loans',
      'signals',
      'warnings',
    ]
    if (which === 'rules and model') expected.push('scores')
    expect([...tables].sort()).toEqual(expected.sort())
    for (const type of ['opened', 'escalated', 'cleared']) expect(whole.join('\n')).toContain(`"type":"${type}"`)
  })

  it.each([1, 7, 1000])('makes the same rows in batches of %i records', async (batch) => {
    expect(firstDifference(await rowsIn(records, batch), whole)).toBeUndefined()
  })

  it('makes the same rows when one partition after the other is read', async () => {
    const byPartition = records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
    expect(firstDifference(await rowsIn(byPartition, 100), whole)).toBeUndefined()
  })
})

function firstDifference(actual: readonly string[], expected: readonly string[]): unknown {
  const length = Math.max(actual.length, expected.length)
  for (let i = 0; i < length; i++) {
    if (actual[i] !== expected[i])
      return { row: i, actual: actual[i]?.slice(0, 300), expected: expected[i]?.slice(0, 300) }
  }
  return undefined
}
