/**
 * `npm run bench`: measures what foreshock promises, each part in a process of its own, holds the figures against the
 * targets and writes BENCHMARKS.md. `-- --quick` takes small sizes and prints only; `-- --only NAME[,NAME]` runs some
 * parts, prints only.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runProgram } from './child.ts'
import { currentLoad, describeMachine, measureJsonParse_us } from './machine.ts'
import { type Part, type PartRun, TARGETS_HEADER, targetRow } from './part.ts'
import { PARTS } from './parts.ts'

const PAGE = 'BENCHMARKS.md'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    part: { type: 'string' },
    folder: { type: 'string', default: '' },
  },
})

if (values.part !== undefined) console.log(JSON.stringify(await runHere(partNamed(values.part), values.folder)))
else await runAll(values.only === undefined ? PARTS : values.only.split(',').map(partNamed))

function partNamed(name: string): Part {
  const part = PARTS.find((one) => one.name === name)
  if (part === undefined) throw new Error(`no part ${name}: there are ${PARTS.map((one) => one.name).join(', ')}`)
  return part
}

/** One part in this process, with what JSON.parse takes before and after it. */
async function runHere(part: Part, folder: string): Promise<PartRun> {
  const started = performance.now()
  const load = currentLoad()
  const before = measureJsonParse_us().us
  const outcome = await part.run({ folder, isQuick: values.quick })
  const parse_us = (before + measureJsonParse_us().us) / 2
  return { ...outcome, parse_us, load, seconds: (performance.now() - started) / 1000 }
}

async function runAll(parts: readonly Part[]): Promise<void> {
  const rows: string[] = []
  const sections: string[] = []
  const machine = describeMachine()
  const { us, bytes } = measureJsonParse_us()
  for (const part of parts) {
    const lines = [`## ${part.title}`, '', ...(await runPart(part, rows)), '']
    for (const line of lines) console.log(line)
    sections.push(...lines)
  }
  const page = [
    '# Benchmarks',
    '',
    `Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${machine}.`,
    `JSON.parse of an event of ${bytes} bytes took ${us.toFixed(2)} µs when it began, and in each part what the table says.`,
    'Figures are medians, with the smallest and the largest of the runs in brackets. Per core and per core-second is by',
    'processor time of all threads. Each part ran in processes of its own.',
    '',
    '## Targets',
    '',
    'The targets are those of a machine on which JSON.parse of such an event took 3 µs; rates and times are scaled by what',
    'it took here while the part ran, and met or not met by the scaled ones.',
    '',
    ...TARGETS_HEADER,
    ...rows,
    '',
    ...sections,
  ]
  console.log([...TARGETS_HEADER, ...rows].join('\n'))
  const isWhole = parts.length === PARTS.length && !values.quick
  if (isWhole && process.exitCode === undefined) writeFileSync(PAGE, `${page.join('\n').trimEnd()}\n`)
}

/** Runs a part in a process of its own, where no other part's memory and compiled code are. Adds its targets to `rows`. */
async function runPart(part: Part, rows: string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), `foreshock-bench-${part.name}-`))
  try {
    const args = ['--part', part.name, '--folder', folder, ...(values.quick ? ['--quick'] : [])]
    const run = await runProgram<PartRun>(import.meta.url, args)
    rows.push(...run.targets.map((target) => targetRow(target, run.parse_us)))
    const under = `Load ${run.load.toFixed(1)} when it began, JSON.parse ${run.parse_us.toFixed(2)} µs, ${run.seconds.toFixed(0)} s.`
    return [...run.lines, '', under]
  } catch (error) {
    process.exitCode = 1
    return [`Failed: ${error instanceof Error ? error.message : String(error)}`]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
