import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { ROOT } from '../architecture/tree.ts'

/** Text of a file of the repository. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** The documents of a YAML file, with merge keys (`<<`) resolved. Throws on what a parser only warns of, too. */
export function yamlOf(path: string): unknown[] {
  return parseAllDocuments(textOf(path), { merge: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings]
    if (problem !== undefined) throw new Error(`${path}: ${problem.message}`)
    return document.toJS() as unknown
  })
}

/** Whether an image is named so that the same name is the same program next year. */
export function isPinned(image: string): boolean {
  return /^[a-z0-9./-]+(?::\d+\.\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})$/.test(image)
}

/** What an option of a command line is followed by. */
export function optionOf(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(name)
  return at < 0 ? undefined : args[at + 1]
}
