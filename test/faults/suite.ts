import {
  clickhouseFault,
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

export type Scale = { readonly kills: number; readonly comingSeconds: number; readonly outageSeconds: number }

/** Faults of workers and of what they write to, by a name that a database may have. */
export function workerFaults({ kills, comingSeconds, outageSeconds }: Scale): Readonly<Record<string, WorkerFault>> {
  return {
    points: killAtPoints(POINTS),
    random: randomKills(kills),
    stopped: stoppedWorker,
    coming: comingAndGoing(comingSeconds),
    terminated,
    refused: clickhouseFault('refuse', outageSeconds),
    dropped: clickhouseFault('drop_answer', Math.min(outageSeconds, 5)),
    full: clickhouseFault('disk_full', outageSeconds),
    broken: clickhouseFault('status_500', Math.min(outageSeconds, 5)),
    damaged: damagedCheckpoints,
    single: otherwise(1, 1),
    several: otherwise(4, 1000),
  }
}
