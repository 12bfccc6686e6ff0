import { AMOUNT_MINOR_MAX } from '../../features/events/fields.ts'
import type { Draw } from './draw.ts'
import { type Book, bureauQuery, clamp, OWN_INSTITUTION, type RawEvent, transaction } from './make.ts'
import { disbursement, repayment } from './make-loans.ts'
import { aboutIndex, index, statement, valuation, YEARS } from './make-signals.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './view.ts'

/** What takes several events to happen: most of the definitions ask for more than a random event brings about. */

/** An event and when it arrives, at the earliest. */
export type Planned = { readonly at: number; readonly raw: RawEvent }
type Episode = (book: Book, time: number, draw: Draw) => RawEvent[]

/** Rows of 10^13 minor units that sum beyond 2^53. */
const HUGE_ROWS = 905
/** More accounts than are told apart. */
const ACCOUNT_ROWS = 130
/** More statements, and more collateral, than are kept. */
const MANY = 18

/** One payer at a more or less steady cadence, sometimes with a last receipt unlike the others. */
const income: Episode = (book, time, draw) => {
  const cadence = draw.of([4, 5, 7, 7, 14, 30])
  const amount_minor = draw.of([120_000, 500_000])
  const party = draw.of([{ counterparty: 'party-1' }, { counterparty: 'payer-2' }, { merchant: 'shop-1' }, {}])
  const category = draw.of([{ category: 'salary' }, { category: 'transfer' }, { counterparty_kind: 'employer' }])
  const receipts = 3 + draw.below(6)
  const rows = Array.from({ length: receipts }, (_, i) => {
    const jitter = draw.of([0, 0, 0, 0, 0, 1, -1, 3, -3, 4, Math.ceil(cadence / 4)])
    const day = book.calendar.dayOf(time) + Math.max(0, i * cadence + jitter)
    const amount = draw.chance(0.8) ? amount_minor : draw.of([1, 60_000, 700_001])
    const at = book.calendar.startOfDay(day) + draw.of([0, 9 * MS_PER_HOUR])
    return transaction(book, at, draw, { direction: 'in', ...category, ...party, amount_minor: amount })
  })
  // Another who pays the same at about the same time.
  const echo = rows.map(({ time: at, data }) =>
    transaction(book, at + draw.of([0, 1, MS_PER_DAY]), draw, {
      ...data,
      merchant: undefined,
      counterparty: 'payer-3',
    }),
  )
  return draw.chance(0.2) ? [...rows, ...echo] : rows
}

/** Several payments to one party, mostly on one date, and a look at them when the window's edge lies between them. */
const split: Episode = (book, time, draw) => {
  const party = draw.of([{ merchant: 'shop-1' }, { counterparty: 'party-2' }])
  const step = draw.of([0, 1, MS_PER_HOUR, 9 * MS_PER_HOUR])
  const rows = Array.from({ length: 3 + draw.below(2) }, (_, i) =>
    transaction(book, time + i * step, draw, { direction: 'out', category: 'shopping', ...party }),
  )
  return draw.chance(0.5) ? [...rows, transaction(book, time + step + 30 * MS_PER_DAY, draw)] : rows
}

/** Money out to a merchant and back from somebody, around 48 hours and 5 %. */
const roundTrip: Episode = (book, time, draw) => {
  const amount = draw.of([20, 10_000, 1_000_000])
  const back = draw.of([amount, amount * 0.95, amount * 0.95 - 1, amount * 1.05, amount * 1.05 + 1])
  const later = draw.of([0, 1, MS_PER_HOUR, 48 * MS_PER_HOUR, 48 * MS_PER_HOUR + 1])
  const linked = {
    counterparty_kind: draw.of(['person', 'merchant']),
    category: draw.of(['transfer', 'other', 'refund']),
  }
  return [
    transaction(book, time, draw, { direction: 'out', merchant: 'shop-2', category: 'shopping', amount_minor: amount }),
    transaction(book, time + later, draw, { direction: 'in', ...linked, amount_minor: Math.round(back) }),
  ]
}

const USES = [
  { category: 'securities' },
  { counterparty_kind: 'securities', category: 'cash_withdrawal' },
  { counterparty_kind: 'property', category: 'transfer' },
  { counterparty_kind: 'lender', category: 'transfer' },
  { category: 'loan_payment', channel: 'atm' },
  { category: 'cash_withdrawal' },
  { counterparty_kind: 'own_account', category: 'transfer' },
  { category: 'rent' },
  { category: 'failed_debit' },
]

/** A new loan, its money on an account, and where it goes from there. */
const proceeds: Episode = (book, time, draw) => {
  const loan = disbursement(book, time, draw, draw.of([0, 0, 0, MS_PER_HOUR, 2 * MS_PER_DAY]))
  const { principal_minor, disbursed_at } = loan.data as { principal_minor: number; disbursed_at: number }
  const account = draw.chance(0.9) ? 'account-1' : 'account-129'
  const receiptAt = disbursed_at + draw.of([0, 0, 1, MS_PER_HOUR, MS_PER_DAY, 3 * MS_PER_DAY, 3 * MS_PER_DAY + 1, -1])
  const balance = draw.of([{}, { balance_after_minor: Math.min(principal_minor + 5_000, AMOUNT_MINOR_MAX) }])
  const rows = [
    transaction(book, receiptAt, draw, {
      account,
      direction: 'in',
      counterparty: draw.of([OWN_INSTITUTION, 'party-1']),
      counterparty_kind: 'lender',
      category: 'transfer',
      amount_minor: draw.chance(0.9) ? principal_minor : principal_minor + 1,
      balance_after_minor: undefined,
      ...balance,
    }),
  ]
  for (let i = 2 + draw.below(4); i > 0; i--) {
    const days = draw.of([0, 1, 5, 7, 7, 20, 30])
    rows.push(
      transaction(book, receiptAt + days * MS_PER_DAY + draw.of([0, 0, 1, MS_PER_HOUR]), draw, {
        account: draw.chance(0.85) ? account : 'account-2',
        direction: 'out',
        counterparty_kind: 'merchant',
        channel: 'transfer',
        mcc: '5411',
        ...draw.of(USES),
        amount_minor: Math.ceil(principal_minor * draw.of([0.1, 0.3, 0.5, 0.9])),
      }),
    )
  }
  // Two loans of one instant: the later in the log is the newest.
  return draw.chance(0.15) ? [loan, disbursement(book, time, draw, time - disbursed_at), ...rows] : [loan, ...rows]
}

/** Another lender's money, and a repayment around 72 hours later. */
const funded: Episode = (book, time, draw) => {
  const later = draw.of([0, 1, MS_PER_HOUR, 72 * MS_PER_HOUR, 72 * MS_PER_HOUR + 1, -1])
  const payment = repayment(book, clamp(time + later), draw)
  const amount = (payment.data as { amount_minor: number }).amount_minor + draw.of([0, 0, 0, 5_000, -1])
  return [lenderMoney(book, time, draw, amount), payment]
}

/** A query, and another lender's money around 30 days later. */
const converted: Episode = (book, time, draw) => {
  const query = bureauQuery(book, time, draw)
  const later = draw.of([0, 1, 10 * MS_PER_DAY, 30 * MS_PER_DAY, 30 * MS_PER_DAY + 1])
  return [query, lenderMoney(book, (query.data as { queried_at: number }).queried_at + later, draw, 10_000)]
}

function lenderMoney(book: Book, time: number, draw: Draw, amount: number): RawEvent {
  return transaction(book, time, draw, {
    direction: 'in',
    ...draw.of([{ counterparty: OWN_INSTITUTION }, { counterparty: 'lender-2' }, { counterparty: 'lender-2' }, {}]),
    ...draw.of([{ counterparty_kind: 'lender', category: 'transfer' }, { category: 'loan_proceeds' }]),
    amount_minor: Math.min(Math.max(1, amount), AMOUNT_MINOR_MAX),
  })
}

/** A repayment, and spending around an hour later. */
const spend: Episode = (book, time, draw) => {
  const later = draw.of([0, 1, MS_PER_HOUR / 2, MS_PER_HOUR, MS_PER_HOUR + 1])
  const how = draw.of([{ merchant: 'shop-3' }, { channel: 'atm' }])
  return [
    repayment(book, time, draw),
    transaction(book, time + later, draw, { direction: 'out', category: 'shopping', ...how }),
  ]
}

/** Everything that is still owed of a loan at once. */
const earlyPayoff: Episode = (book, time, draw) => {
  const payoff = repayment(book, time, draw, undefined, 'all')
  const due = book.due.length > 0 && draw.chance(0.5) ? book.calendar.startOfDay(draw.of(book.due)) : time
  return [{ ...payoff, data: { ...payoff.data, paid_at: due } }]
}

/** Statements of a year and of the one before, of one period twice, or of many periods. */
const statements: Episode = (book, time, draw) => {
  const many = draw.chance(0.15)
  const step = draw.of(many ? [22, 334] : YEARS)
  const list = Array.from(
    { length: many ? MANY : 1 + draw.below(3) },
    (_, i) => 30 + i * (draw.chance(0.85) ? step : 0),
  )
  const days = draw.chance(0.5) ? list : list.reverse()
  return days.map((before, i) => statement(book, time + i * draw.of([0, MS_PER_DAY]), draw, before))
}

const valuations: Episode = (book, time, draw) => {
  if (draw.chance(0.04)) {
    return Array.from({ length: MANY + 2 }, (_, i) => valuation(book, time + i, draw, `collateral-${i % MANY}`))
  }
  return Array.from({ length: 1 + draw.below(4) }, (_, i) => {
    return valuation(book, time + i * draw.of([0, -MS_PER_HOUR, 20 * MS_PER_DAY]), draw)
  })
}

/** An index, and what it was around 90 days before. */
const indices: Episode = (book, time, draw) => {
  const about = aboutIndex(draw)
  const earlier = draw.of([0, 90, 90, 90, 120]) * MS_PER_DAY + draw.of([-1, 0, 1])
  return [
    index(book, time - Math.max(0, earlier), draw, about),
    index(book, time, draw, about),
    ...(draw.chance(0.4) ? [transaction(book, time + 90 * MS_PER_DAY, draw)] : []),
  ]
}

/** Hundreds of rows of the largest amount there is. */
const huge: Episode = (book, time, draw) => {
  const direction = draw.of(['in', 'out'])
  const merchant = draw.of([{ merchant: 'shop-1' }, { merchant: undefined }])
  return Array.from({ length: HUGE_ROWS }, (_, i) =>
    transaction(book, time + i, draw, {
      direction,
      ...merchant,
      category: 'transfer',
      amount_minor: AMOUNT_MINOR_MAX - draw.below(3),
    }),
  )
}

/** So many accounts that the last ones are not told apart any more, and a loan on one of these. */
const accounts: Episode = (book, time, draw) => [
  ...Array.from({ length: ACCOUNT_ROWS }, (_, i) =>
    transaction(book, time + i, draw, { account: `account-${i + 1}`, category: 'transfer', amount_minor: 1 + i }),
  ),
  ...proceeds(book, time + MS_PER_HOUR, draw).map((raw) => {
    const account = `account-${draw.of([126, 127, 128, 129, 129, 130])}`
    return raw['type'] === 'transaction.posted' ? { ...raw, data: { ...raw.data, account } } : raw
  }),
]

const EPISODES = {
  income,
  split,
  round_trip: roundTrip,
  proceeds,
  funded,
  converted,
  spend,
  early_payoff: earlyPayoff,
  statements,
  valuations,
  indices,
  huge,
  accounts,
} as const satisfies Record<string, Episode>
export type EpisodeName = keyof typeof EPISODES

/** How likely each is as a step. */
export const EPISODE_WEIGHTS: Record<EpisodeName, number> = {
  income: 4,
  split: 1,
  round_trip: 2,
  proceeds: 2.5,
  funded: 2,
  converted: 1,
  spend: 1.5,
  early_payoff: 0.7,
  statements: 1.5,
  valuations: 1.5,
  indices: 3,
  huge: 0.01,
  accounts: 0.06,
}

export function isEpisode(kind: string): kind is EpisodeName {
  return kind in EPISODES
}

/** The events of an episode that begins at `time`. Each arrives at its own time; now and then one is late. */
export function episode(name: EpisodeName, book: Book, time: number, draw: Draw): Planned[] {
  const planned = EPISODES[name](book, time, draw).map((raw) => {
    return { at: raw.time + (draw.chance(0.08) ? draw.of([1, MS_PER_HOUR, 5 * MS_PER_DAY]) : 0), raw }
  })
  // Some sources send a day's events at its end, and the latest first.
  if (draw.chance(0.15)) {
    const end = time + MS_PER_DAY
    planned.reverse()
    return planned.map(({ at, raw }) => ({ at: Math.max(at, end), raw })).sort((a, b) => a.at - b.at)
  }
  return planned.sort((a, b) => a.at - b.at)
}
