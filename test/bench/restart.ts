import { once } from 'node:events'
import { join } from 'node:path'
import { listening, runCliMeasured, startCli } from './child.ts'
import { type Context, number, type Outcome, spread, tableHead, tableRow } from './part.ts'
import { simulateFile } from './throughput.ts'

const MONTHS = 1

/** From starting the process again after kill -9, with that many borrowers in the directory, to its first answer. */
export async function measureRestart({ folder, isQuick }: Context): Promise<Outcome> {
  const borrowers = isQuick ? 1000 : 100_000
  const data = join(folder, 'data')
  const file = await simulateFile(folder, { borrowers, months: MONTHS }, 5)
  const { out, usage } = await runCliMeasured(['ingest', file, '--data', data, '--json'])
  const summary = JSON.parse(out) as { readonly events: number; readonly evaluations: number }
  const ready_s: number[] = []
  for (let run = 0; run < (isQuick ? 1 : 2); run++) {
    const started = performance.now()
    const server = startCli(['run', '--data', data, '--port', '0'])
    await listening(server)
    ready_s.push((performance.now() - started) / 1000)
    server.kill('SIGKILL')
    await once(server, 'close')
  }
  const cells = [
    `${number(borrowers)} × ${MONTHS}`,
    number(summary.events),
    number(summary.evaluations / usage.cpu_s),
    number(usage.peak_mib),
    spread(ready_s, 1),
  ]
  return {
    lines: [
      ...tableHead([
        'borrowers × months',
        'events in the log',
        'evaluations/core-second when they were taken in',
        'peak MiB then',
        'seconds to the first answer',
      ]),
      tableRow(cells),
    ],
    targets: [],
  }
}
