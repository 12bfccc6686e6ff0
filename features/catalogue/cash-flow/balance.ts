import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition, ratio } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { balanceAfter, feature, overWindows, transactionAmount, transactionCount } from '../windows.ts'

/** Cash-flow breaks 现金流断裂: balances that run out, debits that fail. */
const family = 'cash-flow'

export const BALANCE: readonly FeatureDefinition[] = [
  feature({
    name: 'balance_last',
    family,
    formula: {
      zh: '最近一笔交易后的余额',
      en: 'balance after the latest transaction that states one',
    },
    reading: { zh: '余额充足', en: 'money in the account' },
    unit: 'minor',
    inputs: [{ fact: 'balance_last' }],
    missing: 'no transaction stated a balance',
    source: SOURCE.FLOW,
  }),
  ...overWindows([30, 90], {
    name: 'balance_min_{d}d',
    family,
    formula: {
      zh: '近{d}天最低余额',
      en: 'smallest balance after a transaction in {d} days',
    },
    reading: { zh: '余额未触底', en: 'the balance never fell low' },
    unit: 'minor',
    inputs: (d) => [balanceAfter('min', TRAIT.BALANCE, d)],
    missing: 'no transaction in the window stated a balance',
    source: SOURCE.FLOW,
  }),
  ...overWindows([30, 90], {
    name: 'balance_mean_{d}d',
    family,
    formula: {
      zh: '近{d}天余额按存续毫秒加权的均值：Σ 余额 × 时长 ÷ Σ 时长（自窗口起点或首次已知余额起，至T）',
      en: 'mean balance of {d} days weighted by how long it stood: Σ balance × ms / Σ ms, from the start of the window or the first balance known, to T',
    },
    reading: { zh: '日均余额高', en: 'the account holds money on average' },
    unit: 'minor',
    inputs: (d) => [{ fact: `balance_mean_${d}d` }],
    missing: 'no transaction within 180 days stated a balance before T',
    source: SOURCE.SAMA_BALANCE,
  }),
  feature({
    name: 'days_below_zero_90d',
    family,
    formula: {
      zh: '近90个日期（含今日）中日终余额已知且 < 0 的天数',
      en: 'dates of the 90 up to today whose closing balance is known and below 0',
    },
    reading: { zh: '长期透支', en: 'overdrawn for many days' },
    unit: 'count',
    inputs: [{ fact: 'days_below_zero_90d' }],
    missing: 'no transaction within 180 days stated a balance',
    source: SOURCE.SAMA_BALANCE,
  }),
  feature({
    name: 'days_below_instalment_90d',
    family,
    formula: {
      zh: '近90个日期（含今日）中日终余额已知且 < 当前下一期未还金额的天数',
      en: 'dates of the 90 up to today whose closing balance is known and below the next instalment as it is now',
    },
    reading: { zh: '余额常不足还款', en: 'the balance is often too low for the next instalment' },
    unit: 'count',
    inputs: [{ fact: 'days_below_instalment_90d' }],
    missing: 'no transaction within 180 days stated a balance, or no instalment lies ahead',
    source: SOURCE.BUFFER,
  }),
  feature({
    name: 'falling_balance_months',
    family,
    formula: {
      zh: '自上月起连续月末余额低于前一月末余额的月数',
      en: 'months in a row, from the last full one back, whose closing balance is below that of the month before',
    },
    reading: { zh: '余额持续下降', en: 'the balance falls month after month' },
    unit: 'count',
    inputs: [{ fact: 'falling_balance_months' }],
    missing: 'the closing balance of one of the last two full months is not known (steps of 180 days count)',
    source: SOURCE.SAMA_BALANCE,
  }),
  ...overWindows([30, 90], {
    name: 'overdrawn_count_{d}d',
    family,
    formula: {
      zh: '近{d}天余额为负的交易笔数',
      en: 'transactions in {d} days that left a negative balance',
    },
    reading: { zh: '经常透支', en: 'often overdrawn' },
    unit: 'count',
    inputs: (d) => [transactionCount(TRAIT.OVERDRAWN, d)],
    source: SOURCE.SAMA_INCOME,
  }),
  ...overWindows([30, 90], {
    name: 'failed_debit_count_{d}d',
    family,
    formula: { zh: '近{d}天失败扣款笔数', en: 'failed debits in {d} days' },
    reading: { zh: '扣款失败多', en: 'debits fail' },
    unit: 'count',
    inputs: (d) => [transactionCount(TRAIT.FAILED, d)],
    source: SOURCE.FLOW,
  }),
  feature({
    name: 'penalty_count_90d',
    family,
    formula: {
      zh: '近90天罚息笔数',
      en: 'penalty interest postings in 90 days',
    },
    reading: { zh: '被收罚息', en: 'penalty interest was charged' },
    unit: 'count',
    inputs: [transactionCount(TRAIT.PENALTY, 90)],
    source: SOURCE.FLOW,
  }),
  feature({
    name: 'buffer_days_30d',
    family,
    formula: {
      zh: 'max(最近余额, 0) × 30 ÷ 近30天出账合计',
      en: 'max(latest balance, 0) × 30 / outgoing amount of 30 days',
    },
    reading: { zh: '缓冲充足', en: 'the balance lasts long' },
    unit: 'days',
    inputs: [{ fact: 'balance_last' }, transactionAmount('sum', TRAIT.OUT, 30)],
    compute: (balance, outflow) => (Number.isNaN(balance) ? Number.NaN : ratio(Math.max(balance, 0) * 30, outflow)),
    missing: 'no balance is known or nothing went out',
    source: SOURCE.BUFFER,
  }),
]
