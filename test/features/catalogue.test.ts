import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FAMILIES, featureColumn, featureId } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { TABLES, tablesOf } from '../../features/catalogue/tables.ts'
import { aggregateKey } from '../../features/window/aggregate.ts'
import { cataloguePage, countsSentence } from '../../pipelines/cli/catalogue-page.ts'
import { ROOT } from '../architecture/tree.ts'
import { changedEntries, FROZEN } from './frozen.ts'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

describe('the catalogue', () => {
  it('has at least 120 entries, over all five families', () => {
    expect(CATALOGUE.length).toBeGreaterThanOrEqual(120)
    expect(new Set(CATALOGUE.map((entry) => entry.family))).toEqual(new Set(Object.keys(FAMILIES)))
  })

  it('names every version once, and each has a column of its own', () => {
    expect(new Set(CATALOGUE.map(featureId)).size).toBe(CATALOGUE.length)
    expect(new Set(CATALOGUE.map(featureColumn)).size).toBe(CATALOGUE.length)
  })

  it.each(CATALOGUE.map((entry) => [featureId(entry), entry] as const))(
    '%s says what it is in both languages, in one line each',
    (_, entry) => {
      const texts = [
        entry.formula.en,
        entry.reading.en,
        entry.missing,
        entry.source,
        entry.formula.zh,
        entry.reading.zh,
      ]
      for (const text of texts) expect(text).toMatch(/^\S[^\n{}]*$/)
      for (const text of [entry.formula.zh, entry.reading.zh]) expect(text).toMatch(/\p{Script=Han}/u)
      expect(entry.inputs.length).toBeGreaterThan(0)
      // An entry that only passes its input on needs no formula of its own; one with several does.
      if (entry.inputs.length > 1) expect(entry.compute).toBeDefined()
      // Without these a window would be read as 0 where nothing is known of it.
      const windows = entry.inputs.filter((input) => 'stream' in input)
      for (const window of windows) {
        if (window.stream === 'queries') expect(entry.needs_report).toBe(true)
        else expect(entry.minimum_history_days).toBeGreaterThanOrEqual('days' in window ? window.days : 0)
      }
    },
  )
})

describe('its golden file', () => {
  const definitions = CATALOGUE.map((entry) => ({
    id: featureId(entry),
    family: entry.family,
    formula: entry.formula.en,
    unit: entry.unit,
    windows_days: entry.windows_days,
    minimum_history_days: entry.minimum_history_days,
    // Windows of queries imply it.
    ...(entry.needs_report && !entry.inputs.some((input) => 'stream' in input) ? { needs_report: true } : {}),
    inputs: entry.inputs.map((input) => ('fact' in input ? input.fact : aggregateKey(input))),
    compute: textOf(entry.compute),
  }))
  const tables = TABLES.map((table) => ({
    id: featureId(table),
    values: table.values,
    read_by: CATALOGUE.filter((entry) => tablesOf(entry).includes(table)).map(featureId),
  }))

  it('has every published definition as it is: another formula is another version', async () => {
    expect(changedEntries(published('catalogue.json'), definitions), FROZEN).toEqual([])
    await expect(asText(definitions), FROZEN).toMatchFileSnapshot('golden/catalogue.json')
  })

  it('has every published table as it is: other values are another version, of the table and of who reads it', async () => {
    const withoutReaders = (all: readonly { id: string; values: unknown }[]) =>
      all.map(({ id, values }) => ({ id, values }))
    const before = published('tables.json') as typeof tables
    expect(changedEntries(withoutReaders(before), withoutReaders(tables)), FROZEN).toEqual([])
    await expect(asText(tables), FROZEN).toMatchFileSnapshot('golden/tables.json')
  })

  it('would show an entry that was edited or taken out, and none that is new', () => {
    const first = { id: 'a@1', formula: 'x' }
    const second = { id: 'b@1', formula: 'y' }
    expect(changedEntries([first, second], [{ ...first }, { ...second, formula: 'z' }])).toEqual([
      'b@1 was {"id":"b@1","formula":"y"}, is {"id":"b@1","formula":"z"}',
    ])
    expect(changedEntries([first, second], [second])).toEqual(['a@1 was {"id":"a@1","formula":"x"}, is gone'])
    expect(changedEntries([first], [second, first])).toEqual([])
  })
})

describe('its page', () => {
  it('is current (`npm run catalogue` writes it again)', () => {
    expect(
      read('features/catalogue/README.md') === cataloguePage(),
      'run `npm run catalogue` and commit the page',
    ).toBe(true)
  })

  it('is linked from the README, which says how many features each family has', () => {
    const readme = read('README.md')
    expect(readme).toContain('](features/catalogue/README.md)')
    const sentence = countsSentence()
    expect(readme.replaceAll('\n', ' ').includes(sentence), `the README is to say: ${sentence}`).toBe(true)
  })
})

function published(file: string): { id: string }[] {
  const path = join(ROOT, 'test/features/golden', file)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { id: string }[]) : []
}

function asText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** The text of a formula, without what the test runner's loader puts around imported names. */
function textOf(compute: ((...values: number[]) => number) | undefined): string {
  return compute === undefined
    ? 'the input'
    : compute
        .toString()
        .replace(/\(0,\s*\w+\.(\w+)\)/g, '$1')
        .replace(/__\w+__\./g, '')
}
