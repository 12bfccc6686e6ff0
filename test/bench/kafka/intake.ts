import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Context, number, type Outcome, spread, tableHead, tableRow } from '../part.ts'
import { simulateFile } from '../throughput.ts'
import {
  type Bed,
  clusterConfig,
  committedOf,
  cpuOf_s,
  INPUT_PARTITIONS,
  produceAll,
  type Store,
  startBed,
  startMember,
  startStore,
  untilTrue,
} from './bed.ts'

/** Records of the topic before the figure begins: until then the process is being compiled. */
const WARM_UP_SHARE = 0.25
const EVENTS_PER_CORE_SECOND_MIN = 40_000

type Run = {
  readonly events: number
  readonly seconds: number
  readonly intake_s: number
  readonly broker_s: number
  /** The whole process from its start to the last event. */
  readonly whole_s: number
}

/** A preloaded input topic is read into the log by one process, which is the owner of the control topic too. */
export async function measureIntake({ folder, isQuick }: Context): Promise<Outcome> {
  const file = await simulateFile(folder, { borrowers: isQuick ? 200 : 1000, months: isQuick ? 6 : 12 })
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const bytes = lines.reduce((sum, line) => sum + line.length, 0) / lines.length
  const bed = await startBed()
  const runs: Run[] = []
  try {
    for (let n = 0; n < (isQuick ? 1 : 3); n++) {
      const store = await startStore(join(folder, `data-${n}`))
      runs.push(await runIntake(bed, store, join(folder, `cluster-${n}`), `intake-${process.pid}-${n}`, lines))
      await store.close()
    }
  } finally {
    await bed.close()
  }
  const perCore = runs.map(({ events, intake_s }) => events / intake_s)
  return {
    lines: [
      `${number(lines.length)} simulated events of ${number(bytes)} bytes in ${INPUT_PARTITIONS} partitions, decoded, checked,`,
      'and appended with acknowledgement of all replicas (here one); their offsets committed. Figures of the last three',
      'quarters; the process as a whole, with its start, beside.',
      '',
      ...tableHead([
        'events/s',
        'events/core-second of intake',
        'broker, CPU s per CPU s of intake',
        'whole process, events/core-second',
      ]),
      tableRow([
        spread(runs.map(({ events, seconds }) => events / seconds)),
        spread(perCore),
        spread(
          runs.map(({ broker_s, intake_s }) => broker_s / intake_s),
          2,
        ),
        spread(runs.map(({ whole_s }) => lines.length / whole_s)),
      ]),
    ],
    targets: [
      {
        what: 'input topic to log',
        values: perCore,
        unit: 'events/s per core-second of intake',
        bound: 'at least',
        limit: EVENTS_PER_CORE_SECOND_MIN,
        scaling: 'rate',
      },
    ],
  }
}

async function runIntake(
  bed: Bed,
  store: Store,
  folder: string,
  prefix: string,
  lines: readonly string[],
): Promise<Run> {
  const { config, file } = clusterConfig(folder, bed, store, prefix)
  const topic = config.inputs[0]?.topic as string
  await bed.admin.createTopic({ topic, partitions: INPUT_PARTITIONS })
  const records = lines.map((value, i) => ({ partition: i % INPUT_PARTITIONS, key: null, value }))
  await produceAll(bed.producer, topic, records)
  const member = startMember(file, 'intake', store)
  const done = () => committedOf(bed, `${prefix}-intake`, topic)
  const mark = async () => ({
    events: await done(),
    at: performance.now(),
    intake_s: cpuOf_s(member.pid),
    broker_s: bed.brokerCpu_s(),
  })
  await untilTrue(async () => (await done()) >= lines.length * WARM_UP_SHARE, 'intake is warm', [member])
  const from = await mark()
  await untilTrue(async () => (await done()) >= lines.length, 'all is in the log', [member])
  const to = await mark()
  await member.stop()
  return {
    events: to.events - from.events,
    seconds: (to.at - from.at) / 1000,
    intake_s: to.intake_s - from.intake_s,
    broker_s: to.broker_s - from.broker_s,
    whole_s: to.intake_s,
  }
}
