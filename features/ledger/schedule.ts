import type { Instalment } from '../events/contract.ts'
import { dayOfDate } from '../time.ts'

/** Instalments, four numbers each: due day, principal, interest and fee in minor units. */
export type Schedule = Float64Array
export const SCHEDULE_STRIDE = 4

/** An instalment of nothing is left out: it can be neither paid nor missed. */
export function scheduleOf(instalments: readonly Instalment[]): Schedule {
  const owed = instalments.filter((one) => one.principal_minor + one.interest_minor + one.fee_minor > 0)
  const schedule = new Float64Array(owed.length * SCHEDULE_STRIDE)
  owed.forEach((one, i) => {
    const numbers = [dayOfDate(one.due_date), one.principal_minor, one.interest_minor, one.fee_minor]
    schedule.set(numbers, i * SCHEDULE_STRIDE)
  })
  return schedule
}

/** Pays one part of one instalment and returns what is left of the money. */
export function take(unpaid: Float64Array, i: number, money: number): number {
  const paid = Math.min(money, unpaid[i] as number)
  unpaid[i] = (unpaid[i] as number) - paid
  return money - paid
}
