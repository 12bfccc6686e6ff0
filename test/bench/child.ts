import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const MAIN = new URL('../../pipelines/cli/main.ts', import.meta.url).pathname

export function startCli(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs a command to its end and returns its standard output; throws with its standard error when it fails. */
export async function runCli(args: readonly string[]): Promise<string> {
  const child = startCli(args)
  let out = ''
  let error = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    error += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`foreshock ${args.join(' ')} ended with ${code}: ${error.slice(-500)}`)
  return out
}

export function folderBytes(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    bytes += entry.isDirectory() ? folderBytes(path) : statSync(path).size
  }
  return bytes
}

/** The address that a started server prints. Its output goes on being read, else its next line would find no reader. */
export function listening(child: ChildProcess): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const match = /listens on (\S+)/.exec(text)
      if (match?.[1] !== undefined) resolve(match[1])
    })
    child.once('close', (code) => reject(new Error(`the server ended with ${code} before it listened: ${text}`)))
  })
}
