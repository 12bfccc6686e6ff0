import type { Sql } from '../../sql/client.ts'

/** Months of the synthetic book, and how long a loan of it lives. */
const MONTHS = 36
const LIFE_MONTHS = 24
const PARTITIONS = 4
const FIRST_MONTH = '2021-01-01'

/** A number that is as good as random, from 0 to `below` − 1, for each loan and month. */
const random = (salt: number, below: number) => `(cityHash64(number, m, ${salt}) % ${below})`
const randomOfLoan = (salt: number, below: number) => `(cityHash64(number, ${salt}) % ${below})`

const LOAN = "concat('loan-', leftPad(toString(number), 8, '0'))"
const BORROWER = "concat('borrower-', leftPad(toString(number), 8, '0'))"
const PRODUCT = `['cash_instalment', 'card', 'auto', 'mortgage'][1 + ${randomOfLoan(1, 4)}]`
const CHANNEL = `['app', 'partner', 'branch'][1 + ${randomOfLoan(2, 3)}]`
const COHORT = `(number % ${MONTHS})`
const MONTH = `addMonths(toDate('${FIRST_MONTH}'), m)`
const DPD = `multiIf(${random(3, 100)} < 88, 0, ${random(4, 10)} < 7, 1 + ${random(5, 30)}, 31 + ${random(6, 170)})`
const PRINCIPAL = `(1000000 + ${randomOfLoan(7, 1_000_000)})`
/** One in ten is closed early, one in fifty written off when it is a year old. */
const IS_CLOSED = `(${randomOfLoan(8, 10)} = 0)`
const IS_WRITTEN_OFF = `(${randomOfLoan(8, 50)} = 1)`

/**
 * Writes a book of about `loanMonths` month ends with the days, contacts and warnings that go with them, made in the engine
 * itself. Month ends come as the sink writes them: month by month, one block for each partition of the log.
 */
export async function writeSyntheticBook(sql: Sql, loanMonths: number): Promise<void> {
  const rowsPerLoan = expectedRowsPerLoan()
  const loans = Math.round(loanMonths / rowsPerLoan)
  await sql.command(loansStatement(loans))
  for (let month = 0; month < MONTHS; month++) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await sql.command(monthStatement(loans, month, partition))
    }
    await sql.command(daysStatement(month))
  }
  await sql.command(contactsStatement())
  await sql.command(warningsStatement(loans))
  await sql.command(closedDaysStatement())
}

function expectedRowsPerLoan(): number {
  let rows = 0
  for (let cohort = 0; cohort < MONTHS; cohort++) rows += Math.min(LIFE_MONTHS, MONTHS - cohort)
  // Those that are closed early have half of their rows.
  return (rows / MONTHS) * 0.95
}

function loansStatement(loans: number): string {
  return `INSERT INTO loans (tenant, dataset, loan, borrower, product, channel, currency, principal_minor, instalments, cohort,
      disbursed_at, status, status_date, worst_dpd, written_off_balance_minor, first_due_dates, partition, offset, version)
    SELECT 'default', '', ${LOAN}, ${BORROWER}, ${PRODUCT}, ${CHANNEL}, 'CNY', ${PRINCIPAL}, ${LIFE_MONTHS},
      addMonths(toDate('${FIRST_MONTH}'), ${COHORT}) AS cohort, toDateTime64(cohort, 3, 'UTC'),
      multiIf(${IS_CLOSED}, 'closed', ${IS_WRITTEN_OFF}, 'written_off', 'open'),
      if(${IS_CLOSED} OR ${IS_WRITTEN_OFF}, addMonths(cohort, 12), NULL), if(${randomOfLoan(9, 10)} = 0, 45, 0), 500000,
      arrayMap(k -> addMonths(cohort, k) + 9, [1, 2, 3]), number % ${PARTITIONS}, number, 1
    FROM numbers(${loans})`
}

function monthStatement(loans: number, month: number, partition: number): string {
  return `INSERT INTO loan_months (tenant, dataset, loan, borrower, month, mob, cohort, product, channel, status, dpd,
      worst_dpd, bucket, balance_minor, partition, offset)
    SELECT 'default', '', ${LOAN} AS loan, ${BORROWER}, ${MONTH}, m - ${COHORT} AS mob,
      addMonths(toDate('${FIRST_MONTH}'), ${COHORT}), ${PRODUCT}, ${CHANNEL},
      if(${IS_WRITTEN_OFF} AND mob >= 12, 'written_off', 'open') AS status, ${DPD} AS dpd, dpd,
      multiIf(status = 'written_off', 'written_off', dpd = 0, 'current', dpd > 180, 'M7+',
        concat('M', toString(1 + intDiv(dpd - 1, 30)))),
      if(status = 'written_off', 500000, intDiv(${PRINCIPAL} * (${LIFE_MONTHS} - mob), ${LIFE_MONTHS})), ${partition}, m
    FROM (SELECT number, toInt32(${month}) AS m FROM numbers(${loans}))
    WHERE number % ${PARTITIONS} = ${partition} AND m >= ${COHORT} AND m < ${COHORT} + ${LIFE_MONTHS}
      AND (NOT ${IS_CLOSED} OR m < ${COHORT} + 12)
    ORDER BY loan`
}

/** A payment in each month, and up to ten days on which a late loan grew older. */
function daysStatement(month: number): string {
  return `INSERT INTO loan_days (tenant, dataset, loan, borrower, date, status, dpd, bucket, outstanding_principal_minor,
      overdue_minor, paid_minor, partition, offset, seq)
    SELECT tenant, dataset, loan, borrower, addDays(month, 18 + k), status, if(dpd = 0, 0, greatest(1, dpd - 10 + k)),
      bucket, balance_minor, dpd, mob * 100000 + k * 100, partition, offset * 100 + k, 0
    FROM loan_months
    ARRAY JOIN range(if(dpd = 0, 1, 10)) AS k
    WHERE month = addMonths(toDate('${FIRST_MONTH}'), ${month})`
}

function contactsStatement(): string {
  return `INSERT INTO contacts (tenant, borrower, loan, date, contacted_at, channel, result, partition, offset)
    SELECT tenant, borrower, loan, addDays(month, 20) AS date, toDateTime64(date, 3, 'UTC'),
      ['message', 'call'][1 + cityHash64(loan, month) % 2], ['promised', 'no_answer'][1 + cityHash64(month, loan) % 2],
      partition, cityHash64(loan, month)
    FROM loan_months WHERE dpd > 0 AND cityHash64(loan, month) % 3 = 0`
}

/** One borrower in five was warned once. */
function warningsStatement(loans: number): string {
  const signals = '[{"signal":"past_due@1","family":"repayment_habit","severity":"yellow"}]'
  return `INSERT INTO warnings (tenant, partition, feed_seq, id, warning_id, type, severity, borrower, time, offset, signals)
    SELECT 'default', number % ${PARTITIONS}, number, toString(number), toString(number), 'opened', 'yellow', ${BORROWER},
      toDateTime64(addMonths(toDate('${FIRST_MONTH}'), ${COHORT} + 3), 3, 'UTC'), number, '${signals}'
    FROM numbers(${loans}) WHERE number % 5 = 0`
}

function closedDaysStatement(): string {
  return `INSERT INTO closed_days (tenant, date, day_end, partition, slice, slices, partitions, offset)
    SELECT 'default', toDate('${FIRST_MONTH}') + intDiv(number, ${PARTITIONS}) AS date,
      toDateTime64(date, 3, 'UTC') + toIntervalMillisecond(57599999), number % ${PARTITIONS}, 0, 1, ${PARTITIONS}, number
    FROM numbers(${PARTITIONS} * dateDiff('day', toDate('${FIRST_MONTH}'), addMonths(toDate('${FIRST_MONTH}'), ${MONTHS})))`
}
