import { MS_PER_DAY } from '../../../features/time.ts'
import { createSimulation } from '../../../pipelines/simulator/simulation.ts'
import { disbursement, noon, type RawEvent, repayment, transaction } from './events.ts'

/** The simulator's first date: `noon` counts from the same day. */
const START = '2024-01-01'

export type HistoryOptions = { readonly borrowers: number; readonly days: number; readonly seed: number }

/** A file as a platform might send it: a simulated portfolio, and between its lines all that can be wrong or odd. */
export function historyLines({ borrowers, days, seed }: HistoryOptions): string[] {
  const simulation = createSimulation({ seed, borrowers, start: START })
  const lines: { readonly at: number; readonly text: string }[] = []
  for (let day = 0; day < days; day++) {
    for (const event of simulation.nextDay().events) lines.push({ at: event.time, text: JSON.stringify(event) })
  }
  const known = lines.find(({ text }) => text.includes('"transaction.posted"'))?.text ?? ''
  const odd = [...strangers(days), ...contacts(), ...loanOddities(), ...badLines(known)].filter(
    ({ at }) => at < noon(days - 1),
  )
  return [...lines, ...odd].sort((a, b) => a.at - b.at).map(({ text }) => text)
}

type Line = { readonly at: number; readonly text: string }

/** A line that stands in the file where `at` is reached, whatever time its event has. */
function line(at: number, event: RawEvent | string): Line {
  return { at, text: typeof event === 'string' ? event : JSON.stringify(event) }
}

/**
 * Borrowers without a loan, whose warnings open at an event and are cleared by a tick: the day's sweep meets them only in
 * between. Each has late events too, which fall into days that a sweep may or may not have reached.
 */
function strangers(days: number): Line[] {
  const lines: Line[] = []
  for (let i = 0; i < 30; i++) {
    const subject = `stranger-${i}`
    const failed = { direction: 'out', category: 'failed_debit' }
    const post = (name: string, at: number, time = at, data: Record<string, unknown> = failed) =>
      lines.push(line(at, transaction(`${subject}-${name}`, time, subject, data)))
    post('first', noon(i % 3), undefined, {})
    const opens = 31 + i
    post('failed-1', noon(opens - 1))
    post('failed-2', noon(opens))
    post('late-1', noon(opens + 3), noon(opens, 1), {})
    // The second debit leaves the window of 30 days on day `opens + 30`; the warning is cleared 7 closed days later.
    post('late-2', noon(opens + 41), noon(opens + 39), {})
    for (let day = 3 + (i % 7); day < days; day += 7) post(`quiet-${day}`, noon(day, i), undefined, { amount_minor: 5 })
  }
  return lines
}

/** Collection reaches people whom nothing else is known of. */
function contacts(): Line[] {
  return Array.from({ length: 15 }, (_, i) => {
    const at = noon(3 + i)
    const data = { channel: i % 2 === 0 ? 'call' : 'message', result: 'no_answer', contacted_at: at }
    return line(at, {
      id: `contact-${i}`,
      source: 'collection',
      type: 'contact.recorded',
      time: at,
      subject: `reached-${i}`,
      data,
    })
  })
}

function loanOddities(): Line[] {
  const held = (loan: string, at: number, i: number) =>
    repayment(`early-${loan}-${i}`, at, `odd-${loan}`, loan, 1000 + i)
  return [
    // Repayments that come before their loan: applied with it, or given up after 7 closed days.
    line(noon(8), held('late-loan', noon(8), 1)),
    line(noon(9), held('late-loan', noon(9), 2)),
    line(noon(10), disbursement('late-loan', noon(7), 'odd-late-loan', 'late-loan')),
    line(noon(12), held('no-loan', noon(12), 1)),
    ...Array.from({ length: 66 }, (_, i) => line(noon(14, i), held('flood', noon(14, i), i))),
    line(
      noon(20),
      disbursement('late-loan-again', noon(20), 'odd-late-loan', 'late-loan', { principal_minor: 300_000 }),
    ),
    line(noon(21), {
      ...repayment('other-currency', noon(21), 'odd-late-loan', 'late-loan'),
      data: { loan: 'late-loan', currency: 'EUR', amount_minor: 5, paid_at: noon(21) },
    }),
    // Paid with a value date ahead, reversed later, and written off with money still coming in.
    line(noon(25), {
      ...repayment('ahead', noon(25), 'odd-late-loan', 'late-loan'),
      data: { loan: 'late-loan', currency: 'CNY', amount_minor: 50_000, paid_at: noon(27) },
    }),
    line(noon(29), {
      id: 'reversal',
      source: 'loans',
      type: 'repayment.reversed',
      time: noon(29),
      subject: 'odd-late-loan',
      data: { loan: 'late-loan', repayment: 'ahead' },
    }),
    line(noon(45), {
      id: 'write-off',
      source: 'loans',
      type: 'loan.written_off',
      time: noon(45),
      subject: 'odd-late-loan',
      data: { loan: 'late-loan', written_off_at: noon(45) },
    }),
    line(noon(50), repayment('recovery', noon(50), 'odd-late-loan', 'late-loan', 777)),
    // A loan that became known weeks after its disbursement: its borrower was never swept before.
    line(noon(55), disbursement('backdated', noon(20), 'odd-backdated', 'backdated')),
    line(noon(55, 30), transaction('backdated-spends', noon(22), 'odd-backdated')),
  ]
}

function badLines(known: string): Line[] {
  const conflict = known.replace(/"amount_minor":\d+/, '"amount_minor":987654321')
  return [
    line(noon(5), 'this is not JSON'),
    line(noon(6), '{"id":"x","source":"s","type":"day.closed","time":1704200000000,"data":{"date":"2024-01-05"}}'),
    line(noon(11), '{"id":"y","source":"s","type":"transaction.posted","time":1704200000000,"subject":"b","data":{}}'),
    line(noon(15), known),
    line(noon(16), conflict),
    line(noon(44), known),
    line(noon(46), conflict),
    line(noon(17), transaction('mistyped-year', noon(17) + 1000 * MS_PER_DAY, 'odd-future')),
    line(noon(18), {
      id: 'index',
      source: 'bureau',
      type: 'signal.reported',
      time: noon(18),
      data: { kind: 'industry_index', reported_at: noon(18), value: 1.5 },
    }),
    line(noon(60), '{"unterminated": '),
  ]
}
