import type { EventOf, TenantConfiguration } from '../../features/events/contract.ts'
import { dateOfDay, dayOfDate, naiveCalendar } from './calendar.ts'
import type { EventItem, History, LedgerEntry } from './history.ts'
import { daysPastDue, type Loan, loanOnDay, loansOnDay, outstandingPrincipal } from './ledger.ts'
import { receive } from './reception.ts'

/**
 * The five categories from the clauses in `features/classification/README.md`, day by day from the start, each time anew.
 */

const ORDER = ['pass', 'special_mention', 'substandard', 'doubtful', 'loss'] as const
export type OracleCategory = (typeof ORDER)[number]
type Finding = { readonly category: OracleCategory; readonly clause: string }

export type OracleCategoryRow = {
  readonly offset: number
  readonly day: number
  readonly loan: string
  readonly category: OracleCategory | ''
  readonly clause: string
}

type Signal = EventOf<'signal.reported'>['data'] & { readonly offset: number }

/** What is known at some place of the log. */
type Known = {
  readonly ledger: readonly LedgerEntry[]
  readonly signals: readonly Signal[]
  readonly configuration: TenantConfiguration
}

/** Every loan at every tick, from its disbursement's date on. */
export function oracleCategories(history: History, configuration: TenantConfiguration): OracleCategoryRow[] {
  const rows: OracleCategoryRow[] = []
  for (const { item, received } of receive(history, configuration).receptions) {
    if (item.kind !== 'tick') continue
    const known = { ledger: received.ledger, signals: signalsOf(received.events), configuration }
    for (const { loan, finding } of categoriesOnDay(known, item.day)) {
      const row = { offset: item.offset, day: item.day, loan: loan.loan }
      rows.push(finding === null ? { ...row, category: '', clause: '' } : { ...row, ...finding })
    }
  }
  return rows
}

/** Every loan at the end of each day that was closed, as it is known after the whole history. */
export function oracleCategoriesInTheEnd(history: History, configuration: TenantConfiguration): OracleCategoryRow[] {
  const { received } = receive(history, configuration).receptions.at(-1)!
  const known = { ledger: received.ledger, signals: signalsOf(received.events), configuration }
  return history.flatMap((item) => {
    if (item.kind !== 'tick') return []
    return categoriesOnDay(known, item.day).map(({ loan, finding }) => ({
      offset: item.offset,
      day: item.day,
      loan: loan.loan,
      category: finding?.category ?? '',
      clause: finding?.clause ?? '',
    }))
  })
}

function signalsOf(events: readonly EventItem[]): Signal[] {
  return events.flatMap(({ event, offset }) => (event.type === 'signal.reported' ? [{ ...event.data, offset }] : []))
}

function categoriesOnDay(known: Known, day: number): { loan: Loan; finding: Finding | null }[] {
  const calendar = naiveCalendar(known.configuration.zone)
  // On the books a restructuring counts from its effective date on.
  const ledger = known.ledger.filter(
    ({ event }) => event.type !== 'loan.restructured' || dayOfDate(event.data.effective_date) <= day,
  )
  const loans = loansOnDay(ledger, day, known.configuration).filter(
    (loan) => calendar.dayOf(loan.disbursed.data.disbursed_at) <= day,
  )
  const isOver = (loan: Loan) => loan.ended !== null && loan.ended.day <= day
  const open = loans.filter((loan) => !isOver(loan)).map((loan) => ({ loan, alone: alone(known, loan, day) }))
  return loans.map((loan) => {
    if (isOver(loan)) {
      if (loan.ended?.status === 'closed') return { loan, finding: null }
      return { loan, finding: { category: 'loss', clause: `${kindOf(known, loan).name} written off` } }
    }
    const { alone: finding } = open.find((one) => one.loan === loan)!
    return { loan, finding: withOthers(known, loan, finding, open, day) }
  })
}

function kindOf({ configuration }: Known, loan: Loan): { name: string; isCard: boolean; isRetail: boolean } {
  const { retail = true, other_products = [], card_products = [] } = configuration.classification ?? {}
  const product = loan.disbursed.data.product ?? ''
  if (card_products.includes(product)) return { name: 'cards-2011@1 card', isCard: true, isRetail: true }
  const isRetail = other_products.includes(product) ? !retail : retail
  return { name: `loans-2023@1 ${isRetail ? 'retail' : 'non-retail'}`, isCard: false, isRetail }
}

/** The worst of the findings, the first of equals. */
function worst(findings: readonly Finding[]): Finding {
  return findings.reduce((a, b) => (ORDER.indexOf(b.category) > ORDER.indexOf(a.category) ? b : a))
}

function isNonPerforming({ category }: Finding): boolean {
  return ORDER.indexOf(category) >= ORDER.indexOf('substandard')
}

/** All clauses but those about the debtor's other debts. */
function alone(known: Known, loan: Loan, day: number): Finding {
  const { name, isCard, isRetail } = kindOf(known, loan)
  const say = (category: OracleCategory, clause: string): Finding => ({ category, clause: `${name} ${clause}` })
  const dpd = daysPastDue(loan, day, known.configuration)
  const findings = [say('pass', isCard ? '92(1)' : '6(1)')]
  if (isCard) {
    if (dpd >= 1 && dpd <= 90) findings.push(say('special_mention', '92(2)'))
    if (dpd >= 91 && dpd <= 120) findings.push(say('substandard', '92(3)'))
    if (dpd >= 121 && dpd <= 180) findings.push(say('doubtful', '92(4)'))
    if (dpd > 180) findings.push(say('loss', '92(5)'))
  } else {
    const technical = dpd > 0 && isTechnical(known, loan, day, dpd)
    // It stands in the place of 10(1): what is exempt is pass by that clause.
    if (technical) findings.splice(0, 1, say('pass', '10(1) technical'))
    else if (dpd > 0) findings.push(say('special_mention', '10(1)'))
    if (dpd > 90) findings.push(say('substandard', '11(1)'))
    if (dpd > 270) findings.push(say('doubtful', '12(1)'))
    if (dpd > 360) findings.push(say('loss', '13(1)'))
  }
  if (!isRetail && dpd === 0 && wasNonPerforming(known, loan, day)) findings.push(say('substandard', '14'))
  findings.push(...restructured(known, loan, day).map(({ category, clause }) => say(category, clause)))
  findings.push(...judged(known, loan, day).map(({ category, clause }) => say(category, clause)))
  return worst(findings)
}

function isTechnical(known: Known, loan: Loan, day: number, dpd: number): boolean {
  const { technical_overdue = 'reported', technical_days = 7 } = known.configuration.classification ?? {}
  if (dpd > technical_days) return false
  if (technical_overdue === 'assumed') return true
  const calendar = naiveCalendar(known.configuration.zone)
  const oldest = Math.min(...unsettledOn(loan, day).map((one) => one.due))
  return known.signals.some((data) => {
    const reported = calendar.dayOf(data.reported_at)
    return data.kind === 'technical_overdue' && data.reference === loan.loan && reported >= oldest && reported <= day
  })
}

function unsettledOn(loan: Loan, day: number) {
  return loan.instalments.filter((one) => one.settled === null || one.settled > day)
}

function firstDay(known: Known, loan: Loan): number {
  const calendar = naiveCalendar(known.configuration.zone)
  return Math.min(calendar.dayOf(loan.disbursed.data.disbursed_at), ...loan.instalments.map((one) => one.due))
}

/** Article 14(1): nothing was past due from `since` to `day`, which is long enough. */
function hasProved(loan: Loan, since: number, day: number): boolean {
  if (day < addMonths(since, 6)) return false
  const isPaid = (one: Loan['instalments'][number]) => one.settled !== null && one.settled <= day
  if (loan.instalments.every(isPaid)) return true
  return loan.instalments.filter((one) => one.due > since && one.due <= day && isPaid(one)).length >= 2
}

/** Non-retail: once over 90 days past due it is non-performing until it has proved itself. */
function wasNonPerforming(known: Known, loan: Loan, day: number): boolean {
  let isHeld = false
  let cleanSince: number | null = null
  for (let date = firstDay(known, loan); date <= day; date++) {
    const dpd = daysPastDue(loan, date, known.configuration)
    if (dpd > 90) isHeld = true
    if (dpd > 0) cleanSince = null
    else cleanSince ??= date
    if (isHeld && cleanSince !== null && hasProved(loan, cleanSince, date)) isHeld = false
  }
  return isHeld
}

type Restructured = { day: number; firstDue: number; before: OracleCategory; isAgain: boolean }

/** The loan's restructurings in the sense of article 17, as they were judged at their places. */
function restructurings(known: Known, loan: string): Restructured[] {
  const entries = known.ledger.filter(({ event }) => event.data.loan === loan)
  const found: Restructured[] = []
  entries.forEach((entry, index) => {
    const { event, appliedDay } = entry
    if (event.type !== 'loan.restructured') return
    const before = loanOnDay(entries.slice(0, index), appliedDay, known.configuration)
    const { category } = alone(justBefore(known, entry), before, appliedDay)
    if (event.data.reason === 'no_difficulty' && category === 'pass') return
    const last = found.at(-1)
    found.push({
      day: dayOfDate(event.data.effective_date),
      firstDue: dayOfDate(event.data.schedule[0]!.due_date),
      before: category,
      isAgain: last !== undefined && isObserved(known, before, last, appliedDay),
    })
  })
  return found
}

/** What was known just before an entry took effect: a held one does at its loan's place. */
function justBefore(known: Known, entry: LedgerEntry): Known {
  const loan = known.ledger.find(({ event }) => event.data.loan === entry.event.data.loan)!
  const place = Math.max(entry.offset, loan.offset)
  const ledger = known.ledger.slice(0, known.ledger.indexOf(entry))
  return { ...known, ledger, signals: known.signals.filter(({ offset }) => offset < place) }
}

function restructured(known: Known, loan: Loan, day: number): Finding[] {
  const one = restructurings(known, loan.loan).findLast((other) => other.day <= day)
  if (one === undefined || !isObserved(known, loan, one, day)) return []
  const floors: OracleCategory[] = [one.before]
  if (one.isAgain) floors.push('substandard')
  const floor = ORDER[Math.max(...floors.map((category) => ORDER.indexOf(category)))]!
  if (ORDER.indexOf(floor) >= 2 && !hasProvedSince(known, loan, one.day, day)) {
    return [{ category: floor, clause: one.isAgain ? '22' : '21' }]
  }
  return [{ category: 'special_mention', clause: '21' }]
}

function hasProvedSince(known: Known, loan: Loan, from: number, day: number): boolean {
  let cleanSince: number | null = null
  for (let date = from; date <= day; date++) {
    if (daysPastDue(loan, date, known.configuration) > 0) cleanSince = null
    else cleanSince ??= date
  }
  return cleanSince !== null && hasProved(loan, cleanSince, day)
}

/** Article 20, day by day: what comes to be past due begins the observation anew; once it is over it stays so. */
function isObserved(known: Known, loan: Loan, one: Restructured, day: number): boolean {
  let start = one.firstDue
  for (let date = Math.min(one.day, one.firstDue); date <= day; date++) {
    for (const instalment of loan.instalments) {
      if (instalment.due < one.firstDue || instalment.due <= start) continue
      const only = { ...loan, instalments: [instalment] }
      if (daysPastDue(only, date, known.configuration) > 0) start = instalment.due
    }
    const later = loan.instalments.map(({ due }) => due).filter((due) => due > start)
    const dates = [...new Set(later)].sort((a, b) => a - b).slice(0, 2)
    if (date >= Math.max(addMonths(start, 12), ...dates)) return false
  }
  return true
}

function judged(known: Known, loan: Loan, day: number): Finding[] {
  const calendar = naiveCalendar(known.configuration.zone)
  let latest: EventOf<'loan.classified'> | undefined
  for (const { event } of known.ledger) {
    if (event.type !== 'loan.classified' || event.data.loan !== loan.loan) continue
    const date = calendar.dayOf(event.data.classified_at)
    if (date > day) continue
    if (latest === undefined || date >= calendar.dayOf(latest.data.classified_at)) latest = event
  }
  if (latest === undefined) return []
  return [{ category: latest.data.category, clause: `judgement: ${latest.data.reason}` }]
}

function withOthers(
  known: Known,
  loan: Loan,
  own: Finding,
  open: readonly { loan: Loan; alone: Finding }[],
  day: number,
): Finding {
  const { name, isRetail } = kindOf(known, loan)
  if (isRetail && !(known.configuration.classification?.retail_contagion ?? false)) return own
  const calendar = naiveCalendar(known.configuration.zone)
  const say = (category: OracleCategory, clause: string): Finding => ({ category, clause: `${name} ${clause}` })
  const claims = (some: readonly { loan: Loan }[]) =>
    some.reduce((sum, one) => sum + BigInt(outstandingPrincipal(one.loan)), 0n)
  const bad = open.filter((one) => isNonPerforming(one.alone))
  const findings = [own]
  if (10n * claims(bad) > claims(open)) findings.push(say('substandard', '7'))
  const told = known.signals
    .filter((data) => data.kind === 'debts_overdue_share' && data.value !== undefined)
    .filter((data) => calendar.dayOf(data.reported_at) <= day)
    .sort((a, b) => a.reported_at - b.reported_at)
    .at(-1)
  const share = told?.value ?? null
  if (share !== null && share > 0.2) findings.push(say('substandard', '11(4)'))
  if (bad.length > 0 || (share !== null && share > 0)) findings.push(say('special_mention', '10(4)'))
  const found = worst(findings)
  if (share !== null || isNonPerforming(found)) return found
  return { ...found, clause: `${found.clause}, 11(4) inconclusive` }
}

/** By the calendar: the same day of the month, or the month's last. */
function addMonths(day: number, months: number): number {
  const [year, month, date] = dateOfDay(day).split('-').map(Number) as [number, number, number]
  const last = new Date(Date.UTC(year, month - 1 + months + 1, 0)).getUTCDate()
  return Date.UTC(year, month - 1 + months, Math.min(date, last)) / 86_400_000
}
