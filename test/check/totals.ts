import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

const STANDARD_OUTPUT = 1

/**
 * Makes the totals the last line that a test run writes to standard output: `N passed, N failed`.
 *
 * What fails outside any test (a file that cannot be loaded, a hook, a rejection nobody handled) counts as one failure each,
 * so that the line never reads better than the exit code. Skipped tests are named before it.
 */
// oxlint-disable-next-line import/no-default-export -- vitest loads a reporter by its default export.
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let passed = 0
    let failed = unhandled.length
    const skipped: string[] = []
    for (const module of modules) {
      failed += module.errors().length
      for (const suite of module.children.allSuites()) failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') passed++
        else if (result.state === 'skipped') skipped.push(describeSkipped(test.fullName, module, result.note))
        else failed++
      }
    }
    const lines = skipped.map((test) => `skipped: ${test}\n`)
    // Only at the very end of the process nothing can follow any more.
    process.once('exit', () => writeSync(STANDARD_OUTPUT, `${lines.join('')}${passed} passed, ${failed} failed\n`))
  }
}

function describeSkipped(name: string, module: TestModule, note: string | undefined): string {
  return `${module.relativeModuleId}: ${name}${note === undefined ? '' : ` (${note})`}`
}
