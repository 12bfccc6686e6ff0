import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { environmentWith } from '../../pipelines/config.ts'

const MAIN = fileURLToPath(new URL('../../pipelines/cli/main.ts', import.meta.url))
const USAGE = new URL('usage/main.ts', import.meta.url).href

/** What a process used from its start to its end. */
export type Usage = { readonly cpu_s: number; readonly main_thread_s: number; readonly peak_mib: number }

export function startCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
  const env = environmentWith(environment)
  return spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
}

/** Runs a command to its end and returns its standard output; throws with its standard error when it fails. */
export async function runCli(args: readonly string[]): Promise<string> {
  return (await runCliMeasured(args)).out
}

export async function runCliMeasured(
  args: readonly string[],
): Promise<{ readonly out: string; readonly usage: Usage }> {
  const child = spawn(process.execPath, ['--import', USAGE, MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [out, error, usage] = await outputsOf(child, [1, 2, 3])
  if (child.exitCode !== 0) throw new Error(`foreshock ${args.join(' ')} ended with ${child.exitCode}: ${error}`)
  return { out: out as string, usage: JSON.parse(usage as string) as Usage }
}

/** Runs a program of the bench in a process of its own; what it prints is one JSON value. */
export async function runProgram<Result>(url: string, args: readonly string[]): Promise<Result> {
  const child = spawn(process.execPath, ['--expose-gc', fileURLToPath(url), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [out] = await outputsOf(child, [1])
  if (child.exitCode !== 0) throw new Error(`${fileURLToPath(url)} ${args.join(' ')} ended with ${child.exitCode}`)
  return JSON.parse(out as string) as Result
}

async function outputsOf(child: ChildProcess, descriptors: readonly number[]): Promise<string[]> {
  const texts = descriptors.map(() => '')
  descriptors.forEach((descriptor, i) => {
    const stream = child.stdio[descriptor] as Readable
    stream.setEncoding('utf8').on('data', (text: string) => {
      texts[i] += text
    })
  })
  await new Promise((resolve) => child.once('close', resolve))
  return texts
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
