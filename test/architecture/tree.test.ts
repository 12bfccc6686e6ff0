import { describe, expect, it } from 'vitest'
import { filesBelow, readText, topLevelEntries } from './tree.ts'

const LINES_MAX = 400

/** Files that may be longer, each with the reason. */
const LONGER: readonly { readonly files: RegExp; readonly reason: string }[] = [
  { files: /^package-lock\.json$/, reason: 'npm writes it' },
  { files: /^README\.md$/, reason: 'one page for those who use it, with what its commands print' },
  { files: /^features\/catalogue\/README\.md$/, reason: 'written from the catalogue, a line per entry' },
  { files: /^deploy\/grafana\//, reason: 'a dashboard as Grafana takes it' },
  { files: /^test\/(?:.+\/)?golden\//, reason: 'recorded results, written by the tests that compare with them' },
  { files: /^test\/(?:.+\/)?fixtures\//, reason: 'input data' },
]

/** Everything that may lie at the top, and whether it has to. */
const TOP_LEVEL: Readonly<Record<string, 'required' | 'optional'>> = {
  'features/': 'required',
  'models/': 'required',
  'sql/': 'required',
  'pipelines/': 'required',
  'api/': 'required',
  'test/': 'required',
  'deploy/': 'required',
  'package.json': 'required',
  'package-lock.json': 'required',
  'tsconfig.json': 'required',
  'README.md': 'required',
  LICENSE: 'required',
  '.ci/': 'required',
  '.editorconfig': 'required',
  '.gitignore': 'required',
  '.npmrc': 'required',
  'biome.json': 'required',
  '.oxlintrc.json': 'required',
  '.dependency-cruiser.mjs': 'required',
  'knip.json': 'required',
  'vitest.config.ts': 'required',
  'BENCHMARKS.md': 'optional',
}

/** Every text file of the tree. */
const texts = filesBelow().flatMap((path) => {
  const text = readText(path)
  return text === undefined ? [] : [{ path, text }]
})

/** `path:line text` for every line of the files that matches, without the files that `except` names. */
function linesMatching(pattern: RegExp, except: readonly string[] = []): string[] {
  return texts
    .filter(({ path, text }) => !except.includes(path) && pattern.test(text))
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1} ${line.trim().slice(0, 100)}`] : [])),
    )
}

describe('the top level', () => {
  const entries = topLevelEntries()

  it('holds nothing but what the list allows', () => {
    expect(entries.filter((entry) => TOP_LEVEL[entry] === undefined)).toEqual([])
  })

  it('holds everything that the list requires', () => {
    const required = Object.keys(TOP_LEVEL).filter((entry) => TOP_LEVEL[entry] === 'required')
    expect(required.filter((entry) => !entries.includes(entry))).toEqual([])
  })
})

describe('files', () => {
  it(`have at most ${LINES_MAX} lines, unless the list above gives a reason`, () => {
    const long = texts
      .map(({ path, text }) => ({ path, lines: countLines(text) }))
      .filter(({ path, lines }) => lines > LINES_MAX && !isExcused(path))
    expect(long).toEqual([])
  })

  it('are not excused from that without need', () => {
    const needless = LONGER.filter(({ files, reason }) => {
      const excused = texts.filter(({ path }) => files.test(path))
      return reason === '' || excused.length === 0
    })
    expect(needless).toEqual([])
  })

  it('count their last line whether or not it ends', () => {
    expect(['', 'a', 'a\n', 'a\nb', 'a\nb\n'].map(countLines)).toEqual([0, 1, 1, 2, 2])
  })

  it('are UTF-8 with plain line ends and a last one', () => {
    const flawed = texts
      .filter(
        ({ path, text }) =>
          !path.startsWith('test/fixtures/') && text !== '' && (/\r|\ufffd/.test(text) || !text.endsWith('\n')),
      )
      .map(({ path }) => path)
    expect(flawed).toEqual([])
  })
})

// Patterns are written so that they do not match their own source.
describe('no file mentions', () => {
  const machinePath = /(?<![\w.~*/-])\/(?:work|root|Users|home\/\w+)\//
  const registry = /registry\.(?:npm|yarn)|npm[m]irror|artifactor[y]|:487[3]\b|pypi\.or[g]|pythonhoste[d]/i
  const marker = /\b(?:TO[D]O|FIX[M]E|XX[X])\b/

  it('a path of some machine', () => {
    expect(linesMatching(machinePath)).toEqual([])
  })

  it('the host of a package registry (npm config omit-lockfile-registry-resolved keeps it out of the lock)', () => {
    expect(linesMatching(registry, ['LICENSE'])).toEqual([])
  })

  it('work left for later', () => {
    expect(linesMatching(marker, ['package-lock.json'])).toEqual([])
  })

  it('any of these unseen', () => {
    for (const folder of ['work', 'root', 'home/me', 'Users']) {
      for (const before of ['', ' ', "'", '"', '(', '=', ':']) {
        const text = `${before}/${folder}/x`
        expect(machinePath.test(text), text).toBe(true)
      }
    }
    for (const text of ['../shared/work/x', 'frame/work/x', 'https://example.org/home', './root/x']) {
      expect(machinePath.test(text), text).toBe(false)
    }
    expect(registry.test(['https://registry', 'npmjs.org/zod'].join('.'))).toBe(true)
    expect(registry.test('a registry of loans')).toBe(false)
    expect(marker.test(`// ${['TO', 'DO'].join('')}: later`)).toBe(true)
    expect(marker.test('a total of todos')).toBe(false)
  })
})

function countLines(text: string): number {
  if (text === '') return 0
  const breaks = text.split('\n').length - 1
  return text.endsWith('\n') ? breaks : breaks + 1
}

function isExcused(path: string): boolean {
  return LONGER.some(({ files }) => files.test(path))
}
