import { closeSync, openSync, readSync, writevSync } from 'node:fs'
import { join } from 'node:path'
import { hash53 } from '../../../features/hash.ts'
import { blockHeader, createBlock } from '../../../sql/native.ts'
import { createMatrixColumns } from '../../../sql/native-matrix.ts'
import type { WindowRows } from '../../features/window/rows.ts'
import { measureProcess, measureWork, type Run } from './measure.ts'
import { COLUMN_NAMES, createW45Engine, traitsOfKind } from './workload.ts'

const WIDTH = COLUMN_NAMES.length
const READ_BYTES = 4 << 20
const BLOCK_ROWS = 1024
const NEWLINE = 10
/** A slice's borrowers and their rows fit the processor's cache. */
const SLICES = 64

type W45Event = {
  readonly b: string
  readonly t: number
  readonly k: string
  readonly a: number
  readonly i: string
}

/** Calls `take` with every line's event, in the order of the file. */
function readEvents(file: string, take: (event: W45Event) => void): void {
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  const descriptor = openSync(file, 'r')
  for (let kept = 0; ; ) {
    const end = kept + readSync(descriptor, buffer, kept, READ_BYTES - kept, null)
    if (end === kept) break
    let from = 0
    for (let to = buffer.indexOf(NEWLINE); to >= 0 && to < end; to = buffer.indexOf(NEWLINE, from)) {
      take(JSON.parse(buffer.toString('utf8', from, to)) as W45Event)
      from = to + 1
    }
    buffer.copyWithin(0, from, end)
    kept = end - from
  }
  closeSync(descriptor)
}

/** From NDJSON, as a stream in log order, to blocks of ClickHouse's Native format in a file. */
export async function runForeshockFromNdjson(file: string, folder: string): Promise<Run> {
  const out = join(folder, 'foreshock.native')
  const descriptor = openSync(out, 'w')
  const engine = createW45Engine()
  const borrowers = new Map<string, WindowRows>()
  const keys = createBlock({ borrower: 'String', time: 'Int64' })
  const columns = createMatrixColumns(COLUMN_NAMES)
  const width = keys.structure.length + WIDTH
  let events = 0

  function flush(): void {
    const [, ...keyChunks] = keys.chunks()
    writevSync(descriptor, [blockHeader(width, keys.rows), ...keyChunks, ...columns.chunks(keys.rows)])
    keys.clear()
    columns.clear()
  }

  readEvents(file, ({ b, t, k, a, i }) => {
    let rows = borrowers.get(b)
    if (rows === undefined) {
      rows = engine.open()
      borrowers.set(b, rows)
    }
    engine.take(rows, t, traitsOfKind(k), a, i === '' ? 0 : hash53(i))
    keys.append({ borrower: b, time: t })
    columns.append(engine.slots, 0)
    events++
    if (keys.rows === BLOCK_ROWS) flush()
  })
  if (keys.rows > 0) flush()
  closeSync(descriptor)
  const measured = measureProcess()
  return { events, ...measured, totals: await totalsOfNative(out, folder) }
}

/** The totals of a Native file as the embedded ClickHouse reads them. */
async function totalsOfNative(out: string, folder: string): Promise<string[]> {
  // Loaded only now: it is no part of what is measured.
  const { quoteString } = await import('../../../sql/client.ts')
  const { openEmbedded } = await import('../../../sql/embedded.ts')
  const database = await openEmbedded(join(folder, 'check'))
  if ('locked' in database) throw new Error('the folder of the check is in use')
  const sql = database.session()
  const sums = COLUMN_NAMES.map((name) => `toString(sum(toInt64(ifNull(${name}, -1))))`).join(', ')
  const [row] = await sql.query<{ totals: string[] }>(
    `SELECT [${sums}] AS totals FROM file(${quoteString(out)}, Native)`,
  )
  await database.close()
  return row!.totals
}

export type EventColumns = {
  readonly events: number
  readonly borrowers: number
  readonly borrower: Int32Array
  readonly time: Float64Array
  readonly traits: Uint8Array
  readonly amount: Float64Array
  readonly institution: Int32Array
}

function loadColumns(file: string, events: number): EventColumns {
  const borrowers = new Map<string, number>()
  const institutions = new Map<string, number>([['', 0]])
  const numberOf = (names: Map<string, number>, name: string) => {
    const known = names.get(name) ?? names.size
    if (known === names.size) names.set(name, known)
    return known
  }
  const borrower = new Int32Array(events)
  const time = new Float64Array(events)
  const traits = new Uint8Array(events)
  const amount = new Float64Array(events)
  const institution = new Int32Array(events)
  let n = 0
  readEvents(file, ({ b, t, k, a, i }) => {
    borrower[n] = numberOf(borrowers, b)
    time[n] = t
    traits[n] = traitsOfKind(k)
    amount[n] = a
    institution[n] = numberOf(institutions, i)
    n++
  })
  return { events: n, borrowers: borrowers.size, borrower, time, traits, amount, institution }
}

/**
 * From columns in memory to raw columns in memory: slice by slice of borrowers, each in log order, as a partition of
 * the log is. Output rows stand in that order, with their borrower and time.
 */
export async function runForeshockFromColumns(file: string, events: number): Promise<Run> {
  const columns = loadColumns(file, events)
  const outBorrower = new Int32Array(columns.events)
  const outTime = new Float64Array(columns.events)
  const out = COLUMN_NAMES.map(() => new Float64Array(columns.events))
  const measured = await measureWork(() => computeColumns(columns, outBorrower, outTime, out))
  const totals = out.map((column) => {
    let sum = 0
    for (const value of column) sum += Number.isNaN(value) ? -1 : value
    return sum.toFixed(0)
  })
  return { events: columns.events, ...measured, totals }
}

function computeColumns(
  { events, borrowers, borrower, time, traits, amount, institution }: EventColumns,
  outBorrower: Int32Array,
  outTime: Float64Array,
  out: readonly Float64Array[],
): void {
  const engine = createW45Engine()
  const { slots } = engine
  const { order, starts } = sliceOrder(borrower, events)
  for (let slice = 0; slice < SLICES; slice++) {
    const rowsOf = new Array<WindowRows | undefined>(Math.ceil(borrowers / SLICES)).fill(undefined)
    for (let n = starts[slice]!; n < starts[slice + 1]!; n++) {
      const k = order[n]!
      const index = Math.floor(borrower[k]! / SLICES)
      let rows = rowsOf[index]
      if (rows === undefined) {
        rows = engine.open()
        rowsOf[index] = rows
      }
      engine.take(rows, time[k]!, traits[k]!, amount[k]!, institution[k]!)
      outBorrower[n] = borrower[k]!
      outTime[n] = time[k]!
      for (let column = 0; column < WIDTH; column++) out[column]![n] = slots[column]!
    }
    engine.clear()
  }
}

/** Places of the events, slice after slice, in log order inside each. */
function sliceOrder(borrower: Int32Array, events: number): { order: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(SLICES + 1)
  for (let k = 0; k < events; k++) starts[(borrower[k]! % SLICES) + 1]!++
  for (let slice = 0; slice < SLICES; slice++) starts[slice + 1]! += starts[slice]!
  const next = starts.slice()
  const order = new Int32Array(events)
  for (let k = 0; k < events; k++) order[next[borrower[k]! % SLICES]!++] = k
  return { order, starts }
}
