import { beforeAll, expect, it } from 'vitest'
import { recentLines } from '../../faults/input.ts'
import { Cluster } from '../../faults/rig.ts'
import { workerFaults } from '../../faults/suite.ts'
import type { Dump } from '../../faults/verifier/tables.ts'
import { runWorkerFault } from '../../faults/worker-faults.ts'
import { describeKafka } from '../../kafka/support.ts'
import { withRig } from './rig.ts'

const FAULT_MS_MAX = 240_000
const FAULTS = workerFaults({ kills: 2, comingSeconds: 4, outageSeconds: 3 })

await describeKafka('after a fault of a worker, of ClickHouse or of a checkpoint', { own: true }, (kafka) => {
  const rig = withRig(kafka)
  let cluster: Cluster
  let replay: Dump
  beforeAll(async () => {
    cluster = new Cluster(rig())
    await cluster.fill(recentLines({ borrowers: 8, days: 62, seed: rig().seed }))
    replay = await cluster.replay()
  }, FAULT_MS_MAX)

  it.each(Object.entries(FAULTS))(
    '(%s) the tables equal a replay of the same log without one',
    async (name, fault) => {
      expect(await runWorkerFault(fault, cluster, name, replay)).toEqual([])
    },
    FAULT_MS_MAX,
  )

  it('the log held enough to tell', () => {
    for (const table of ['events', 'features', 'scores', 'signals', 'warnings', 'dead_letters']) {
      expect([table, replay.get(table)?.length]).not.toEqual([table, 0])
    }
  })
})
