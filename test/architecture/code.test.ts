import { describe, expect, it } from 'vitest'
import { type Finding, findClocks, findDisabledTests, findEnvironment, findImports, findRandom } from './scan.ts'
import { sourceFiles } from './tree.ts'

const files = sourceFiles()

/** `path:line found`, for every finding in the files whose path matches. */
function findingsIn(paths: RegExp, find: (text: string) => Finding[]): string[] {
  return files
    .filter(({ path }) => paths.test(path))
    .flatMap(({ path, text }) => find(text).map(({ line, found }) => `${path}:${line} ${found}`))
}

describe('the environment', () => {
  it('is read in pipelines/config.ts only: everything else, tests too, gets its configuration as arguments', () => {
    expect(findingsIn(/^(?!pipelines\/config\.ts$)/, findEnvironment)).toEqual([])
  })

  it('is seen in every spelling, and nowhere else', () => {
    const reads = [
      'const a = process.env.HOME',
      "process.env['A'] = '1'",
      "process['env']",
      'globalThis.process.env',
      'const { env } = process',
      'const { env: e, argv } = process',
      "import { env } from 'node:process'",
      "import { env as e } from 'node:process'",
    ]
    for (const text of reads) expect(findEnvironment(text), text).toHaveLength(1)
    const others = [
      '// process.env',
      "'process.env'",
      'request.env',
      'process.argv',
      'process.environment',
      'const { env } = options',
    ]
    for (const text of others) expect(findEnvironment(text), text).toEqual([])
  })
})

describe('features/ and models/', () => {
  it('look at no clock: nothing after intake does', () => {
    expect(findingsIn(/^(?:features|models)\//, findClocks)).toEqual([])
  })

  it('draw nothing at random', () => {
    expect(findingsIn(/^(?:features|models)\//, findRandom)).toEqual([])
  })

  it('would be caught at it', () => {
    const clocks = [
      'Date.now()',
      "Date['now']()",
      'new Date()',
      'new Date',
      'Date()',
      'performance.now()',
      'process.hrtime.bigint()',
      'const { now } = Date',
      "import { performance as p } from 'node:perf_hooks'",
      "new Intl.DateTimeFormat('en').format()",
    ]
    for (const text of clocks) expect(findClocks(text), text).toHaveLength(1)
    const pure = [
      'new Date(0)',
      'new Date(ms).toISOString()',
      'Date.UTC(1970, 0)',
      '// Date.now()',
      'clock.now()',
      'time.format()',
    ]
    for (const text of pure) expect(findClocks(text), text).toEqual([])

    const draws = [
      'Math.random()',
      "Math['random']()",
      'const { random } = Math',
      "import { randomUUID } from 'node:crypto'",
      'crypto.randomUUID()',
      'crypto.getRandomValues(bytes)',
    ]
    for (const text of draws) expect(findRandom(text), text).toHaveLength(1)
    const drawn = ["import { createHash } from 'node:crypto'", 'random.next()', "'Math.random'", 'Math.round(1.5)']
    for (const text of drawn) expect(findRandom(text), text).toEqual([])
  })
})

describe('packages behind one file', () => {
  it.each(['kafkajs', 'danfojs-node', '@aws-sdk/client-s3', 'prom-client'])(
    '%s is imported by one file at most',
    (name) => {
      // What verifies a run from outside shares nothing with it, its client apart.
      const users = files.filter(
        ({ path, text }) =>
          !path.startsWith('test/faults/') &&
          findImports(text).some(({ found }) => found === name || found.startsWith(`${name}/`)),
      )
      expect(users.map(({ path }) => path).slice(1)).toEqual([])
    },
  )

  it('would be seen in every kind of import', () => {
    const imports = [
      "import kafka from 'kafkajs'",
      "import type { Kafka } from 'kafkajs'",
      "import 'kafkajs'",
      "export * from 'kafkajs'",
      "const kafka = await import('kafkajs')",
      "const kafka = require('kafkajs')",
      "type Kafka = import('kafkajs').Kafka",
    ]
    for (const text of imports)
      expect(
        findImports(text).map(({ found }) => found),
        text,
      ).toEqual(['kafkajs'])
    expect(findImports("// import 'kafkajs'\nload('kafkajs')")).toEqual([])
  })
})

describe('tests', () => {
  it('all run, or say in the line above why not', () => {
    expect(findingsIn(/^test\//, findDisabledTests)).toEqual([])
  })

  it('would be caught being skipped', () => {
    const disabled = [
      "it.only('x', f)",
      "describe.only('x', f)",
      "test.concurrent.only('x', f)",
      "it.todo('x')",
      "it.skip('x', f)",
      "describe.skipIf(!present)('x', f)",
      "it('x', (context) => context.skip())",
      "xit('x', f)",
    ]
    for (const text of disabled) expect(findDisabledTests(text), text).toHaveLength(1)
    const reasoned = [
      "// The folder is not there.\ndescribe.skipIf(!present)('x', f)",
      "it('x', (context) => context.skip(true, 'the folder is not there'))",
      'rows.skip(10)',
      "it('only this', f)",
    ]
    for (const text of reasoned) expect(findDisabledTests(text), text).toEqual([])
  })
})
