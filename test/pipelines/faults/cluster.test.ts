import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MS_PER_DAY } from '../../../features/time.ts'
import { nameOfOutages, runOutages } from '../../faults/clickhouse-faults.ts'
import { recentLines } from '../../faults/input.ts'
import {
  badNetwork,
  type FaultParts,
  killedIntake,
  proxiedCluster,
  stoppedBroker,
  strike,
} from '../../faults/intake-faults.ts'
import { until } from '../../faults/process.ts'
import { createRandom } from '../../faults/random.ts'
import { Cluster } from '../../faults/rig.ts'
import { SHORT_POINTS, workerFaults } from '../../faults/suite.ts'
import { runTopicFaults } from '../../faults/topic-faults.ts'
import type { Dump } from '../../faults/verifier/tables.ts'
import { topicEnds } from '../../faults/verifier/topic.ts'
import { runWorkerFault } from '../../faults/worker-faults.ts'
import { describeKafka } from '../../kafka/support.ts'
import { transaction } from '../run/events.ts'
import { lanes, withRig } from './rig.ts'

/**
 * The short form of `npm run faults`: each fault of a cluster once. Those that mostly wait do so at the same time, each with
 * tables and a group of workers of its own.
 */
// The wait for a lane counts, and a machine may be busy with other things.
const FAULT_MS_MAX = 480_000
const FAULTS_AT_ONCE = 3
const WORKER_FAULTS = workerFaults({ points: SHORT_POINTS, kills: 2, comingSeconds: 5 })
const OUTAGES = [
  { kind: 'refuse', seconds: 2 },
  { kind: 'drop_answer', seconds: 1 },
  { kind: 'disk_full', seconds: 2 },
  { kind: 'status_500', seconds: 1 },
] as const
const STOP_MS_MAX = 10_000

await describeKafka('a cluster of which something fails', { own: true }, (kafka) => {
  const rig = withRig(kafka)
  const inLane = lanes(FAULTS_AT_ONCE)

  describe.concurrent('workers, ClickHouse, checkpoints', () => {
    let cluster: Cluster
    let replay: Dump
    beforeAll(async () => {
      cluster = new Cluster(rig())
      await cluster.fill(recentLines({ borrowers: 8, days: 62, seed: rig().seed }))
      replay = await cluster.replay()
    }, FAULT_MS_MAX)

    it.each(Object.entries(WORKER_FAULTS))(
      '(%s) the tables equal a replay of the same log without the fault',
      async (name, fault) => {
        expect(await inLane(() => runWorkerFault(fault, cluster, name, replay))).toEqual([])
      },
      FAULT_MS_MAX,
    )

    it(
      `(${nameOfOutages(OUTAGES)}) memory stays flat, the tables equal the replay`,
      async () => {
        expect(await inLane(() => runOutages(OUTAGES, cluster, 'outages', replay))).toEqual([])
      },
      FAULT_MS_MAX,
    )

    it('the log held enough to tell', () => {
      for (const table of ['events', 'features', 'scores', 'signals', 'warnings', 'dead_letters']) {
        expect([table, replay.get(table)?.length]).not.toEqual([table, 0])
      }
    })
  })

  describe.concurrent('topics and days', () => {
    it(
      'a topic that is another one, has other partitions, or lacks what comes next is refused with what to do',
      async () => {
        const lines = recentLines({ borrowers: 2, days: 5, seed: rig().seed })
        expect(await inLane(() => runTopicFaults(rig(), lines))).toEqual([])
      },
      FAULT_MS_MAX,
    )

    it(
      'an owner of the control topic with years of days behind ends in order when it is told to',
      async () => {
        await inLane(async () => {
          const cluster = new Cluster(rig())
          await cluster.createTopic()
          const tables = await cluster.tables('days')
          const intake = cluster.start('intake', tables)
          await cluster.send([JSON.stringify(transaction('old', Date.now() - 3000 * MS_PER_DAY, 'b-1'))])
          const ticks = async () => (await topicEnds(cluster.kafka, cluster.logTopic).catch(() => []))[0] ?? 0
          await until(async () => (await ticks()) > 20, 'days are closed')
          const at = performance.now()
          expect(await intake.stop()).toEqual({ code: 0, signal: null })
          expect(performance.now() - at).toBeLessThan(STOP_MS_MAX)
          expect(await ticks()).toBeLessThan(3000)
        })
      },
      FAULT_MS_MAX,
    )
  })

  describe('intake and broker', () => {
    let parts: FaultParts
    let lines: readonly string[]
    beforeAll(async () => {
      const { broker, seed } = rig()
      const cluster = proxiedCluster(rig())
      await cluster.createTopic()
      lines = recentLines({ borrowers: 4, days: 40, seed })
      const tables = await cluster.tables('faulty')
      parts = { cluster, broker, tables, lines, random: createRandom(seed) }
    }, FAULT_MS_MAX)
    afterAll(() => parts.cluster.endAll())

    it.each([
      ['intake is killed', killedIntake(1)],
      ['the network fails', badNetwork(1500, 5000)],
      ['the broker ends', stoppedBroker(['SIGTERM'], 1500)],
    ])(
      '(%s) the log holds the input, and the table the dead letters',
      async (_, fault) => {
        expect(await strike(fault, { ...parts, lines: lines.slice(0, 100) })).toEqual([])
        lines = lines.slice(100)
      },
      FAULT_MS_MAX,
    )

    it(
      'after all of them the tables equal a replay of the log',
      async () => {
        const { cluster, tables } = parts
        expect(await cluster.verifyTables(tables, await cluster.replay())).toEqual([])
      },
      FAULT_MS_MAX,
    )
  })
})
