import type { Event, TenantConfiguration } from '../../features/events/contract.ts'
import { decodeValue } from '../../features/events/decode.ts'
import { naiveCalendar } from './calendar.ts'
import { type Draw, drawing } from './draw.ts'
import { EPISODE_WEIGHTS, type EpisodeName, episode, isEpisode, type Planned } from './episodes.ts'
import type { HistoryItem, OracleCase } from './history.ts'
import * as make from './make.ts'
import * as loans from './make-loans.ts'
import { signal } from './make-signals.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './view.ts'

/** Turns a script (a list of steps, each a kind, a gap and a seed) into a history whose references make sense. */

export const STEP_KINDS = {
  transaction: 40,
  repayment: 20,
  bureau: 11,
  signal: 4,
  contact: 3,
  disbursement: 4,
  tick: 13,
  reversal: 3,
  restructuring: 2,
  write_off: 1,
  closing: 1,
  other_currency: 1,
  flood: 0.05,
  ...EPISODE_WEIGHTS,
} as const
export type StepKind = keyof typeof STEP_KINDS

/** How far time moves before a step. */
export const GAPS = {
  tie: 12,
  millisecond: 4,
  minutes: 14,
  spread: 34,
  window: 14,
  midnight: 6,
  night: 6,
  due: 10,
} as const
/** How long before now the event's own time lies. */
export const LATENESS = { none: 76, hours: 6, days: 7, window: 6, tie: 5 } as const

export type Step = {
  readonly kind: StepKind
  readonly gap: keyof typeof GAPS
  readonly late: keyof typeof LATENESS
  readonly seed: number
}

export type Script = {
  readonly configuration: TenantConfiguration
  readonly start: number
  readonly span_days: number
  /** Whether the first step disburses a loan. */
  readonly starts_with_loan: boolean
  /** Kinds of step that become transactions. */
  readonly without: readonly StepKind[]
  /** Share of the steps before which no day is closed. */
  readonly ticks_from: number
  /** Whether days close as soon as they are over, before the next event, or only at the steps that close some. */
  readonly ticks_keep_up: boolean
  /** Closed days at most: each costs a whole evaluation. */
  readonly ticks_max: number
  readonly report_dates: 'none' | 'some' | 'all'
  readonly steps: readonly Step[]
}

const WINDOWS = [7, 15, 30, 90, 180, 365]
/** More than can be held. */
const FLOOD = 66

export function historyOf(script: Script): OracleCase {
  const { configuration } = script
  const calendar = naiveCalendar(configuration.zone)
  const history: HistoryItem[] = []
  const times: number[] = []
  const book = make.newBook(configuration, script.report_dates)
  let now = script.start
  let offset = 0
  let nextTick: number | undefined
  let ticks = 0
  let planned: Planned[] = []

  script.steps.forEach((step, index) => {
    const draw = drawing(step.seed)
    now = move(step, draw)
    arrive()
    const kind = index === 0 && script.starts_with_loan ? 'disbursement' : step.kind
    const ticking = index >= script.ticks_from * script.steps.length
    if (ticking && script.ticks_keep_up) closeDays(calendar.dayOf(now) - 1, script.ticks_max, draw)
    if (kind === 'tick') {
      // To yesterday, or lagging behind, or running ahead of the borrower.
      const target = calendar.dayOf(now) - draw.of([1, 1, 1, 1, 0, 2, 8, -1])
      if (ticking) closeDays(target, draw.of([1, 2, 10, 60]), draw)
    } else if (isEpisode(kind)) {
      planned = [...planned, ...episode(kind, book, eventTime(step, draw), draw)].sort((a, b) => a.at - b.at)
      arrive()
    } else if (kind === 'flood') {
      for (let i = 0; i < FLOOD; i++) put(loans.repayment(book, now, drawing(step.seed + i), 'loan-unknown'))
    } else {
      put(makeEvent(script.without.includes(kind) ? 'transaction' : kind, eventTime(step, draw), draw))
    }
  })
  return { history, configuration }

  function makeEvent(kind: Exclude<StepKind, 'tick' | 'flood' | EpisodeName>, time: number, draw: Draw): make.RawEvent {
    if (kind === 'transaction') return make.transaction(book, time, draw)
    if (kind === 'repayment') return loans.repayment(book, time, draw)
    if (kind === 'bureau') return make.bureauQuery(book, time, draw)
    if (kind === 'signal') return signal(book, time, draw)
    if (kind === 'contact') return make.contact(book, time, draw)
    if (kind === 'disbursement') return loans.disbursement(book, time, draw)
    if (kind === 'reversal') return loans.reversal(book, time, draw)
    if (kind === 'restructuring') return loans.restructuring(book, time, draw)
    if (kind === 'write_off') return loans.writeOff(book, time, draw)
    if (kind === 'closing') return loans.closing(book, time, draw)
    return make.inOtherCurrency(
      draw.chance(0.5) ? make.transaction(book, time, draw) : loans.repayment(book, time, draw),
    )
  }

  /** What was planned for a time that has come. */
  function arrive(): void {
    for (const { raw } of planned.filter(({ at }) => at <= now)) put(raw)
    planned = planned.filter(({ at }) => at > now)
  }

  function put(raw: make.RawEvent): void {
    history.push({ kind: 'event', event: decode(raw), offset })
    times.push(raw.time)
    offset += raw.time % 3 === 0 ? 2 : 1
  }

  /** Closes the days that follow the last closed one, one by one, through `target`, `max` of them at most. */
  function closeDays(target: number, max: number, draw: Draw): void {
    nextTick ??= calendar.dayOf(now) - draw.of([1, 1, 1, 0, 3, 10])
    for (let left = max; left > 0 && nextTick <= target && ticks < script.ticks_max; left--) {
      history.push({ kind: 'tick', day: nextTick, offset })
      offset++
      ticks++
      nextTick++
    }
  }

  function move(step: Step, draw: Draw): number {
    const mean = (script.span_days * MS_PER_DAY) / script.steps.length
    const end = script.start + script.span_days * MS_PER_DAY * 1.2
    const nudge = draw.of([-1, 0, 0, 1])
    const spread = now + draw.below(Math.ceil(2 * mean))
    const later = (candidates: readonly number[]): number => {
      const ahead = candidates.filter((time) => time >= now && time <= Math.min(end, now + 8 * mean + MS_PER_DAY))
      return ahead.length === 0 ? spread : draw.of(ahead)
    }
    if (step.gap === 'tie') return now
    if (step.gap === 'millisecond') return now + 1
    if (step.gap === 'minutes' || now > end) return now + draw.below(MS_PER_HOUR)
    if (step.gap === 'spread') return spread
    if (step.gap === 'window') {
      return later(times.slice(-60).flatMap((time) => WINDOWS.map((days) => time + days * MS_PER_DAY + nudge)))
    }
    const next = calendar.startOfDay(calendar.dayOf(now) + 1 + draw.below(3))
    if (step.gap === 'midnight') return Math.max(now, next + nudge)
    if (step.gap === 'night') return next + draw.of([0, 1, 2 * MS_PER_HOUR, 5 * MS_PER_HOUR - 1, 5 * MS_PER_HOUR])
    const days = make.dueDays(book).map((due) => due + draw.of([0, 1, 1, configuration.grace_days + 1, 29, 30, 31]))
    return later(days.map((day) => calendar.startOfDay(day) + nudge + draw.of([0, 9 * MS_PER_HOUR])))
  }

  function eventTime(step: Step, draw: Draw): number {
    const earlier = {
      none: 0,
      hours: draw.below(24 * MS_PER_HOUR),
      days: draw.below(200 * MS_PER_DAY),
      window: draw.of(WINDOWS) * MS_PER_DAY + draw.of([-1, 0, 1]),
      tie: times.length === 0 ? 0 : now - draw.of(times),
    }[step.late]
    return Math.max(0, now - Math.max(0, earlier))
  }
}

function decode(raw: make.RawEvent): Event {
  const decoded = decodeValue(raw, make.TENANT)
  if (!decoded.ok) throw new Error(`the generator made an invalid event: ${decoded.detail} ${JSON.stringify(raw)}`)
  return decoded.event
}
