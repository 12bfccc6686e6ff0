import { TRAIT } from '../streams/transactions.ts'
import { type FeatureDefinition, ratio } from './define.ts'
import { feature, transactionAmount } from './windows.ts'

/** Exposure and environment: what is owed, and what others report of the borrower. */
const family = 'exposure'
const PRACTICE = "lenders' post-loan handbooks: ledger of loans, limit and term"
const HINT = 'ours, after the rule of thumb that a balance should cover 1.5 instalments'
const SAMA = 'SAMA early-warning rules, appendix 1 (instalment to payroll, guarantor default, legal proceeding)'

export const EXPOSURE: readonly FeatureDefinition[] = [
  feature({
    name: 'outstanding_principal',
    family,
    formula: {
      zh: '未结清贷款剩余本金',
      en: 'unpaid principal of the open loans',
    },
    reading: { zh: '余额大', en: 'much is owed' },
    unit: 'minor',
    inputs: [{ fact: 'outstanding_principal' }],
    missing: 'no loan is known',
    source: PRACTICE,
  }),
  feature({
    name: 'overdue_amount',
    family,
    formula: {
      zh: '已到期未还金额',
      en: 'unpaid amount that is due, open loans',
    },
    reading: { zh: '逾期金额大', en: 'much is overdue' },
    unit: 'minor',
    inputs: [{ fact: 'overdue_amount' }],
    missing: 'no loan is known',
    source: PRACTICE,
  }),
  feature({
    name: 'overdue_instalment_count',
    family,
    formula: {
      zh: '已到期未还期数',
      en: 'unpaid instalments that are due, open loans',
    },
    reading: { zh: '逾期期数多', en: 'instalments are overdue' },
    unit: 'count',
    inputs: [{ fact: 'overdue_instalment_count' }],
    missing: 'no loan is known',
    source: PRACTICE,
  }),
  feature({
    name: 'active_loan_count',
    family,
    formula: { zh: '未结清贷款数', en: 'open loans' },
    reading: { zh: '贷款笔数多', en: 'several loans' },
    unit: 'count',
    inputs: [{ fact: 'active_loan_count' }],
    missing: 'no loan is known',
    source: PRACTICE,
  }),
  feature({
    name: 'remaining_instalment_count',
    family,
    formula: {
      zh: '剩余未结清期数',
      en: 'unsettled instalments of the open loans',
    },
    reading: { zh: '剩余期限长', en: 'long to go' },
    unit: 'count',
    inputs: [{ fact: 'remaining_instalment_count' }],
    missing: 'no loan is known',
    source: PRACTICE,
  }),
  feature({
    name: 'months_on_book',
    family,
    formula: {
      zh: '最早未结清贷款的账龄月数',
      en: 'months on book of the oldest open loan',
    },
    reading: { zh: '账龄长', en: 'seasoned' },
    unit: 'months',
    inputs: [{ fact: 'months_on_book' }],
    missing: 'no open loan',
    source: PRACTICE,
  }),
  feature({
    name: 'next_instalment_amount',
    family,
    formula: {
      zh: '下一期未还金额',
      en: 'unpaid total of the next instalment due',
    },
    reading: { zh: '下一期金额大', en: 'a large instalment is next' },
    unit: 'minor',
    inputs: [{ fact: 'next_instalment_amount' }],
    missing: 'no instalment lies ahead',
    source: PRACTICE,
  }),
  feature({
    name: 'next_instalment_cover',
    family,
    formula: {
      zh: '最近余额 ÷ 下一期未还金额',
      en: 'latest balance / unpaid total of the next instalment',
    },
    reading: {
      zh: '余额足够下一期',
      en: 'the balance covers the next instalment',
    },
    unit: 'ratio',
    inputs: [{ fact: 'balance_last' }, { fact: 'next_instalment_amount' }],
    compute: (balance, next) => ratio(balance, next),
    missing: 'no balance is known or no instalment lies ahead',
    source: HINT,
  }),
  feature({
    name: 'instalment_to_inflow_30d',
    family,
    formula: {
      zh: '近30天到期应还 ÷ 近30天入账',
      en: 'instalments due in 30 days / incoming amount of 30 days',
    },
    reading: { zh: '还款负担重', en: 'instalments eat the income' },
    unit: 'ratio',
    inputs: [{ fact: 'scheduled_last_30d' }, transactionAmount('sum', TRAIT.IN, 30)],
    compute: (due, inflow) => ratio(due, inflow),
    missing: 'no loan is known or nothing came in',
    source: SAMA,
  }),
  feature({
    name: 'utilisation',
    family,
    formula: {
      zh: '有额度贷款的剩余本金 ÷ 授信额度',
      en: 'unpaid principal / credit limit, open loans that have one',
    },
    reading: { zh: '额度用尽', en: 'the limit is used up' },
    unit: 'share',
    inputs: [{ fact: 'limited_outstanding' }, { fact: 'limit_total' }],
    compute: (used, limit) => ratio(used, limit),
    missing: 'no open loan has a credit limit',
    source: PRACTICE,
  }),
  feature({
    name: 'restructured_count',
    family,
    formula: { zh: '展期或重组次数', en: 'restructurings and extensions' },
    reading: { zh: '曾展期重组', en: 'was restructured' },
    unit: 'count',
    inputs: [{ fact: 'restructured_count' }],
    missing: 'no loan is known',
    source: PRACTICE,
  }),
  feature({
    name: 'litigation_count_365d',
    family,
    formula: { zh: '近365天诉讼次数', en: 'lawsuits reported in 365 days' },
    reading: { zh: '诉讼多', en: 'lawsuits' },
    unit: 'count',
    inputs: [{ fact: 'litigation_count_365d' }],
    missing: 'never',
    source: SAMA,
  }),
  feature({
    name: 'enforcement_count_365d',
    family,
    formula: {
      zh: '近365天被执行次数',
      en: 'enforcements reported in 365 days',
    },
    reading: { zh: '被执行多', en: 'enforcements' },
    unit: 'count',
    inputs: [{ fact: 'enforcement_count_365d' }],
    missing: 'never',
    source: SAMA,
  }),
  feature({
    name: 'guarantor_default_count_365d',
    family,
    formula: {
      zh: '近365天担保人违约次数',
      en: 'defaults of a guarantor reported in 365 days',
    },
    reading: { zh: '担保人违约多', en: 'defaults of a guarantor' },
    unit: 'count',
    inputs: [{ fact: 'guarantor_default_count_365d' }],
    missing: 'never',
    source: SAMA,
  }),
]
