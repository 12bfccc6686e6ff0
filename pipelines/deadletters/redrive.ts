import { borrowerHash } from '../../features/hash.ts'
import type { Sql } from '../../sql/client.ts'
import {
  type DeadLetter,
  type DeadLetterFilter,
  deadLettersStatement,
  type RedriveOutcome,
} from '../../sql/queries/dead-letters.ts'
import { findNewPlaces, type NewPlace } from '../../sql/queries/redrives.ts'
import type { Incoming, IntakeResult } from '../intake/items.ts'
import { Originals } from '../intake/originals.ts'
import { prepare } from '../intake/prepare.ts'
import type { JobProgress } from '../jobs.ts'
import type { Pipeline } from '../run/pipeline.ts'
import { foresee, isHeld } from './foresee.ts'
import { type Letter, type Openable, openLetters } from './letters.ts'
import { recordOutcomes } from './record.ts'
import { type Redriven, type RedriveSummary, summaryOf } from './summary.ts'

/** Dead letters that are sent again at once; each such piece is in the tables before the next one begins. */
const LETTERS_AT_ONCE = 500
/** Dead letters of one call at most unless it says so: what is left is there for the next one. */
export const REDRIVE_LETTERS_MAX = 100_000

export type RedriveOptions = {
  /** Without ids only those are taken that nothing has come of yet. */
  readonly filter: DeadLetterFilter
  readonly limit: number
  /** Tells what would happen, and does nothing. */
  readonly dryRun: boolean
  readonly onProgress?: (progress: JobProgress) => void
  readonly signal?: AbortSignal
}

/**
 * Sends dead letters again: what decoding or intake refused goes through both once more, under today's rules; what the
 * engine refused is in the log already and gets a second place there. The event and its id stay the same, so whatever has
 * arrived meanwhile makes it a repeat. What came of each is recorded.
 */
export async function redrive(pipeline: Pipeline, options: RedriveOptions): Promise<RedriveSummary> {
  const { filter, limit, dryRun, onProgress, signal } = options
  const started = performance.now()
  const sql = pipeline.database.session()
  const originals = new Originals(pipeline.database.path)
  const redriven: Redriven[] = []
  try {
    await pipeline.drain()
    const wanted = filter.ids === undefined ? { ...filter, open: true } : filter
    const found = await sql.query<DeadLetter>(deadLettersStatement(wanted, limit + 1))
    const letters = found.slice(0, limit)
    for (let from = 0; from < letters.length && signal?.aborted !== true; from += LETTERS_AT_ONCE) {
      const opened = await openLetters(sql, originals, letters.slice(from, from + LETTERS_AT_ONCE))
      const piece = dryRun ? await previewPiece(pipeline, opened) : await sendPiece(pipeline, sql, opened)
      redriven.push(...piece)
      onProgress?.({ events: redriven.length, share: redriven.length / letters.length, detail: '' })
    }
    const seconds = (performance.now() - started) / 1000
    return summaryOf(redriven, { dryRun, left: found.length - redriven.length > 0, seconds })
  } finally {
    await sql.close()
  }
}

async function previewPiece(pipeline: Pipeline, opened: readonly Openable[]): Promise<Redriven[]> {
  /** Of two dead letters with one id the second is what the first makes of it. */
  const contents = new Map<string, string>()
  const results = await inRuns(opened, (items, now) => pipeline.preview(items, now))
  return opened.map((one, i) => {
    if (!one.ok) return { letter: one.letter, outcome: one.outcome, detail: one.detail }
    const result = results[i] as IntakeResult
    const { decoded } = one.item
    if (result.status !== 'accepted' || !decoded.ok) return outcomeOf(one, result)
    const { hashes } = prepare(decoded)
    const before = contents.get(`${hashes[0]}:${hashes[1]}`)
    const content = `${hashes[2]}:${hashes[3]}`
    if (before === content) return { letter: one.letter, outcome: 'repeat', detail: 'of another of these dead letters' }
    if (before !== undefined) {
      return {
        letter: one.letter,
        outcome: 'refused',
        reason: 'conflict',
        detail: 'with another of these dead letters',
      }
    }
    const foreseen = foresee(featuresOf(pipeline, one), decoded.event)
    if (foreseen.reason !== undefined) return { letter: one.letter, outcome: 'refused', ...foreseen }
    contents.set(`${hashes[0]}:${hashes[1]}`, content)
    return { letter: one.letter, outcome: 'accepted', detail: foreseen.detail }
  })
}

async function sendPiece(pipeline: Pipeline, sql: Sql, opened: readonly Openable[]): Promise<Redriven[]> {
  const ends = new Map(pipeline.engine.partitions.map(({ partition, offset }) => [partition, offset]))
  const results = await inRuns(opened, (items, now) => pipeline.take(items, now))
  await pipeline.drain()
  const places = await findNewPlaces(sql, ends, 'redrive/')
  const redriven = opened.map((one, i): Redriven => {
    if (!one.ok) return { letter: one.letter, outcome: one.outcome, detail: one.detail }
    const result = results[i] as IntakeResult
    if (result.status !== 'accepted') return outcomeOf(one, result)
    return outcomeInLog(pipeline, one, places.get(one.item.source_partition))
  })
  await recordOutcomes(sql, redriven)
  return redriven
}

/** Live events are taken by the clock, those of files by the time reached: each as where it first came from. */
async function inRuns(
  opened: readonly Openable[],
  take: (items: readonly Incoming[], now: number | undefined) => Promise<readonly IntakeResult[]>,
): Promise<(IntakeResult | undefined)[]> {
  const results: (IntakeResult | undefined)[] = opened.map(() => undefined)
  const letters = opened.flatMap((one, i) => (one.ok ? [{ ...one, i }] : []))
  for (let from = 0; from < letters.length; ) {
    const { isLive } = letters[from] as Letter
    let to = from + 1
    while (to < letters.length && letters[to]?.isLive === isLive) to++
    const run = letters.slice(from, to)
    const taken = await take(
      run.map(({ item }) => item),
      isLive ? Date.now() : undefined,
    )
    run.forEach(({ i }, k) => {
      results[i] = taken[k]
    })
    from = to
  }
  return results
}

function outcomeOf({ letter }: Letter, result: IntakeResult): Redriven {
  const outcome: RedriveOutcome = result.status
  if (outcome === 'repeat') return { letter, outcome, detail: 'the event has been received already' }
  return { letter, outcome, reason: result.reason, detail: result.detail ?? '' }
}

/** What the engine made of what was appended. */
function outcomeInLog(pipeline: Pipeline, one: Letter, place: NewPlace | undefined): Redriven {
  const { letter, item } = one
  if (place === undefined) throw new Error(`dead letter ${letter.id} was appended and is not in events`)
  if (place.reason !== '') return { letter, outcome: 'refused', reason: place.reason, detail: place.detail, place }
  const waits = item.decoded.ok && isHeld(featuresOf(pipeline, one), item.decoded.event)
  return { letter, outcome: 'accepted', detail: waits ? 'its loan is not known yet: it waits for it' : '', place }
}

function featuresOf(pipeline: Pipeline, { item }: Letter) {
  const subject = item.decoded.ok ? item.decoded.event.subject : ''
  const partition = borrowerHash(item.tenant, subject) % pipeline.shape.partitions
  return pipeline.engine.stateOf(partition).features
}
