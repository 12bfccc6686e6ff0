import { once } from 'node:events'
import { join } from 'node:path'
import { listening, runCli, startCli } from './child.ts'

export type Restart = { borrowers: number; events: number; ready_s: number[] }

/** From starting the process again after kill -9, with that many borrowers in the directory, to its first answer. */
export async function measureRestart(
  folder: string,
  borrowers: number,
  months: number,
  runs: number,
): Promise<Restart> {
  const file = join(folder, 'restart.ndjson')
  const data = join(folder, 'restart')
  await runCli(['simulate', '--borrowers', `${borrowers}`, '--months', `${months}`, '--seed', '5', '--out', file])
  const summary = JSON.parse(await runCli(['ingest', file, '--data', data, '--json'])) as { events: number }
  const ready: number[] = []
  for (let run = 0; run < runs; run++) {
    const started = performance.now()
    const server = startCli(['run', '--data', data, '--port', '0'])
    await listening(server)
    ready.push((performance.now() - started) / 1000)
    server.kill('SIGKILL')
    await once(server, 'close')
  }
  return { borrowers, events: summary.events, ready_s: ready }
}
