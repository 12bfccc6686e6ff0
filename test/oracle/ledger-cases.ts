import { DEFAULT_TENANT_CONFIGURATION, type Event, type TenantConfiguration } from '../../features/events/contract.ts'
import { decodeValue } from '../../features/events/decode.ts'
import { DAY_COUNTS, REPAYMENT_METHODS } from '../../features/events/loans.ts'
import { dateOfDay, dayOfDate } from './calendar.ts'
import { type Draw, drawing } from './draw.ts'
import type { HistoryItem, OracleCase } from './history.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './view.ts'

/** Short random lives of one loan with every kind of event that a ledger knows, in and out of order. */

const FIRST_DAY = dayOfDate('2024-01-20')
const BORROWER = 'b'
const LOAN = 'L'
const DAYS_MIN = 8
const DAYS_MORE = 20

const CONFIGURATIONS: readonly TenantConfiguration[] = [
  { ...DEFAULT_TENANT_CONFIGURATION, zone: 'UTC' },
  { ...DEFAULT_TENANT_CONFIGURATION, allocation: 'by_part' },
  { ...DEFAULT_TENANT_CONFIGURATION, allocation: 'by_instalment', grace_days: 3 },
  { ...DEFAULT_TENANT_CONFIGURATION, grace_days: 2, grace_counts: 'after_grace', zone: 'UTC' },
]

/** What may happen to a loan, with how often it does. */
const WEIGHTS = {
  payment: 30,
  split_payment: 12,
  reversal: 9,
  penalty: 8,
  fee: 6,
  waiver: 6,
  pause: 4,
  drawing: 4,
  bill: 5,
  restructuring: 5,
  closing: 1,
  write_off: 2,
} as const
export type LedgerKind = keyof typeof WEIGHTS
export const LEDGER_KINDS = Object.keys(WEIGHTS) as readonly LedgerKind[]
const KINDS = LEDGER_KINDS.flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind))

type Life = {
  readonly draw: Draw
  readonly configuration: TenantConfiguration
  readonly payments: string[]
  readonly size: number
  events: number
}

/** One loan's life from one number. */
export function ledgerCase(seed: number): OracleCase {
  const draw = drawing(seed)
  const configuration = draw.of(CONFIGURATIONS)
  const life: Life = { draw, configuration, payments: [], size: draw.of([3, 100, 5_000_000_000]), events: 0 }
  const history: HistoryItem[] = []
  const put = (raw: Raw) => history.push({ kind: 'event', event: decode(raw), offset: history.length })
  const days = DAYS_MIN + draw.below(DAYS_MORE)
  const lag = draw.of([0, 0, 0, 1, 4])
  const firstAt = draw.of([0, 0, 0, 1, 3, 11])
  for (let day = 0; day < days; day++) {
    const today = FIRST_DAY + day
    if (day === firstAt) put(draw.chance(0.3) ? opening(life, today) : disbursement(life, today))
    for (let left = draw.of([0, 0, 0, 0, 1, 1, 2]); left > 0; left--) put(change(life, draw.of(KINDS), today))
    if (day >= lag) history.push({ kind: 'tick', day: today - lag, offset: history.length })
  }
  return { history, configuration }
}

type Raw = Record<string, unknown>

function envelope({ draw, ...life }: Life, type: string, today: number, data: Raw): Raw {
  const time = noon(today) + draw.below(5 * MS_PER_HOUR)
  return { id: `e${life.events}`, source: 'core', type, time, subject: BORROWER, data: { loan: LOAN, ...data } }
}

function noon(day: number): number {
  return day * MS_PER_DAY + 6 * MS_PER_HOUR
}

/** An instant of today, or of a day before or after it. */
function moment({ draw }: Life, today: number): number {
  return noon(today + draw.of([0, 0, 0, 0, -1, -2, -6, -15, 1, 3]))
}

function disbursement(life: Life, today: number): Raw {
  const { draw } = life
  const terms = { currency: 'CNY', disbursed_at: noon(today - draw.of([0, 0, 1, 5])) }
  if (draw.chance(0.25)) {
    return envelope(life, 'loan.disbursed', today, {
      ...terms,
      principal_minor: life.size * 12,
      repayment_method: draw.of(REPAYMENT_METHODS),
      instalments: 1 + draw.below(4),
      first_due_date: dateOfDay(today + draw.of([0, 1, 10, 20])),
      annual_rate: draw.of([0, 0.06, 0.24]),
      day_count: draw.of(DAY_COUNTS),
    })
  }
  const schedule = instalments(life, today + draw.of([0, 1, 4, 9]))
  const principal_minor = schedule.reduce((sum, one) => sum + one.principal_minor, 0)
  return envelope(life, 'loan.disbursed', today, { ...terms, principal_minor, schedule })
}

function opening(life: Life, today: number): Raw {
  const { draw, size } = life
  const as_of = today - draw.of([0, 1, 1, 3])
  const schedule = instalments(life, as_of + draw.of([-3, 0, 1, 6]))
  const due = schedule.filter((one) => one.due_date <= dateOfDay(as_of))
  const arrears = draw.chance(0.5) ? { principal: size, interest: draw.of([0, 7]), fee: draw.of([0, 2]) } : undefined
  const oldest = Math.min(as_of, dayOfDate(schedule[0]!.due_date) - 1) - draw.of([0, 5, 40])
  return envelope(life, 'loan.opened', today, {
    currency: 'CNY',
    principal_minor: size * 20,
    disbursed_at: noon(as_of - 200),
    as_of: dateOfDay(as_of),
    schedule,
    outstanding: {
      principal_minor: schedule.reduce((sum, one) => sum + one.principal_minor, 0) + (arrears?.principal ?? 0),
      interest_minor: due.reduce((sum, one) => sum + one.interest_minor, 0) + (arrears?.interest ?? 0),
      fee_minor: due.reduce((sum, one) => sum + one.fee_minor, 0) + (arrears?.fee ?? 0),
      penalty_minor: draw.of([0, 0, 9]),
    },
    ...(arrears === undefined ? {} : { oldest_unpaid_due_date: dateOfDay(oldest) }),
    ...(draw.chance(0.5) ? { worst_dpd: draw.below(70) } : {}),
  })
}

type RawInstalment = { due_date: string; principal_minor: number; interest_minor: number; fee_minor: number }

function instalments({ draw, size }: Life, first: number): RawInstalment[] {
  let due = first
  const step = draw.of([1, 5, 9, 30])
  return Array.from({ length: 1 + draw.below(5) }, (_, k) => {
    const one = {
      due_date: dateOfDay(due),
      principal_minor: k === 0 ? size : draw.of([size, size, 0]),
      interest_minor: draw.of([0, 1, 5]),
      fee_minor: draw.of([0, 0, 2]),
    }
    due += step
    return one
  })
}

function change(life: Life, kind: LedgerKind, today: number): Raw {
  const { draw, size } = life
  life.events++
  const at = moment(life, today)
  const money = { currency: 'CNY' }
  const amount = draw.of([1, 3, size, size, size + 3, size * 2 + 1, size * 9])
  switch (kind) {
    case 'payment':
      life.payments.push(`e${life.events}`)
      return envelope(life, 'repayment.received', today, { ...money, amount_minor: amount, paid_at: at })
    case 'split_payment': {
      life.payments.push(`e${life.events}`)
      const split = {
        principal_minor: draw.of([0, 1, size]),
        interest_minor: draw.of([0, 1, 5]),
        fee_minor: draw.of([0, 2]),
        penalty_minor: draw.of([0, 0, 4]),
      }
      const amount_minor = split.principal_minor + split.interest_minor + split.fee_minor + split.penalty_minor
      if (amount_minor === 0) split.principal_minor = 1
      const data = { ...money, amount_minor: Math.max(1, amount_minor), split, paid_at: at }
      return envelope(life, 'repayment.received', today, data)
    }
    case 'reversal':
      return envelope(life, 'repayment.reversed', today, { repayment: draw.of(['none', ...life.payments.slice(-4)]) })
    case 'penalty':
      return envelope(life, 'loan.charged', today, { ...money, kind, amount_minor: draw.of([1, 4]), charged_at: at })
    case 'fee': {
      const due_date = dateOfDay(Math.floor(at / MS_PER_DAY) + draw.of([0, 2, 12]))
      const due = draw.chance(0.5) ? { due_date } : {}
      return envelope(life, 'loan.charged', today, { ...money, kind, amount_minor: 2, charged_at: at, ...due })
    }
    case 'waiver': {
      const parts = {
        principal_minor: draw.of([0, 0, 1]),
        interest_minor: draw.of([0, 1]),
        fee_minor: draw.of([0, 0, 2]),
      }
      const penalty_minor = draw.of([0, 0, 1])
      const isNothing = parts.principal_minor + parts.interest_minor + parts.fee_minor + penalty_minor === 0
      if (isNothing) parts.principal_minor = 1
      return envelope(life, 'loan.waived', today, { ...money, ...parts, penalty_minor, waived_at: at })
    }
    case 'pause': {
      const from = today + draw.of([0, 0, -4, 2])
      const dates = { from_date: dateOfDay(from), until_date: dateOfDay(from + draw.of([0, 10, 45])) }
      return envelope(life, 'loan.paused', today, dates)
    }
    case 'drawing':
      return envelope(life, 'loan.drawn', today, { ...money, amount_minor: draw.of([1, size]), drawn_at: at })
    case 'bill': {
      const due_date = dateOfDay(Math.floor(at / MS_PER_DAY) + draw.of([0, 5, 20]))
      const parts = {
        principal_minor: draw.of([0, 1, size]),
        interest_minor: draw.of([1, 3]),
        fee_minor: draw.of([0, 1]),
      }
      return envelope(life, 'loan.billed', today, { ...money, ...parts, billed_at: at, due_date })
    }
    case 'restructuring': {
      const effective = today + draw.of([0, 0, 0, -5, 3])
      const rule = draw.of([{}, { dpd: 'reset' }, { dpd: 'carried' }])
      const schedule = instalments(life, effective + draw.of([0, 3, 8]))
      const date = { effective_date: dateOfDay(effective) }
      return envelope(life, 'loan.restructured', today, { ...date, ...rule, schedule })
    }
    case 'closing':
      return envelope(life, 'loan.closed', today, { closed_at: at })
    case 'write_off':
      return envelope(life, 'loan.written_off', today, { written_off_at: at })
  }
}

function decode(raw: Raw): Event {
  const decoded = decodeValue(raw, 'default')
  if (!decoded.ok) throw new Error(`the generator made an invalid event: ${decoded.detail} ${JSON.stringify(raw)}`)
  return decoded.event
}
