import { INSTALMENTS_MAX, label } from '../../../features/events/fields.ts'
import { dateOfDay, firstDayOfMonth, monthOfDay } from '../../../features/time.ts'
import { type AscTable, isId, parseDay, parseMinor } from './asc.ts'
import { LOAN_PAYMENT_SYMBOL } from './mapping.ts'

/** The columns of the tables that loans and their borrowers are made of. */
export const LOAN_COLUMNS = ['loan_id', 'account_id', 'date', 'amount', 'duration', 'payments', 'status'] as const
export const ORDER_COLUMNS = ['order_id', 'account_id', 'bank_to', 'account_to', 'amount', 'k_symbol'] as const
export const DISPOSITION_COLUMNS = ['disp_id', 'client_id', 'account_id', 'type'] as const
export const ACCOUNT_COLUMNS = ['account_id', 'district_id', 'frequency', 'date'] as const
// biome-ignore format: sixteen names that say nothing
export const DISTRICT_COLUMNS = [
  'A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7', 'A8', 'A9', 'A10', 'A11', 'A12', 'A13', 'A14', 'A15', 'A16',
] as const

/** Instalments are due on this day of the month: it is the day of every loan payment in the data. */
export const DUE_DAY_OF_MONTH = 12

export type ScheduledInstalment = { readonly due_date: string; readonly principal_minor: number }

export type BerkaLoan = {
  /** Line in the loan file, and its text, for what is refused later. */
  readonly line: number
  readonly text: string
  readonly loan_id: string
  readonly account_id: string
  /** Day number of the grant. */
  readonly granted_day: number
  readonly principal_minor: number
  readonly schedule: readonly ScheduledInstalment[]
}

/** The account's owner (`disp.asc`, type OWNER) by account id. A second owner of an account is refused. */
export function readOwners(dispositions: AscTable<(typeof DISPOSITION_COLUMNS)[number]>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  for (const row of dispositions.rows) {
    const { client_id, account_id, type } = row.fields
    if (type === 'DISPONENT') continue
    if (type !== 'OWNER') dispositions.refuse(row, 'unknown_type')
    else if (!isId(client_id) || !isId(account_id)) dispositions.refuse(row, 'bad_id')
    else if (owners.has(account_id)) dispositions.refuse(row, 'second_owner')
    else owners.set(account_id, client_id)
  }
  return owners
}

/** The region (`district.asc`, A3) by account id; an account whose district is unknown has none. */
export function readRegions(
  accounts: AscTable<(typeof ACCOUNT_COLUMNS)[number]>,
  districts: AscTable<(typeof DISTRICT_COLUMNS)[number]>,
): ReadonlyMap<string, string> {
  const regionOfDistrict = new Map<string, string>()
  for (const row of districts.rows) {
    if (label.safeParse(row.fields.A3).success) regionOfDistrict.set(row.fields.A1, row.fields.A3)
    else districts.refuse(row, 'bad_region')
  }
  const regions = new Map<string, string>()
  for (const row of accounts.rows) {
    const region = regionOfDistrict.get(row.fields.district_id)
    if (region !== undefined) regions.set(row.fields.account_id, region)
    else accounts.refuse(row, 'bad_region')
  }
  return regions
}

/**
 * The loans with their schedules, by account. The instalment is the account's UVER standing order; the table's own
 * `payments` is rounded to whole crowns. `status` says how the loan ended and is not read at all.
 */
export function readLoans(
  loans: AscTable<(typeof LOAN_COLUMNS)[number]>,
  orders: AscTable<(typeof ORDER_COLUMNS)[number]>,
): ReadonlyMap<string, BerkaLoan> {
  const instalments = readInstalments(orders)
  const byAccount = new Map<string, BerkaLoan>()
  const seen = new Set<string>()
  for (const row of loans.rows) {
    const { loan_id, account_id } = row.fields
    const granted_day = parseDay(row.fields.date)
    const principal_minor = parseMinor(row.fields.amount)
    const duration = /^\d{1,3}$/.test(row.fields.duration) ? Number(row.fields.duration) : 0
    const instalment_minor = instalments.get(account_id)
    if (!isId(loan_id) || !isId(account_id)) loans.refuse(row, 'bad_id')
    else if (seen.has(loan_id)) loans.refuse(row, 'repeated_id')
    else if (granted_day === undefined) loans.refuse(row, 'bad_date')
    else if (principal_minor === undefined || principal_minor <= 0) loans.refuse(row, 'bad_amount')
    else if (duration < 1 || duration > INSTALMENTS_MAX) loans.refuse(row, 'bad_duration')
    else if (byAccount.has(account_id)) loans.refuse(row, 'second_loan_of_account')
    else if (instalment_minor === undefined) loans.refuse(row, 'no_standing_order')
    else {
      const schedule = scheduleOf(granted_day, principal_minor, duration, instalment_minor)
      if (schedule === undefined) {
        loans.refuse(row, 'instalments_exceed_loan')
        continue
      }
      seen.add(loan_id)
      byAccount.set(account_id, {
        line: row.line,
        text: row.text,
        loan_id,
        account_id,
        granted_day,
        principal_minor,
        schedule,
      })
    }
  }
  return byAccount
}

function readInstalments(orders: AscTable<(typeof ORDER_COLUMNS)[number]>): ReadonlyMap<string, number> {
  const instalments = new Map<string, number>()
  for (const row of orders.rows) {
    if (row.fields.k_symbol !== LOAN_PAYMENT_SYMBOL) continue
    const amount_minor = parseMinor(row.fields.amount)
    if (amount_minor === undefined || amount_minor <= 0) orders.refuse(row, 'bad_amount')
    else if (instalments.has(row.fields.account_id)) orders.refuse(row, 'second_standing_order')
    else instalments.set(row.fields.account_id, amount_minor)
  }
  return instalments
}

/**
 * `duration` monthly instalments on the 12th, the first one on the first 12th after the grant; the last one carries the
 * rest, so that they sum to the loan. Undefined when the instalments before the last exceed the loan.
 */
export function scheduleOf(
  granted_day: number,
  principal_minor: number,
  duration: number,
  instalment_minor: number,
): ScheduledInstalment[] | undefined {
  const rest_minor = principal_minor - (duration - 1) * instalment_minor
  if (rest_minor < 0) return undefined
  const dueDay = (month: number) => firstDayOfMonth(month) + DUE_DAY_OF_MONTH - 1
  const month = monthOfDay(granted_day)
  const first = dueDay(month) > granted_day ? month : month + 1
  return Array.from({ length: duration }, (_, i) => ({
    due_date: dateOfDay(dueDay(first + i)),
    principal_minor: i === duration - 1 ? rest_minor : instalment_minor,
  }))
}
