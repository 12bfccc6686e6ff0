import {
  comingAndGoing,
  damagedCheckpoints,
  killAtPoints,
  otherwise,
  randomKills,
  stoppedWorker,
  terminated,
  type WorkerFault,
} from './worker-faults.ts'

/** Where a worker is killed: a name of `child/points.ts` and the how manyeth time. */
export const POINTS = [
  'decode#5',
  'before:events#2',
  'before:signals#2',
  'after:features#2',
  'after:progress#2',
  'copying#2',
  'copied#2',
  'restored#2',
] as const

/** The same where there is little time: after decode, before an insert, between two, after all of them, with checkpoints. */
export const SHORT_POINTS = [
  'decode#5',
  'before:events#2',
  'after:signals#2',
  'after:progress#2',
  'copying#2',
  'restored#2',
] as const

export type Scale = {
  readonly points: readonly string[]
  readonly kills: number
  readonly comingSeconds: number
}

/** Faults of workers and of checkpoints, by a name that a database may have. */
export function workerFaults({ points, kills, comingSeconds }: Scale): Readonly<Record<string, WorkerFault>> {
  return {
    points: killAtPoints(points),
    random: randomKills(kills, kills * 3),
    stopped: stoppedWorker(6),
    coming: comingAndGoing(comingSeconds),
    terminated,
    damaged: damagedCheckpoints,
    single: otherwise(1, 1),
    several: otherwise(4, 1000),
  }
}
