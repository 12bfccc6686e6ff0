import { setTimeout as sleep } from 'node:timers/promises'
import { Checkpoints } from '../../../pipelines/checkpoint/checkpoint.ts'
import { PartitionWorker } from '../../../pipelines/cluster/partition-worker.ts'
import { Repeats } from '../../../pipelines/cluster/repeats.ts'
import type { Database, Sql } from '../../../sql/client.ts'

/**
 * The named points at which a process kills itself: `decode` (a record is decoded, nothing is done with it), `before:TABLE` and
 * `after:TABLE` (an insert), `copied` (a checkpoint's state is written, its manifest not), `copying` (while it is written),
 * `restored` (a checkpoint is read, nothing follows yet), `appended` (intake: between append and commit). `NAME#N` is the Nth time.
 */
export type Point = {
  readonly name: string
  /** Dies if this is the time. */
  readonly reach: () => void
  readonly onAppended?: () => void
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
  // The signal may take a moment, in which nothing may go on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
}

/** Puts a point into the parts of this process. */
export function dieAt(text: string): Point {
  const [name = '', times = '1'] = text.split('#')
  let left = Number(times)
  const reach = () => {
    if (--left === 0) die()
  }
  const around = AROUND[name]
  if (around !== undefined) around(reach)
  else if (name !== 'appended' && !/^(before|after):/.test(name)) throw new Error(`there is no point ${name}`)
  return { name, reach, ...(name === 'appended' ? { onAppended: reach } : {}) }
}

const AROUND: Readonly<Record<string, (reach: () => void) => void>> = {
  decode(reach) {
    const { judge } = Repeats.prototype
    Repeats.prototype.judge = function (...args) {
      reach()
      return judge.apply(this, args)
    }
  },
  copied(reach) {
    const { write } = Checkpoints.prototype
    Checkpoints.prototype.write = function (snapshot, acknowledged) {
      return write.call(this, snapshot, async () => {
        await acknowledged?.()
        reach()
      })
    }
  },
  copying(reach) {
    const { write } = Checkpoints.prototype
    Checkpoints.prototype.write = function (...args) {
      setTimeout(reach, 1)
      return write.apply(this, args)
    }
  },
  restored(reach) {
    const { restore } = Checkpoints.prototype
    Checkpoints.prototype.restore = async function (...args) {
      const restored = await restore.apply(this, args)
      reach()
      return restored
    }
  },
}

/** The same database, in which the process dies before or after an insert. */
export function deadlyDatabase(database: Database, { name, reach }: Point): Database {
  const wrap = (sql: Sql): Sql => ({
    ...sql,
    async insertBlock(table, block) {
      if (name === `before:${table}`) reach()
      await sql.insertBlock(table, block)
      if (name === `after:${table}`) reach()
    },
  })
  return { ...database, session: (options) => wrap(database.session(options)) }
}

/** Makes workers take so many records at once, with a pause after each. */
export function pace(records: number, pauseMs: number): void {
  const { take } = PartitionWorker.prototype
  PartitionWorker.prototype.take = async function (all) {
    for (let from = 0; from < all.length; from += records) {
      await take.call(this, all.slice(from, from + records))
      if (pauseMs > 0) await sleep(pauseMs)
    }
  }
}
