import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runProgram } from './child.ts'
import { currentLoad, describeMachine, measureJsonParse_us } from './machine.ts'
import { type Part, type PartRun, TARGETS_HEADER, targetRow } from './part.ts'

const PAGE = 'BENCHMARKS.md'

/** A chapter of the page: what one command measures and writes anew, leaving the other chapters as they are. */
export type Chapter = {
  /** Address of the command's file, which runs each part in a process of its own. */
  readonly url: string
  readonly heading: string
  readonly command: string
  readonly parts: readonly Part[]
}

type Options = { readonly quick: boolean; readonly folder: string }

/**
 * Runs a chapter: each part in a process of its own, its figures held against the targets, all of it written to the page.
 * `--quick` takes small sizes and prints only; `--only NAME[,NAME]` runs some parts, prints only.
 */
export async function runChapter(chapter: Chapter): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      part: { type: 'string' },
      folder: { type: 'string', default: '' },
    },
  })
  const { part, only } = values
  const named = (name: string) => partNamed(chapter.parts, name)
  if (part !== undefined) console.log(JSON.stringify(await runHere(named(part), values)))
  else await runAll(chapter, only === undefined ? chapter.parts : only.split(',').map(named), values.quick)
}

function partNamed(parts: readonly Part[], name: string): Part {
  const part = parts.find((one) => one.name === name)
  if (part === undefined) throw new Error(`no part ${name}: there are ${parts.map((one) => one.name).join(', ')}`)
  return part
}

/** One part in this process, with what JSON.parse takes before and after it. */
async function runHere(part: Part, { folder, quick }: Options): Promise<PartRun> {
  const started = performance.now()
  const load = currentLoad()
  const before = measureJsonParse_us().us
  const outcome = await part.run({ folder, isQuick: quick })
  const parse_us = (before + measureJsonParse_us().us) / 2
  return { ...outcome, parse_us, load, seconds: (performance.now() - started) / 1000 }
}

async function runAll(chapter: Chapter, parts: readonly Part[], isQuick: boolean): Promise<void> {
  const rows: string[] = []
  const sections: string[] = []
  const machine = describeMachine()
  const { us, bytes } = measureJsonParse_us()
  for (const part of parts) {
    const lines = [`## ${part.title}`, '', ...(await runPart(chapter.url, part, isQuick, rows)), '']
    for (const line of lines) console.log(line)
    sections.push(...lines)
  }
  const page = [
    chapter.heading,
    '',
    `Written by \`${chapter.command}\` on ${new Date().toISOString().slice(0, 10)}: ${machine}.`,
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
  const isWhole = parts.length === chapter.parts.length && !isQuick
  if (isWhole && process.exitCode === undefined) writeChapter(chapter.heading, page.join('\n').trimEnd())
}

/** Puts a chapter into the page in place of the one with its heading, or behind the others. */
function writeChapter(heading: string, text: string): void {
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8').trimEnd() : ''
  const chapters = page.split(/\n(?=# )/).filter((chapter) => chapter !== '')
  const at = chapters.findIndex((chapter) => chapter.split('\n')[0] === heading)
  if (at < 0) chapters.push(text)
  else chapters[at] = text
  writeFileSync(PAGE, `${chapters.map((chapter) => chapter.trimEnd()).join('\n\n')}\n`)
}

/** Runs a part in a process of its own, where no other part's memory and compiled code are. Adds its targets to `rows`. */
async function runPart(url: string, part: Part, isQuick: boolean, rows: string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), `foreshock-bench-${part.name}-`))
  try {
    const args = ['--part', part.name, '--folder', folder, ...(isQuick ? ['--quick'] : [])]
    const run = await runProgram<PartRun>(url, args)
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
