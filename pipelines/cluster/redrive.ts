import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../../sql/client.ts'
import {
  type DeadLetter,
  type DeadLetterFilter,
  deadLettersStatement,
  type RedriveOutcome,
} from '../../sql/queries/dead-letters.ts'
import { findKnownIds } from '../../sql/queries/known-ids.ts'
import { readProgress } from '../../sql/queries/progress.ts'
import { readVerdicts } from '../../sql/queries/redrives.ts'
import { recordOutcomes } from '../deadletters/record.ts'
import { type Redriven, type RedriveSummary, summaryOf } from '../deadletters/summary.ts'
import type { JobProgress } from '../jobs.ts'
import type { KafkaRecord } from '../kafka/port.ts'
import { LogAppender } from './appender.ts'
import type { ClusterParts } from './cluster.ts'
import { configuredTenants } from './cluster-config.ts'
import { seenRecord } from './control-state.ts'
import { readDeadRecord } from './dead-letter.ts'
import { headerText } from './headers.ts'
import { type InputTopic, neededSchemas } from './inputs.ts'
import { type LogEntry, readMessage } from './log-message.ts'
import { ClusterFailure } from './role.ts'
import { isOfTopic, SourceReader } from './source-reader.ts'
import { putControl } from './topics.ts'

/** Dead letters that are sent again at once. */
const LETTERS_AT_ONCE = 2000
/** How long it is waited for the workers to come to what was appended, and how often it is looked. */
const WORKERS_WAIT_MS_MAX = 30_000
const WORKERS_LOOK_MS = 200
/** How long it is waited for the schema registry. */
const REGISTRY_WAIT_MS_MAX = 30_000

type Place = { readonly partition: number; readonly offset: number }
type Found =
  | { readonly entry: LogEntry }
  | { readonly outcome: RedriveOutcome; readonly reason?: string; readonly detail: string }

export type ClusterRedrive = {
  readonly filter: DeadLetterFilter
  readonly limit: number
  readonly dryRun: boolean
  readonly onProgress?: (progress: JobProgress) => void
  readonly signal?: AbortSignal
}

/**
 * Sends dead letters of a cluster again: what intake refused is read from its `.dead` topic and decoded once more, what the
 * workers refused from the log; both are appended to the log as the same event, and the worker tells what becomes of it.
 */
export async function redriveCluster(parts: ClusterParts, options: ClusterRedrive): Promise<RedriveSummary> {
  const { filter, limit, dryRun, onProgress, signal } = options
  const started = performance.now()
  const sql = parts.database.session()
  const redriven: Redriven[] = []
  try {
    const wanted = filter.ids === undefined ? { ...filter, open: true } : filter
    const matching = await sql.query<DeadLetter>(deadLettersStatement(wanted, limit + 1))
    const letters = matching.slice(0, limit)
    for (let from = 0; from < letters.length && signal?.aborted !== true; from += LETTERS_AT_ONCE) {
      const piece = letters.slice(from, from + LETTERS_AT_ONCE)
      const found = await findAll(parts, piece)
      const outcomes = dryRun ? await preview(sql, piece, found) : await send(parts, sql, piece, found)
      if (!dryRun) await recordOutcomes(sql, outcomes)
      redriven.push(...outcomes)
      onProgress?.({ events: redriven.length, share: redriven.length / letters.length, detail: '' })
    }
    const seconds = (performance.now() - started) / 1000
    return summaryOf(redriven, { dryRun, left: matching.length > redriven.length, seconds })
  } finally {
    await sql.close()
  }
}

async function findAll(parts: ClusterParts, letters: readonly DeadLetter[]): Promise<Found[]> {
  const dead = await findDeadRecords(parts, letters)
  const found: Found[] = []
  for (const letter of letters) {
    const one = letter.partition === null ? dead.get(letter.id) : await findInLog(parts, letter)
    found.push(one ?? { outcome: 'lost', detail: 'its original record is not kept any more' })
  }
  return found
}

/** What each letter's record of its `.dead` topic comes to now. */
async function findDeadRecords(parts: ClusterParts, letters: readonly DeadLetter[]): Promise<Map<string, Found>> {
  const found = new Map<string, Found>()
  for await (const { id, input, record } of readRefused(parts, letters)) {
    const schemas = await parts.schemas.load(neededSchemas(input, [record]), AbortSignal.timeout(REGISTRY_WAIT_MS_MAX))
    if (schemas === undefined) {
      throw new ClusterFailure(`the schema registry does not answer: ${parts.schemas.outage?.detail ?? ''}`)
    }
    const again = new SourceReader(input, '', 0).read([record], Date.now(), schemas)
    const [entry] = again.entries
    const [still] = again.refused
    if (entry !== undefined) found.set(id, { entry: redriveEntry(entry, id) })
    else if (still !== undefined) found.set(id, { outcome: 'refused', reason: still.reason, detail: still.detail })
  }
  return found
}

/** Goes once through each `.dead` topic that letters are of: they are kept for 30 days and are few. */
async function* readRefused(
  { config, names, admin, reader }: ClusterParts,
  letters: readonly DeadLetter[],
): AsyncGenerator<{ readonly id: string; readonly input: InputTopic; readonly record: KafkaRecord }, void, undefined> {
  for (const input of config.inputs) {
    const ids = new Map(
      letters
        .filter(({ source_partition }) => isOfTopic(source_partition, input.topic))
        .map((letter) => [`${letter.source_partition}/${letter.source_position}`, letter.id]),
    )
    const topic = names.dead(input.topic)
    const [bounds] = ids.size === 0 ? [] : await admin.watermarks(topic)
    if (bounds === undefined || bounds.low >= bounds.high) continue
    for await (const { records } of reader.read({ topic, partition: 0 }, bounds.low, bounds.high)) {
      for (const dead of records) {
        const refused = readDeadRecord(dead)
        const id = refused === undefined ? undefined : ids.get(`${refused.source_partition}/${refused.record.offset}`)
        if (refused !== undefined && id !== undefined) yield { id, input, record: refused.record }
      }
    }
  }
}

/** The value of a refused record as it came; undefined when it is not kept any more. */
export async function readOriginalRecord(parts: ClusterParts, letter: DeadLetter): Promise<Buffer | undefined> {
  const { partition, offset } = letter
  if (partition === null || offset === null) {
    for await (const { record } of readRefused(parts, [letter])) return record.value ?? Buffer.alloc(0)
    return undefined
  }
  for await (const { records } of parts.reader.read({ topic: parts.names.log, partition }, offset, offset + 1)) {
    const record = records.find((one) => one.offset === offset)
    if (record !== undefined) return record.value ?? undefined
  }
  return undefined
}

/** A record of the log that its worker refused: as a conflict, or as what the engine could not apply. */
async function findInLog({ names, reader }: ClusterParts, letter: DeadLetter): Promise<Found | undefined> {
  const { partition, offset } = letter as DeadLetter & Place
  for await (const { records } of reader.read({ topic: names.log, partition }, offset, offset + 1)) {
    const record = records.find((one) => one.offset === offset)
    if (record === undefined) continue
    const { record: stored, data, hashes } = readMessage(partition, record)
    const traceparent = headerText(record.headers, 'traceparent')
    const { event, received_at, source_partition } = stored
    const entry = { event, data, hashes, received_at, source_partition, source_position: undefined, traceparent }
    return { entry: redriveEntry(entry, letter.id) }
  }
  return undefined
}

/** Received now, and known by its id alone: it disturbs no source's positions. */
function redriveEntry(entry: LogEntry, id: string): LogEntry {
  return { ...entry, received_at: Date.now(), source_partition: `redrive/${id}`, source_position: undefined }
}

async function preview(sql: Sql, letters: readonly DeadLetter[], found: readonly Found[]): Promise<Redriven[]> {
  const entries = found.flatMap((one) => ('entry' in one ? [one.entry] : []))
  const ids = entries.map(({ hashes }) => ({ high: hashes[0] as number, low: hashes[1] as number }))
  const known = new Map((await findKnownIds(sql, ids)).map((one) => [`${one.id_hash.high}:${one.id_hash.low}`, one]))
  return letters.map((letter, i): Redriven => {
    const one = found[i] as Found
    if (!('entry' in one)) return { letter, ...one }
    const { hashes } = one.entry
    const before = known.get(`${hashes[0]}:${hashes[1]}`)?.content_hash
    if (before === undefined) return { letter, outcome: 'accepted', detail: '' }
    const isSame = before.high === hashes[2] && before.low === hashes[3]
    if (isSame) return { letter, outcome: 'repeat', detail: 'the event has been received already' }
    return { letter, outcome: 'refused', reason: 'conflict', detail: 'another event has its id' }
  })
}

async function send(
  parts: ClusterParts,
  sql: Sql,
  letters: readonly DeadLetter[],
  found: readonly Found[],
): Promise<Redriven[]> {
  const { config, names, shape, producer } = parts
  const places = new Map<string, Place>()
  const appender = new LogAppender({
    topic: names.log,
    shape,
    configured: configuredTenants(config),
    send: async (topic, messages) => {
      const offsets = await producer.append(topic, messages)
      messages.forEach(({ partition, headers }, i) => {
        const source = String(headers['source_partition'])
        if (!places.has(source)) places.set(source, { partition, offset: offsets[i] as number })
      })
    },
    onTenant: (tenant, configuration, since) => putControl(producer, names, [seenRecord(tenant, configuration, since)]),
  })
  await appender.append(found.flatMap((one) => ('entry' in one ? [one.entry] : [])))
  const isDone = await workersReach(sql, [...places.values()])
  const verdicts = await readVerdicts(sql, [...places.values()])
  return letters.map((letter, i): Redriven => {
    const one = found[i] as Found
    if (!('entry' in one)) return { letter, ...one }
    const place = places.get(one.entry.source_partition) as Place
    if (!isDone) return { letter, outcome: 'sent', detail: 'it is in the log; no worker has come to it yet', place }
    const verdict = verdicts.get(`${place.partition}/${place.offset}`)
    if (verdict === undefined)
      return { letter, outcome: 'repeat', detail: 'the event has been received already', place }
    if (verdict.reason === '') return { letter, outcome: 'accepted', detail: '', place }
    return { letter, outcome: 'refused', reason: verdict.reason, detail: verdict.detail, place }
  })
}

/** Waits until the tables hold what follows from some places of the log. False if it takes too long. */
async function workersReach(sql: Sql, places: readonly Place[]): Promise<boolean> {
  const until = performance.now() + WORKERS_WAIT_MS_MAX
  for (;;) {
    const reached = new Map((await readProgress(sql)).map((row) => [row.partition, row.offset]))
    if (places.every(({ partition, offset }) => (reached.get(partition) ?? -1) >= offset)) return true
    if (performance.now() >= until) return false
    await sleep(WORKERS_LOOK_MS)
  }
}
