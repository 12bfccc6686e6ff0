import { readFileSync } from 'node:fs'

/** The release's version, as package.json has it. */
export function versionOf(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return manifest.version
}
