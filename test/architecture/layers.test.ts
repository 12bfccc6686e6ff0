import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cruise, type ICruiseOptions, type ICruiseResult, type IResolveOptions } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesBelow, LAYERS, ROOT } from './tree.ts'

const CONFIGURATION = join(ROOT, '.dependency-cruiser.mjs')
const MODULE = /\.(?:ts|mts|cts|js|mjs|cjs)$/

let options: ICruiseOptions

beforeAll(async () => {
  options = await extractDepcruiseOptions(CONFIGURATION)
})

/** What dependency-cruiser finds below a folder that is laid out as this repository, by this repository's rules. */
async function cruiseTree(baseDir: string, folders: readonly string[]): Promise<ICruiseResult> {
  const resolve: Partial<IResolveOptions> = { bustTheCache: true }
  const { output } = await cruise([...folders], { ...options, baseDir }, resolve, {
    tsConfig: extractTSConfig(join(ROOT, 'tsconfig.json')),
  })
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text instead of a result')
  return output
}

describe('imports of this repository', () => {
  const present = LAYERS.filter((layer) => filesBelow(layer).some((path) => MODULE.test(path)))
  let result: ICruiseResult

  beforeAll(async () => {
    result = await cruiseTree(ROOT, present)
  })

  it('point left: features ← models ← sql ← pipelines | api, without a cycle', () => {
    expect(result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([])
  })

  it('were all seen: as many modules as there are files', () => {
    const seen = result.modules.map(({ source }) => source).filter((source) => !/node_modules|^node:/.test(source))
    const onDisk = present.flatMap((layer) => filesBelow(layer)).filter((path) => MODULE.test(path))
    expect(seen.filter((path) => LAYERS.includes(path.split('/')[0] ?? '')).sort()).toEqual(onDisk.sort())
    expect(onDisk.length).toBeGreaterThan(0)
    const imports = result.modules.reduce((sum, { dependencies }) => sum + dependencies.length, 0)
    expect(imports).toBeGreaterThan(onDisk.length)
  })
})

describe('the rules', () => {
  const directory = mkdtempSync(join(tmpdir(), 'foreshock-layers-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  const MANIFEST = JSON.stringify({
    dependencies: { chdb: '1', '@clickhouse/client': '1', 'onnxruntime-node': '1', zod: '1' },
    devDependencies: { vitest: '1' },
  })

  /** Names of the rules that a tree of these files breaks. */
  async function broken(name: string, files: Readonly<Record<string, string>>): Promise<string[]> {
    const root = join(directory, name)
    const all: Record<string, string> = { 'package.json': MANIFEST, ...files }
    for (const dependency of ['chdb', '@clickhouse/client', 'onnxruntime-node', 'zod', 'vitest', 'stray']) {
      all[`node_modules/${dependency}/package.json`] = JSON.stringify({ name: dependency, main: 'index.js' })
      all[`node_modules/${dependency}/index.js`] = ''
    }
    for (const [path, text] of Object.entries(all)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    const folders = [...new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))]
    const { summary } = await cruiseTree(root, folders)
    return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort()
  }

  const EXPORTS = 'export const a = 1'
  const importOf = (path: string) => `import { a } from '${path}'\nexport const b = a`

  it.each([
    ['features/a.ts', 'models/b.ts', ['layers-features']],
    ['features/a.ts', 'test/b.ts', ['layers-features']],
    ['models/a.ts', 'features/b.ts', []],
    ['models/a.ts', 'sql/b.ts', ['layers-models']],
    ['sql/a.ts', 'models/b.ts', []],
    ['sql/a.ts', 'pipelines/b.ts', ['layers-sql']],
    ['sql/a.ts', 'api/b.ts', ['layers-sql']],
    ['api/a.ts', 'sql/b.ts', []],
    ['api/a.ts', 'pipelines/run/b.ts', ['layers-api']],
    ['pipelines/a.ts', 'sql/b.ts', []],
    ['pipelines/steps/a.ts', 'api/b.ts', ['layers-composition']],
    ['pipelines/run/a.ts', 'api/b.ts', []],
    ['pipelines/cli/a.ts', 'api/b.ts', []],
    ['pipelines/run/a.ts', 'test/b.ts', ['layers-pipelines']],
    ['test/a.ts', 'pipelines/b.ts', []],
  ])('%s importing %s breaks %j', async (from, to, rules) => {
    const name = `${from}-${to}`.replaceAll('/', '_')
    expect(
      await broken(name, { [from]: importOf(`${'../'.repeat(from.split('/').length - 1)}${to}`), [to]: EXPORTS }),
    ).toEqual(rules)
  })

  it('see types and import() as well', async () => {
    const files = { 'models/b.ts': 'export type A = 1' }
    expect(
      await broken('type', { ...files, 'features/a.ts': "import type { A } from '../models/b.ts'\nexport type B = A" }),
    ).toEqual(['layers-features'])
    expect(
      await broken('lazy', { ...files, 'features/a.ts': "export const b = () => import('../models/b.ts')" }),
    ).toEqual(['layers-features'])
  })

  it('forbid a cycle, an import of nothing, and packages out of place', async () => {
    expect(
      await broken('cycle', { 'sql/a.ts': importOf('./b.ts'), 'sql/b.ts': "export { b as a } from './a.ts'" }),
    ).toEqual(['no-cycle'])
    expect(await broken('nothing', { 'sql/a.ts': importOf('./absent.ts') })).toEqual(['no-unresolvable'])
    expect(await broken('vitest', { 'sql/a.ts': importOf('vitest') })).toEqual(['no-development-package'])
    expect(await broken('stray', { 'sql/a.ts': importOf('stray') })).toEqual(['no-unlisted-package'])
    expect(await broken('zod', { 'sql/a.ts': importOf('zod') })).toEqual([])
  })

  it('leave the engines to one file each', async () => {
    for (const [engine, file, rule] of [
      ['chdb', 'sql/embedded.ts', 'only-sql-embedded-ts'],
      ['@clickhouse/client', 'sql/server.ts', 'only-sql-server-ts'],
    ] as const) {
      const name = engine.replace('/', '_')
      expect(await broken(`${name}-client`, { [file]: importOf(engine) })).toEqual([])
      expect(await broken(`${name}-other`, { 'sql/client.ts': importOf(engine) })).toEqual([rule])
      expect(await broken(`${name}-test`, { 'test/other.test.ts': importOf(engine) })).toEqual([])
    }
    expect(await broken('onnx-scorer', { 'models/scorer.ts': importOf('onnxruntime-node') })).toEqual([])
    expect(await broken('onnx-other', { 'models/other.ts': importOf('onnxruntime-node') })).toEqual([
      'only-models-scorer-ts',
    ])
  })
})
