import { join } from 'node:path'
import { expect, it } from 'vitest'
import { recentLines } from '../../faults/input.ts'
import { Cluster } from '../../faults/rig.ts'
import { readTopic } from '../../faults/verifier/topic.ts'
import { startGateway } from '../../gateway/start.ts'
import { describeKafka } from '../../kafka/support.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const folder = temporaryFolder()
const TEST_MS_MAX = 240_000
const SESSION_MS = 3000
/** Wide enough that windows end, instalments come due and warnings open and are cleared. */
const HISTORY = { borrowers: 8, days: 62, seed: 3 }

await describeKafka('a cluster', { own: false }, (kafka) => {
  it(
    'takes events from a topic into the tables, closes the days, and goes on after a stop',
    async () => {
      const gateway = await startGateway(join(folder, 'data'), '')
      const [address = ''] = kafka.brokers()
      const cluster = new Cluster({ address, gateway, folder, seed: HISTORY.seed, sessionMs: SESSION_MS })
      try {
        const lines = recentLines(HISTORY)
        const half = lines.length >> 1
        await cluster.createTopic()
        const tables = await cluster.tables('run')
        await cluster.send(lines.slice(0, half))
        const first = cluster.start('intake,worker', tables)
        await cluster.logIsWhole()
        first.kill('SIGTERM')
        expect([await first.exit, first.stderr]).toEqual([{ code: 0, signal: null }, expect.anything()])
        cluster.start('intake,worker', tables)
        await cluster.send(lines.slice(half), half)
        await cluster.logIsWhole()
        await cluster.tablesReach(tables)
        await cluster.deadLettersReach(tables)
        await cluster.endAll()

        expect(await cluster.verifyLog(tables)).toEqual([])
        const replay = await cluster.replay()
        expect(await cluster.verifyTables(tables, replay)).toEqual([])
        const closed = await tables.clickhouse.rows<{ days: number }>(
          "SELECT uniq(time) AS days FROM events WHERE type = 'day.closed'",
        )
        expect(closed[0]?.days).toBeGreaterThanOrEqual(HISTORY.days)
        const refused = await readTopic(cluster.kafka, `${cluster.topic}.dead`)
        const reasons = new Set(refused.map(({ headers }) => headers['foreshock_reason']))
        expect(reasons).toContain('not_json')
        expect(reasons).toContain('future')
        for (const table of ['features', 'scores', 'signals', 'warnings', 'dead_letters', 'loans']) {
          expect([table, replay.get(table)?.length]).not.toEqual([table, 0])
        }
      } finally {
        await cluster.endAll()
        await gateway.close()
      }
    },
    TEST_MS_MAX,
  )
})
