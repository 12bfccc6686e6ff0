/**
 * Runs every `check:…` script of package.json in its order, one after another, and stops at the first that fails.
 * A check that passes is one line; of one that fails everything it printed is shown.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const PREFIX = 'check:'
/** What mends a failure without thought, by check. */
const REMEDIES: Readonly<Record<string, string>> = { format: 'npm run format' }

process.exitCode = runChecks()

function runChecks(): number {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const checks = Object.keys(manifest.scripts).filter((script) => script.startsWith(PREFIX))
  if (checks.length === 0) {
    console.error(`check failed: package.json has no script named ${PREFIX}…`)
    return 1
  }
  for (const script of checks) {
    const name = script.slice(PREFIX.length)
    const began = performance.now()
    // `node --run` finds the script's tools in node_modules/.bin without starting npm once more.
    const run = spawnSync(process.execPath, ['--run', script], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    if (run.error !== undefined || run.status !== 0) {
      process.stdout.write(`${run.stdout}${run.stderr}`)
      console.error(
        `check failed: ${name} (${ending(run)}, ${seconds} s). Again alone: npm run ${script}${remedy(name)}`,
      )
      return 1
    }
    console.log(`check ${name.padEnd(10)} ok  ${seconds} s`)
  }
  return 0
}

function ending(run: ReturnType<typeof spawnSync>): string {
  if (run.error !== undefined) return run.error.message
  return run.signal === null ? `exit ${run.status}` : `killed by ${run.signal}`
}

function remedy(name: string): string {
  const command = REMEDIES[name]
  return command === undefined ? '' : `. Mended by: ${command}`
}
