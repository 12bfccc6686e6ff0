/**
 * A checkpoint of many borrowers: how long nothing else can run while it is written, how long the whole takes, and how long
 * loading it takes. Runs alone: `node --expose-gc test/bench/checkpoint.ts 100000`.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decodeBytes } from '../../features/events/decode.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { readBorrower, writeBorrower } from '../../features/state/serialize.ts'
import { WordBuffer } from '../../features/state/words.ts'
import { dateOfDay, dayOfDate } from '../../features/time.ts'
import { Checkpoints } from '../../pipelines/checkpoint/checkpoint.ts'
import { createResolve, currentDefinitions } from '../../pipelines/engine/definitions.ts'
import { Engine } from '../../pipelines/engine/engine.ts'
import { DISCARD } from '../../pipelines/engine/outputs.ts'
import { createSimulation } from '../../pipelines/simulator/simulation.ts'
import { describeMachine, measureJsonParse_us } from './machine.ts'

const SHAPE = { partitions: 1, slices: 64 }
const TENANT = 'default'
const NEWLINE = 10
const START = '2024-01-01'
/** Borrowers that are simulated; the others are copies of them under other tokens. */
const SIMULATED = 200
const DAYS = 240

export type CheckpointSpeed = {
  borrowers: number
  bytes: number
  /** Live state in memory, of all borrowers. */
  memory_bytes: number
  /** Longest time in which a checkpoint let nothing else run: its beginning, and its slices. */
  begin_ms: number
  slice_ms: number
  /** The same slice's processor time, and the slices there were. */
  slice_cpu_ms: number
  slices: number
  /** Until durable, with nothing else to do, and with a day's sweep of one slice after the other meanwhile. */
  write_s: number
  write_cpu_s: number
  busy_write_s: number
  /** Borrowers evaluated by the engine meanwhile. */
  busy_evaluations: number
  load_s: number
  load_cpu_s: number
  load_system_s: number
}

export async function measureCheckpoint(borrowers: number): Promise<CheckpointSpeed> {
  const folder = mkdtempSync(join(tmpdir(), 'foreshock-checkpoint-'))
  try {
    const before = memory()
    let engine: Engine | null = await engineWith(borrowers)
    const memory_bytes = memory() - before
    const idle = await measureWrite(folder, engine, false)
    const busy = await measureWrite(folder, engine, true)
    const acknowledged = new Map(engine.partitions.map(({ partition, offset }) => [partition, offset]))
    engine = null
    globalThis.gc?.()
    const load = await measureLoad(folder, acknowledged, borrowers)
    return {
      borrowers,
      bytes: idle.bytes,
      memory_bytes,
      begin_ms: Math.max(idle.begin_ms, busy.begin_ms),
      slice_ms: Math.max(idle.slice_ms, busy.slice_ms),
      slice_cpu_ms: Math.max(idle.slice_cpu_ms, busy.slice_cpu_ms),
      slices: idle.slices,
      write_s: idle.seconds,
      write_cpu_s: idle.cpu_s,
      busy_write_s: busy.seconds,
      busy_evaluations: busy.evaluations,
      ...load,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes a base into an empty folder, slices timed one by one. */
async function measureWrite(folder: string, engine: Engine, isBusy: boolean) {
  rmSync(join(folder, 'checkpoint'), { recursive: true, force: true })
  const checkpoints = new Checkpoints(folder)
  const started = performance.now()
  const startedCpu = process.cpuUsage()
  const evaluationsBefore = engine.evaluations
  const snapshot = checkpoints.begin(engine)
  const begin_ms = performance.now() - started
  let slice_ms = 0
  let slice_cpu_ms = 0
  let slices = 0
  const copySlice = snapshot.copySlice.bind(snapshot)
  snapshot.copySlice = () => {
    const from = performance.now()
    const fromCpu = cpu_ms()
    const isMore = copySlice()
    slice_ms = Math.max(slice_ms, performance.now() - from)
    slice_cpu_ms = Math.max(slice_cpu_ms, cpu_ms() - fromCpu)
    slices++
    return isMore
  }
  let isWritten = false
  const written = checkpoints.write(snapshot).finally(() => {
    isWritten = true
  })
  if (isBusy) await sweepUntil(engine, () => isWritten)
  await written
  const { user, system } = process.cpuUsage(startedCpu)
  const bytes = readdirSync(join(folder, 'checkpoint'))
    .map((name) => statSync(join(folder, 'checkpoint', name)).size)
    .reduce((sum, one) => sum + one, 0)
  return {
    bytes,
    begin_ms,
    slice_ms,
    slice_cpu_ms,
    slices,
    seconds: (performance.now() - started) / 1000,
    cpu_s: (user + system) / 1e6,
    evaluations: engine.evaluations - evaluationsBefore,
  }
}

async function measureLoad(folder: string, acknowledged: ReadonlyMap<number, number>, borrowers: number) {
  const started = performance.now()
  const startedCpu = process.cpuUsage()
  const { ok, detail, engine } = await new Checkpoints(folder).restore(createEngine, acknowledged)
  const load_s = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(startedCpu)
  const restored = engine.partitions.reduce((sum, { features }) => sum + features.borrowers.length, 0)
  if (!ok || restored !== borrowers) throw new Error(`restored ${restored} of ${borrowers}: ${detail}`)
  return { load_s, load_cpu_s: (user + system) / 1e6, load_system_s: system / 1e6 }
}

/** Closes slices of the days to come, one call each, until it is told to stop. */
async function sweepUntil(engine: Engine, isOver: () => boolean): Promise<void> {
  const state = engine.partitions[0] as Engine['partitions'][number]
  const closed = state.features.tenantOf(TENANT).slices[0]?.closed_day ?? 0
  for (let k = 0; !isOver(); k++) {
    const data = {
      date: dateOfDay(closed + 1 + Math.floor(k / SHAPE.slices)),
      slice: k % SHAPE.slices,
      slices: SHAPE.slices,
    }
    await engine.process([control(state.offset + 1, 'day.closed', data)], DISCARD)
    await nextTurn()
  }
}

function createEngine(): Engine {
  return new Engine(SHAPE, createResolve([]))
}

/** Simulated borrowers over a year, and copies of them. */
async function engineWith(borrowers: number): Promise<Engine> {
  const engine = createEngine()
  const simulated = Math.min(borrowers, SIMULATED)
  const simulation = createSimulation({ seed: 3, borrowers: simulated, start: START })
  let records: LogRecord[] = [control(0, 'definitions.published', currentDefinitions(null))]
  let offset = 1
  const first = dayOfDate(START)
  for (let day = 0; day < DAYS; day++) {
    const { lines } = simulation.writeDay()
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf(NEWLINE, from)
      const decoded = decodeBytes(lines.subarray(from, end), TENANT)
      if (decoded.ok) records.push(recordOf(offset++, decoded.event))
      from = end + 1
    }
    for (let slice = 0; slice < SHAPE.slices; slice++) {
      const data = { date: dateOfDay(first + day), slice, slices: SHAPE.slices }
      records.push(control(offset++, 'day.closed', data))
    }
    await engine.process(records, DISCARD)
    records = []
  }
  replicate(engine, borrowers)
  return engine
}

function replicate(engine: Engine, borrowers: number): void {
  const state = engine.partitions[0] as Engine['partitions'][number]
  const { features, decisions } = state
  const group = features.tenantOf(TENANT)
  const originals = features.borrowers.length
  features.book.save()
  const words = new WordBuffer()
  for (let k = originals; k < borrowers; k++) {
    const original = k % originals
    const token = `${features.borrowers[original]?.token}-${k}`
    words.at = 0
    writeBorrower(original, features, words)
    const { index } = features.borrowerOf(group, token)
    words.at = 0
    readBorrower(index, features, words)
    const decision = decisions.get(original)
    if (decision !== undefined) decisions.set(index, structuredClone(decision))
  }
}

function recordOf(offset: number, event: LogRecord['event']): LogRecord {
  return { partition: 0, offset, received_at: 0, source_partition: 'bench', source_position: offset, event }
}

function control(offset: number, type: string, data: object): LogRecord {
  const event = { id: type, source: 'foreshock', type, version: 1, time: 0, tenant: TENANT, subject: '', data }
  return recordOf(offset, event as unknown as LogRecord['event'])
}

function memory(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function cpu_ms(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

if (import.meta.main) {
  const parse = measureJsonParse_us()
  console.log(`${describeMachine()}; JSON.parse of one ${parse.bytes}-byte event took ${parse.us.toFixed(2)} µs`)
  console.log(await measureCheckpoint(Number(process.argv[2] ?? 100_000)))
}
