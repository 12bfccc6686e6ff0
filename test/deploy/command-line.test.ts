import { beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../architecture/tree.ts'
import { composeSchema } from './compose-shape.ts'
import { optionOf, textOf, yamlOf } from './files.ts'
import { objectSchema } from './kubernetes-shape.ts'
import { runProgram } from './program.ts'

/** What `deploy/` asks of the program: it must offer that. */

const { services } = composeSchema.parse(yamlOf('deploy/compose.yaml')[0])
const containers = ['intake', 'worker', 'api'].flatMap((role) =>
  yamlOf(`deploy/kubernetes/${role}.yaml`)
    .map((document) => objectSchema.parse(document))
    .filter((one) => one.kind === 'Deployment' || one.kind === 'StatefulSet')
    .flatMap(({ spec }) => spec.template.spec.containers),
)
const commands = [
  ...['intake', 'worker', 'api'].map((name) => ({ name: `compose ${name}`, args: services[name]?.command ?? [] })),
  ...containers.map(({ name, args }) => ({ name: `pod ${name}`, args })),
]

describe('the program', () => {
  let offered: ReadonlySet<string>
  beforeAll(async () => {
    const { out } = await runProgram(ROOT, ['run', '--help'])
    offered = new Set([...out.matchAll(/^ {2}(--[a-z-]+) </gm)].map(([, option = '']) => option))
  })

  it.each(commands)('offers what is asked of it: $name', ({ args }) => {
    const [command, ...rest] = args
    expect(command).toBe('run')
    const options = rest.filter((_, i) => i % 2 === 0)
    expect(options.filter((option) => !offered.has(option))).toEqual([])
    expect(rest.filter((_, i) => i % 2 === 1).filter((value) => value.startsWith('-'))).toEqual([])
    expect(['intake', 'worker', 'api']).toContain(optionOf(args, '--role'))
  })

  it('reads the variables that it is given', () => {
    const given = [
      ...['intake', 'worker', 'api'].flatMap((name) => Object.keys(services[name]?.environment ?? {})),
      ...containers.flatMap(({ env }) => env.map(({ name }) => name)),
    ]
    const read = textOf('pipelines/config.ts')
    expect([...new Set(given)].filter((name) => !new RegExp(`\\b${name}\\b`).test(read))).toEqual([])
  })
})
