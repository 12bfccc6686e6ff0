import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createCalendar, dateOfDay } from '../../../../features/time.ts'
import { importBerka } from '../../../../pipelines/importers/berka/import.ts'
import { berkaSummaryLines, REFUSED_LINES_MAX } from '../../../../pipelines/importers/berka/summary.ts'
import { addRows, copyOfFixture, edit, FIXTURE, FIXTURE_TRANSACTIONS, imported, ofType } from './read.ts'

const calendar = createCalendar('Europe/Prague')
const localTime = (ms: number) => `${dateOfDay(calendar.dayOf(ms))} ${calendar.hourOf(ms)}:${(ms / 60_000) % 60}`

describe('the events of the invented folder', () => {
  test('begin with the tenant, in its zone and currency', async () => {
    const { events } = await imported(FIXTURE)
    expect(events[0]).toMatchObject({ id: 'tenant', source: 'berka', type: 'tenant.configured' })
    expect(events[0]!.data).toMatchObject({ zone: 'Europe/Prague', currency: 'CZK' })
    expect(localTime(events[0]!.time)).toBe('1995-01-02 0:0')
    expect(ofType(events, 'tenant.configured')).toHaveLength(1)
  })

  test('are in time order and have ids of their own', async () => {
    const { events } = await imported(FIXTURE)
    expect(events.every((event, i) => i === 0 || events[i - 1]!.time <= event.time)).toBe(true)
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length)
  })

  test('are the same bytes every time', async () => {
    expect((await imported(FIXTURE)).lines).toEqual((await imported(FIXTURE)).lines)
  })

  test('loans have the standing order as instalment, due on the first 12th after the grant, the rest at the end', async () => {
    const loans = ofType((await imported(FIXTURE)).events, 'loan.disbursed')
    expect(loans.map((loan) => [loan.id, loan.subject, localTime(loan.time)])).toEqual([
      ['loan-901', 'client-201', '1995-01-10 8:0'],
      ['loan-902', 'client-203', '1995-01-12 8:0'],
    ])
    expect(loans[0]!.data).toMatchObject({ loan: 'loan-901', region: 'upper Region', principal_minor: 300_000 })
    expect(loans[0]!.data.schedule!.map((one) => [one.due_date, one.principal_minor])).toEqual([
      ['1995-01-12', 99_990],
      ['1995-02-12', 99_990],
      ['1995-03-12', 100_020],
    ])
    // Granted on a 12th: the first instalment is due a month later.
    expect(loans[1]!.data.schedule!.map((one) => one.due_date)).toEqual([
      '1995-02-12',
      '1995-03-12',
      '1995-04-12',
      '1995-05-12',
    ])
    expect(loans.flatMap((loan) => loan.data.schedule!).every((one) => one.interest_minor + one.fee_minor === 0)).toBe(
      true,
    )
  })

  test('the loan status is in no event: other statuses, same bytes', async () => {
    const directory = await copyOfFixture()
    await edit(directory, 'loan.asc', (text) => text.replace('"B"', '"A"').replace('"D"', '"C"'))
    expect((await imported(directory)).lines).toEqual((await imported(FIXTURE)).lines)
  })

  test('every loan payment is a transaction and, right after it, a repayment', async () => {
    const { events } = await imported(FIXTURE)
    const repayments = ofType(events, 'repayment.received')
    expect(repayments.map(({ id, data }) => [id, data.payer, data.loan, data.account, data.amount_minor])).toEqual([
      ['repayment-1003', 'client-201', 'loan-901', 'account-101', 99_990],
      ['repayment-2006', 'client-203', 'loan-902', 'account-102', 50_000],
      ['repayment-1007', 'client-201', 'loan-901', 'account-101', 99_990],
    ])
    for (const repayment of repayments) {
      expect(repayment.subject).toBe(repayment.data.payer)
      const before = events[events.indexOf(repayment) - 1]!
      expect(before).toMatchObject({ id: repayment.id.replace('repayment', 'trans'), time: repayment.time })
      expect(before.data).toMatchObject({ category: 'loan_payment', counterparty_kind: 'lender', direction: 'out' })
      expect(repayment.data.paid_at).toBe(repayment.time)
    }
  })

  test('the rows of an account-day are at 12:00, 12:01 … in the order in which the balances follow', async () => {
    const transactions = ofType((await imported(FIXTURE)).events, 'transaction.posted')
    const dayOf = (account: string, date: string) =>
      transactions
        .filter((one) => one.data.account === account && localTime(one.time).startsWith(date))
        .map((one) => `${one.id} ${localTime(one.time).slice(11)} ${one.data.balance_after_minor}`)
    expect(dayOf('account-101', '1995-01-12')).toEqual([
      'trans-1002 12:0 700000',
      'trans-1003 12:1 600010',
      'trans-1004 12:2 590000',
    ])
    // The interest is printed 10 haléř higher than it was booked.
    expect(dayOf('account-101', '1995-01-31')).toEqual(['trans-1005 12:0 591220', 'trans-1006 12:1 589760'])
    expect(dayOf('account-103', '1995-01-15')).toEqual([
      'trans-3003 12:0 80000',
      'trans-3004 12:1 75000',
      'trans-3002 12:2 65000',
    ])
  })

  test('a year of unemployment is reported by region when it is over, before what else happens on that day', async () => {
    const directory = await copyOfFixture()
    const row = '3;"Lhota";"upper Region";3000;0;0;0;1;1;100.0;10000;?;4.20;100;10;10'
    await edit(directory, 'district.asc', (text) => `${text.trimEnd()}\r\n${row}\r\n`)
    await addRows(
      directory,
      '9001;101;951231;"PRIJEM";"VKLAD";1.00;4748.70;"";;',
      '9002;101;970102;"PRIJEM";"VKLAD";1.00;4749.70;"";;',
    )
    const { events } = await imported(directory)
    const reports = ofType(events, 'signal.reported')
    expect(reports.map(({ id, time, subject }) => [id, localTime(time), subject])).toEqual([
      ['region-index-1996-01-01-upper_Region', '1996-01-01 0:0', ''],
      ['region-index-1996-01-01-lower_Region', '1996-01-01 0:0', ''],
      ['region-index-1997-01-01-upper_Region', '1997-01-01 0:0', ''],
      ['region-index-1997-01-01-lower_Region', '1997-01-01 0:0', ''],
    ])
    // 1000 people at 0.20 and 3000 at 4.20 make 3.20 per cent; of 1995 only the smaller district is known.
    expect(reports.map(({ data }) => [data.kind, data.reference, data.value])).toEqual([
      ['region_index', 'upper Region', 99.9],
      ['region_index', 'lower Region', 99.9],
      ['region_index', 'upper Region', 96.8],
      ['region_index', 'lower Region', 99.8],
    ])
    expect(events.every((event, i) => i === 0 || events[i - 1]!.time <= event.time)).toBe(true)
    expect(ofType((await imported(FIXTURE)).events, 'signal.reported')).toEqual([])
  })

  test('noon is noon also on the day on which the clocks change', async () => {
    const directory = await copyOfFixture()
    await addRows(directory, '9001;101;950326;"PRIJEM";"VKLAD";1.00;4748.70;"";;')
    const { events, summary } = await imported(directory)
    expect(localTime(events.at(-1)!.time)).toBe('1995-03-26 12:0')
    // The later last day lets the third loan in.
    expect(summary).toMatchObject({ loans: 3, loans_later: 0, account_days_closed: 11 })
  })

  test('negative balances and penalty interest stay what they are', async () => {
    const transactions = ofType((await imported(FIXTURE)).events, 'transaction.posted')
    const byId = new Map(transactions.map((one) => [one.id, one.data]))
    expect(byId.get('trans-2002')).toEqual({
      account: 'account-102',
      direction: 'out',
      currency: 'CZK',
      amount_minor: 40_000,
      balance_after_minor: -10_000,
      channel: 'atm',
      category: 'cash_withdrawal',
    })
    expect(byId.get('trans-2003')).toEqual({
      account: 'account-102',
      direction: 'out',
      currency: 'CZK',
      amount_minor: 200,
      balance_after_minor: -10_200,
      counterparty_kind: 'bank',
      category: 'penalty_interest',
    })
  })

  test('the summary counts what was written, what did not close and the cut row', async () => {
    const { summary, lines } = await imported(FIXTURE)
    expect(summary).toEqual({
      transaction_file: FIXTURE_TRANSACTIONS,
      first_date: '1995-01-02',
      last_date: '1995-02-28',
      events: lines.length,
      borrowers: 3,
      transactions: 19,
      inflow_minor: 931_730,
      outflow_minor: 353_110,
      loans: 2,
      loans_principal_minor: 500_000,
      loans_later: 1,
      repayments: 3,
      repayments_minor: 249_980,
      account_days: 12,
      account_days_closed: 10,
      account_days_within_rounding: 1,
      account_days_not_closed: 1,
      account_days_not_searched: 0,
      refused: [{ file: FIXTURE_TRANSACTIONS, line: 21, reason: 'cut_row', text: '3006;103;950228;"VYD' }],
    })
    expect(berkaSummaryLines(summary)).toEqual([
      `19 transactions of 3 borrowers from ${FIXTURE_TRANSACTIONS}, 1995-01-02 to 1995-02-28: 9,317.30 CZK in, 3,531.10 CZK out`,
      '2 loans of 5,000.00 CZK (1 granted after 1995-02-28 left out)',
      '3 repayments of 2,499.80 CZK',
      '12 account-days: 10 close to the haléř, 1 within 10 haléř a row, 1 do not',
      '25 events written, refused: 1',
      `refused: ${FIXTURE_TRANSACTIONS} line 21: cut_row: "3006;103;950228;\\"VYD"`,
    ])
  })
})

describe('a bad row is reported with its reason and its neighbours go through', () => {
  const whole = '"";;'
  test.each([
    [`9001;101;950228;"PRIJEMX";"VKLAD";1.00;1.00;${whole}`, 'unknown_type'],
    [`9001;101;950228;"PRIJEM";"DAR";1.00;1.00;${whole}`, 'unknown_operation'],
    [`9001;101;950228;"PRIJEM";"";1.00;1.00;${whole}`, 'unknown_operation'],
    ['9001;101;950228;"PRIJEM";"VKLAD";1.00;1.00;"DAN";;', 'unknown_symbol'],
    [`9001;101;950228;"VYDAJ";"VKLAD";1.00;1.00;${whole}`, 'contradicting_direction'],
    ['9001;101;950228;"VYDAJ";"";1.00;1.00;"UROK";;', 'contradicting_direction'],
    [`9001;101;950230;"PRIJEM";"VKLAD";1.00;1.00;${whole}`, 'bad_date'],
    [`9001;101;690228;"PRIJEM";"VKLAD";1.00;1.00;${whole}`, 'bad_date'],
    [`9001;101;950228;"PRIJEM";"VKLAD";1.005;1.00;${whole}`, 'bad_amount'],
    [`9001;101;950228;"PRIJEM";"VKLAD";-1.00;1.00;${whole}`, 'bad_amount'],
    [`9001;101;950228;"PRIJEM";"VKLAD";0.00;1.00;${whole}`, 'bad_amount'],
    [`9001;101;950228;"PRIJEM";"VKLAD";1e3;1.00;${whole}`, 'bad_amount'],
    [`9001;101;950228;"PRIJEM";"VKLAD";1.00;100000000000.01;${whole}`, 'bad_amount'],
    [`900x;101;950228;"PRIJEM";"VKLAD";1.00;1.00;${whole}`, 'bad_id'],
    [`1001;101;950228;"PRIJEM";"VKLAD";1.00;1.00;${whole}`, 'repeated_id'],
    [`9001;999;950228;"PRIJEM";"VKLAD";1.00;1.00;${whole}`, 'no_owner'],
    ['9001;101;950228;"PRIJEM";"VKLAD";1.00;1.00;"";"A B";1', 'bad_counterparty'],
    ['9001;101;950228;"PRIJEM";"VKLAD";1.00;1.00;""', 'wrong_field_count'],
    [`9001;101;950228;"PRI"JEM";"VKLAD";1.00;1.00;${whole}`, 'bad_quotes'],
  ])('%s', async (row, reason) => {
    const directory = await copyOfFixture()
    await addRows(directory, row)
    const before = await imported(FIXTURE)
    const { lines, summary } = await imported(directory)
    expect(summary.refused).toMatchObject([
      { file: FIXTURE_TRANSACTIONS, line: 21, reason, text: row },
      { line: 22, reason: 'cut_row' },
    ])
    expect(lines).toEqual(before.lines)
  })

  test.each([
    ['loan.asc', '904;104;950101;1000;10;100.00;"A"', 'no_standing_order'],
    ['loan.asc', '904;101;950101;1000;10;100.00;"A"', 'second_loan_of_account'],
    ['loan.asc', '901;104;950101;1000;10;100.00;"A"', 'repeated_id'],
    ['loan.asc', '904;104;950101;1000;0;100.00;"A"', 'bad_duration'],
    ['loan.asc', '904;104;950101;1000;601;100.00;"A"', 'bad_duration'],
    ['loan.asc', '904;104;950101;0;10;100.00;"A"', 'bad_amount'],
    ['loan.asc', '904;104;951301;1000;10;100.00;"A"', 'bad_date'],
    ['order.asc', '306;101;"AB";"1";10.00;"UVER"', 'second_standing_order'],
    ['order.asc', '306;104;"AB";"1";ten;"UVER"', 'bad_amount'],
    ['disp.asc', '6;206;101;"OWNER"', 'second_owner'],
    ['disp.asc', '6;206;106;"HEIR"', 'unknown_type'],
    ['account.asc', '105;77;"POPLATEK MESICNE";950101', 'bad_region'],
    ['district.asc', '9;"Zadov";"upper Region";1000;0;0;0;1;1;100.0;10000;none;?;100;10;10', 'bad_rate'],
    ['district.asc', '9;"Zadov";"upper Region";0;0;0;0;1;1;100.0;10000;1.00;?;100;10;10', 'bad_rate'],
  ])('%s: %s', async (file, row, reason) => {
    const directory = await copyOfFixture()
    await edit(directory, file, (text) => `${text}${row}\r\n`)
    const { lines, summary } = await imported(directory)
    expect(summary.refused[0]).toMatchObject({ file, reason, text: row })
    expect(summary.refused).toHaveLength(2)
    expect(lines).toEqual((await imported(FIXTURE)).lines)
  })

  test('a loan whose instalments exceed it has no schedule, and what is paid on it is reported', async () => {
    const directory = await copyOfFixture()
    await edit(directory, 'loan.asc', (text) => text.replace('902;102;950112;2000', '902;102;950112;1499'))
    const { events, summary } = await imported(directory)
    expect(summary.refused).toMatchObject([
      { file: 'loan.asc', line: 3, reason: 'instalments_exceed_loan' },
      { file: FIXTURE_TRANSACTIONS, line: 16, reason: 'repayment_without_loan' },
      { file: FIXTURE_TRANSACTIONS, line: 21, reason: 'cut_row' },
    ])
    expect(events.map((event) => event.id)).toContain('trans-2006')
    expect(events.map((event) => event.id)).not.toContain('repayment-2006')
    expect(summary).toMatchObject({ transactions: 19, loans: 1, repayments: 2 })
  })

  test('a last line without its line break is cut, even if it looks whole', async () => {
    const directory = await copyOfFixture()
    await edit(directory, FIXTURE_TRANSACTIONS, (text) => text.slice(0, text.lastIndexOf('\r\n')))
    const { summary } = await imported(directory)
    expect(summary).toMatchObject({ transactions: 18, refused: [{ line: 20, reason: 'cut_row' }] })
  })

  test('line breaks may be LF, and a file that was not cut has nothing to report', async () => {
    const directory = await copyOfFixture()
    await edit(directory, FIXTURE_TRANSACTIONS, (text) =>
      text.slice(0, text.lastIndexOf('\r\n') + 2).replaceAll('\r\n', '\n'),
    )
    const { lines, summary } = await imported(directory)
    expect(summary.refused).toEqual([])
    expect(lines).toEqual((await imported(FIXTURE)).lines)
  })

  test('a day with more rows than the search takes stays in file order and is counted', async () => {
    const directory = await copyOfFixture()
    const rows = Array.from({ length: 800 }, (_, i) => `${8000 + i};104;950228;"PRIJEM";"VKLAD";1.00;${i + 1}.00;"";;`)
    await addRows(directory, ...rows.reverse())
    const { events, summary } = await imported(directory)
    expect(summary).toMatchObject({ transactions: 819, account_days_not_searched: 1, account_days_not_closed: 2 })
    const times = ofType(events, 'transaction.posted').filter((one) => one.data.account === 'account-104')
    expect(times.map((one) => one.id)).toEqual(rows.map((row) => `trans-${row.slice(0, 4)}`))
    expect(new Set(times.map((one) => one.time)).size).toBe(800)
    expect(times.every((one) => localTime(one.time).startsWith('1995-02-28'))).toBe(true)
    expect(berkaSummaryLines(summary)).toContain('1 account-days of more than 12 rows left in file order')
  })

  test('of many refused rows the lines name the first and count the others', async () => {
    const directory = await copyOfFixture()
    await addRows(directory, ...Array.from({ length: 30 }, () => 'nonsense'))
    const { summary } = await imported(directory)
    expect(summary.refused).toHaveLength(31)
    const lines = berkaSummaryLines(summary).filter((line) => line.startsWith('refused'))
    expect(lines).toHaveLength(REFUSED_LINES_MAX + 1)
    expect(lines.at(-1)).toBe('refused: 11 more')
  })
})

describe('what cannot be imported at all is a value with one line, and nothing is written', () => {
  async function failure(directory: string) {
    let written = 0
    const outcome = await importBerka({ directory, write: () => void written++ })
    expect(written).toBe(0)
    if (outcome.ok) throw new Error('it was imported')
    expect(outcome.detail).not.toContain('\n')
    return outcome
  }

  test('a folder that does not exist, or is a file', async () => {
    expect(await failure(join(FIXTURE, 'nowhere'))).toMatchObject({ reason: 'missing_directory' })
    expect(await failure(join(FIXTURE, 'loan.asc'))).toMatchObject({ reason: 'unreadable_file' })
  })

  test.each([FIXTURE_TRANSACTIONS, 'loan.asc', 'order.asc', 'disp.asc', 'account.asc', 'district.asc'])(
    'without %s, or with another header in it',
    async (file) => {
      const directory = await copyOfFixture()
      await edit(directory, file, (text) => text.replace('_id', '_number').replace('A1;', 'B1;'))
      const outcome = await failure(directory)
      expect(outcome.reason).toBe('wrong_header')
      expect(outcome.detail).toContain(file)
      await rm(join(directory, file))
      expect(await failure(directory)).toMatchObject({ reason: 'missing_file' })
    },
  )

  test('several transaction files, none of them whole', async () => {
    const directory = await copyOfFixture()
    await edit(directory, FIXTURE_TRANSACTIONS, (text) => text.slice(0, text.indexOf('\r\n') + 20))
    expect(await failure(directory)).toMatchObject({ reason: 'no_transactions' })
    await writeFile(join(directory, 'trans.asc'), '')
    expect(await failure(directory)).toMatchObject({ reason: 'several_transaction_files' })
  })

  test('the transaction file may have its plain name', async () => {
    const directory = await copyOfFixture()
    await rename(join(directory, FIXTURE_TRANSACTIONS), join(directory, 'trans.asc'))
    expect((await imported(directory)).lines).toEqual((await imported(FIXTURE)).lines)
  })

  test('what the sink throws is passed on', async () => {
    const full = () => Promise.reject(new Error('the disk is full'))
    await expect(importBerka({ directory: FIXTURE, write: full })).rejects.toThrow('the disk is full')
  })
})
