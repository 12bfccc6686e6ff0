import { type CheckpointSpeed, measureCheckpoint } from './checkpoint.ts'
import { type Context, number, type Outcome, type Target, tableHead, tableRow } from './part.ts'

const QUICK_BORROWERS = 10_000
const BORROWERS = 1_000_000
const PAUSE_MS_MAX = 50
const LOAD_S_MAX = 10

/** A checkpoint of many borrowers, written while nothing else happens and while a sweep goes on, and loaded again. */
export async function measureCheckpointPart({ isQuick }: Context): Promise<Outcome> {
  const speed = await measureCheckpoint(isQuick ? QUICK_BORROWERS : BORROWERS)
  return { lines: linesOf(speed), targets: targetsOf(speed) }
}

function linesOf(speed: CheckpointSpeed): string[] {
  const head = ['borrowers', 'MB', 'begins, ms', 'longest slice, ms', 'written, s', 'beside a sweep, s', 'loaded, s']
  const cells = [
    number(speed.borrowers),
    number(speed.bytes / 1e6),
    number(speed.begin_ms, 1),
    number(speed.slice_ms, 1),
    number(speed.write_s, 1),
    number(speed.busy_write_s, 1),
    number(speed.load_s, 1),
  ]
  return [...tableHead(head), tableRow(cells)]
}

function targetsOf(speed: CheckpointSpeed): Target[] {
  const borrowers = `${number(speed.borrowers)} borrowers`
  const pause = Math.max(speed.begin_ms, speed.slice_ms)
  return [
    {
      what: `longest time that writing a checkpoint of ${borrowers} holds the engine`,
      values: [pause],
      unit: 'ms',
      digits: 1,
      bound: 'at most',
      limit: PAUSE_MS_MAX,
      scaling: 'time',
    },
    {
      what: `loading a checkpoint of ${borrowers}`,
      values: [speed.load_s],
      unit: 's',
      digits: 1,
      bound: 'at most',
      limit: LOAD_S_MAX,
      scaling: 'time',
    },
  ]
}
