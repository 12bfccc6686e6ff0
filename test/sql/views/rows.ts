import { dayOfDate } from '../../../features/time.ts'
import type { Sql } from '../../../sql/client.ts'
import { createLoanMonthsBlock } from '../../../sql/tables/loan-months.ts'
import { createLoansBlock } from '../../../sql/tables/loans.ts'
import { monthDate, type Portfolio, rowAt, worstOf } from './portfolio.ts'

/** Writes a portfolio as the sink would: month ends as they were closed, loans as they stand at the end. */
export async function writePortfolio(sql: Sql, portfolio: Portfolio): Promise<void> {
  await sql.command('TRUNCATE TABLE loans')
  await sql.command('TRUNCATE TABLE loan_months')
  const loans = createLoansBlock()
  const months = createLoanMonthsBlock()
  for (const [offset, loan] of portfolio.loans.entries()) {
    const last = loan.months.at(-1)!
    const endMonth = loan.cohort + loan.months.length - (loan.end === 'written_off' ? 1 : 0)
    const common = {
      tenant: loan.tenant,
      dataset: '',
      loan: loan.loan,
      borrower: `b${loan.loan}`,
      product: loan.product,
      channel: loan.channel,
      cohort: dayOfDate(monthDate(loan.cohort)),
      partition: 0,
      offset,
    }
    const asOfEnd = {
      ...common,
      region: '',
      currency: 'CNY',
      purpose: '',
      principal_minor: loan.principal_minor,
      annual_rate: Number.NaN,
      instalments: 12,
      credit_limit_minor: Number.NaN,
      disbursed_at: Date.UTC(2023, loan.cohort, 5),
      status: loan.end,
      status_date: loan.end === 'open' ? null : dayOfDate(monthDate(endMonth)) + 9,
      worst_dpd: worstOf(loan),
      outstanding_principal_minor: loan.end === 'closed' ? 0 : last.balance_minor,
      written_off_balance_minor: loan.end === 'written_off' ? last.balance_minor : 0,
      repayment_method: '',
      first_due_dates: [],
      taken_over_at: null,
      is_worst_dpd_known: 1,
      restructurings: 0,
      restructured_at: null,
      dpd_rule: '',
      version: 2,
      is_retail: 1,
      is_self_directed: 0,
      disbursed_date: dayOfDate(monthDate(loan.cohort)) + 4,
    }
    loans.append(asOfEnd)
    // What the loan looked like at first was written too, and is superseded.
    loans.append({ ...asOfEnd, status: 'open', status_date: null, worst_dpd: 0, version: 1 })
    for (let month = loan.cohort; month < portfolio.months; month++) {
      const row = rowAt(portfolio, loan, month)
      if (row === undefined) continue
      months.append({
        ...common,
        month: dayOfDate(monthDate(month)),
        mob: month - loan.cohort,
        status: row.isWrittenOff ? 'written_off' : 'open',
        dpd: row.dpd,
        worst_dpd: row.worst,
        bucket: row.bucket,
        balance_minor: row.balance_minor,
        overdue_minor: 0,
        category: '',
        category_clause: '',
        is_worst_dpd_known: 1,
      })
    }
  }
  await sql.insertBlock('loans', loans)
  await sql.insertBlock('loan_months', months)
  // A replay after a crash writes rows again: nothing may count twice.
  await sql.insertBlock('loan_months', months)
}
