import { expect, it } from 'vitest'
import { recentLines } from '../../faults/input.ts'
import { badNetwork, killedIntake, runIntakeFault, runTopicFaults, stoppedBroker } from '../../faults/intake-faults.ts'
import { describeKafka } from '../../kafka/support.ts'
import { withRig } from './rig.ts'

const FAULT_MS_MAX = 240_000

await describeKafka('after a fault of intake or of the broker', { own: true }, (kafka) => {
  const rig = withRig(kafka)

  it.each([
    ['intake', killedIntake(1)],
    ['broker', stoppedBroker],
    ['network', badNetwork],
  ])(
    '(%s) the log holds the input, and the tables equal a replay of it',
    async (_, fault) => {
      const lines = recentLines({ borrowers: 4, days: 40, seed: rig().seed })
      expect(await runIntakeFault(fault, rig(), lines)).toEqual([])
    },
    FAULT_MS_MAX,
  )

  it(
    'a topic that is another one, or has other partitions, is refused with what to do',
    async () => {
      const lines = recentLines({ borrowers: 2, days: 5, seed: rig().seed })
      expect(await runTopicFaults(rig(), lines)).toEqual([])
    },
    FAULT_MS_MAX,
  )
})
