import { describe, expect, it } from 'vitest'
import { textOf } from './files.ts'

const [measured = '', ...sections] = textOf('deploy/SIZING.md').split(/^## /m)

/** Cells of the rows of a text's tables, without heads. */
function rowsOf(text: string): string[][] {
  return [...text.matchAll(/^\| (?!what|\|)(.+) \|$/gm)].map(([, row = '']) => row.split(' | '))
}

const inputs = rowsOf(measured).filter(([letter = '']) => /^[a-z](?:, [a-z])*$/.test(letter))
const values = new Map(
  inputs.flatMap(([letters = '', , value = '']) => {
    const numbers = value.split(', ')
    return letters.split(', ').map((letter, i) => [letter, numberOf(numbers[i] ?? '')] as const)
  }),
)
const { r, m, n, e, p, q, d, w, f, b, j } = Object.fromEntries(values) as Record<string, number> & { r: number }

const GIB = 2 ** 30
const YEAR_S = 31_536_000
const DAY_S = 86_400
const PEAK = 10
const BUSY = 0.5
const ROOM = 1.5

/** The page's arithmetic, by section and row. */
function work(): Record<string, number[]> {
  const [rate, thread, events, evaluations, disk, sweep, state, json] = [r, m!, n!, e!, d!, w!, b!, j!]
  const perEvent = evaluations / events
  const perSecond = (events * 1000) / YEAR_S
  const cores = (perSecond * PEAK * perEvent) / rate / BUSY
  const gib = (1e6 * state) / GIB
  const dayGb = (events * 1000 * disk) / 365 / 1e9
  const toTables = json + perEvent * (q! / p!) * f! * 9
  const yearGb = dayGb * 365
  const perWorker = 100e6 / 64
  return {
    'A million borrowers': [
      perSecond,
      perSecond * PEAK,
      cores,
      (1e6 * sweep) / 1e6,
      gib,
      gib * ROOM,
      dayGb,
      yearGb * 2,
    ],
    '10,000 events a second': [
      1e4 * perEvent,
      (1e4 * perEvent) / rate,
      (1e4 * perEvent) / rate / BUSY,
      (1e4 * perEvent * thread) / 1e6 / BUSY,
      (1e4 * json) / 1e6,
      (1e4 * toTables) / 1e6,
      (1e4 * disk * DAY_S) / 1e9,
    ],
    '100 million borrowers': [
      perSecond * 100,
      cores * 100,
      (100e6 * sweep) / 1e6 / 3600,
      gib * 100,
      perWorker / 1e6,
      ((gib * 100) / 64) * ROOM + 1,
      (perWorker * sweep) / 1e5,
      dayGb * 100 * 2,
      (yearGb * 100) / 8 / 1000,
      (perSecond * 100 * json * DAY_S) / 1e9,
      (perSecond * 100 * toTables * DAY_S) / 1e9,
      64 / 8,
    ],
  }
}

function numberOf(text: string): number {
  return Number(text.replaceAll(' ', ''))
}

/** A number with as many decimals as the page gives. */
function rounded(value: number, shown: string): string {
  return value.toFixed(/\.(\d+)$/.exec(shown)?.[1]?.length ?? 0)
}

describe('the page on sizing', () => {
  it('takes what it says it takes from BENCHMARKS.md', () => {
    const benchmarks = textOf('BENCHMARKS.md')
    const taken = inputs
      .filter(([, , , from]) => from === 'BENCHMARKS.md')
      .flatMap(([, , value = '']) => value.split(', '))
    expect(taken).toHaveLength(10)
    expect(
      taken.filter((value) => !new RegExp(`(?<![\\d.])${value.replace('.', '\\.')}(?![\\d.]*\\d)`).test(benchmarks)),
    ).toEqual([])
  })

  it.each(Object.entries(work()))('works out right: %s', (title, results) => {
    const section = sections.find((text) => text.startsWith(`${title}\n`)) ?? ''
    const rows = rowsOf(section)
    const shown = rows.map(([what = '', , value = '']) => `${what}: ${value.replaceAll(' ', '')}`)
    const expected = rows.map(([what = '', , value = ''], i) => `${what}: ${rounded(results[i] ?? Number.NaN, value)}`)
    expect(rows).toHaveLength(results.length)
    expect(shown).toEqual(expected)
  })
})
