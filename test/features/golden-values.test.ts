import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { featureId } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { TenantConfiguration } from '../../features/events/contract.ts'
import { decodeText } from '../../features/events/decode.ts'
import { dayOfDate } from '../../features/time.ts'
import { ROOT } from '../architecture/tree.ts'
import type { HistoryItem, OracleCase } from '../oracle/history.ts'
import { runEngine } from './engine-run.ts'
import { changedEntries, FROZEN } from './frozen.ts'

const GOLDEN = join(ROOT, 'test/features/golden/values.ndjson')

/** One line of the golden file: a feature and its values, `null` where missing, in the order of the evaluations. */
type Recorded = { readonly id: string; readonly values: readonly unknown[] }

describe('the values of all features on a fixed stream', () => {
  const { history, configuration } = readStream(join(ROOT, 'test/fixtures/golden-stream/events.ndjson'))
  const { evaluations, refused } = runEngine(history, configuration)
  const now: Recorded[] = [
    { id: 'evaluation', values: evaluations.map(({ offset, time }) => `${offset} ${new Date(time).toISOString()}`) },
    ...CATALOGUE.map((entry, column) => ({
      id: featureId(entry),
      values: evaluations.map(({ values }) => {
        const value = values[column] as number
        return Number.isNaN(value) ? null : value
      }),
    })),
  ]

  it('are all of the stream: nothing in it is refused, and each is a number or missing', () => {
    expect(refused).toEqual([])
    expect(evaluations.length).toBeGreaterThan(200)
    for (const { id, values } of now.slice(1)) {
      expect(
        values.filter((value) => value !== null && !Number.isFinite(value)),
        id,
      ).toEqual([])
    }
  })

  it('are those that every published version has had since it was recorded', async () => {
    const before = existsSync(GOLDEN) ? linesOf(GOLDEN).map((line) => JSON.parse(line) as Recorded) : []
    expect(changedValues(before, now), FROZEN).toEqual([])
    await expect(now.map((one) => `${JSON.stringify(one)}\n`).join(''), FROZEN).toMatchFileSnapshot(GOLDEN)
  })

  it('differ along the stream, for every feature: else they would show little', () => {
    const constant = now.filter(({ values }) => new Set(values.filter((value) => value !== null)).size < 2)
    expect(constant.map(({ id }) => id)).toEqual([])
  })

  it('would show a value that changed, by feature and evaluation', () => {
    const evaluation = { id: 'evaluation', values: ['1 a', '2 b', '3 c'] }
    const before = [evaluation, { id: 'x@1', values: [1, null, 0.5] }, { id: 'y@1', values: [1, 1, 1] }]
    const after = [evaluation, { id: 'x@1', values: [1, 0, 0.25] }, { id: 'x@2', values: [2, 2, 2] }]
    expect(changedValues(before, after)).toEqual(['x@1 at 2 b: was null, is 0', 'y@1 is gone'])
    expect(changedValues(before, before)).toEqual([])
  })
})

/** Published features that have other values than before, each with the first evaluation at which they differ. */
function changedValues(before: readonly Recorded[], now: readonly Recorded[]): string[] {
  const current = new Map(now.map((one) => [one.id, one.values]))
  const places = now[0]?.values ?? []
  const changed = new Set(changedEntries(before, now).map((line) => line.split(' ', 1)[0]))
  return before
    .filter(({ id }) => changed.has(id))
    .map(({ id, values }) => {
      const is = current.get(id)
      if (is === undefined) return `${id} is gone`
      const at = values.findIndex((value, i) => !Object.is(value, is[i]))
      return `${id} at ${String(places[at])}: was ${String(values[at])}, is ${String(is[at])}`
    })
}

/** The stream's lines as a history: settings first, then events and ticks, each at the offset of its line. */
function readStream(path: string): OracleCase {
  let configuration: TenantConfiguration | undefined
  const history: HistoryItem[] = []
  linesOf(path).forEach((line, offset) => {
    const { tick } = JSON.parse(line) as { tick?: string }
    if (tick !== undefined) {
      history.push({ kind: 'tick', day: dayOfDate(tick), offset })
      return
    }
    const decoded = decodeText(line, 'default')
    if (!decoded.ok) throw new Error(`line ${offset + 1}: ${decoded.reason} ${decoded.detail}`)
    if (decoded.event.type === 'tenant.configured') configuration = decoded.event.data
    else history.push({ kind: 'event', event: decoded.event, offset })
  })
  if (configuration === undefined) throw new Error(`${path} has no settings`)
  return { history, configuration }
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
}
