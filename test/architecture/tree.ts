import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The folders that hold code. */
export const LAYERS = ['features', 'models', 'sql', 'pipelines', 'api', 'test']

/** What git does not keep, as .gitignore lists it: folders (`name/`) and endings (`*.end`), wherever they are. */
const ignoredFolders = new Set(['.git'])
const ignoredEndings: string[] = []
for (const line of readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n')) {
  const pattern = line.trim()
  if (pattern === '' || pattern.startsWith('#')) continue
  if (/^[\w.-]+\/$/.test(pattern)) ignoredFolders.add(pattern.slice(0, -1))
  else if (/^\*[\w.-]+$/.test(pattern)) ignoredEndings.push(pattern.slice(1))
  else throw new Error(`.gitignore: this walk reads "name/" and "*.end" only, not "${pattern}"`)
}

function isKept(entry: Dirent): boolean {
  if (entry.isDirectory()) return !ignoredFolders.has(entry.name)
  return !ignoredEndings.some((ending) => entry.name.endsWith(ending))
}

/** Names of the top-level entries that git would keep, folders ending in `/`. Empty folders do not count. */
export function topLevelEntries(): string[] {
  return readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => isKept(entry) && (!entry.isDirectory() || filesBelow(entry.name).length > 0))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
}

/** Paths from the root of every file below a folder (default: of all) that git would keep, in order of their names. */
export function filesBelow(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(isKept)
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      return entry.isDirectory() ? filesBelow(path) : [path]
    })
    .sort()
}

/** Text of a file, or undefined where it holds something else (a zero byte among the first 8,000, as git tells). */
export function readText(path: string): string | undefined {
  const bytes = readFileSync(join(ROOT, path))
  return bytes.subarray(0, 8000).includes(0) ? undefined : bytes.toString('utf8')
}

/** Every TypeScript file of the code folders with its text. */
export function sourceFiles(): { path: string; text: string }[] {
  return LAYERS.flatMap((layer) => filesBelow(layer))
    .concat(topLevelEntries())
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readText(path) ?? '' }))
}
