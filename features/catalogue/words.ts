import type { Formula } from './define.ts'

/** The words of the formulas, with what each means exactly: a formula in one line rests on them. */
export const WORDS: readonly { readonly term: Formula; readonly meaning: Formula }[] = [
  {
    term: { en: 'T, today', zh: 'T、今日' },
    meaning: {
      en: "time of the evaluation: the largest event time the borrower has seen, or the end of the day that a tick closes; its business date in the tenant's zone",
      zh: '评估时刻：该借款人已见的最大事件时间，或日终关闭的日末；及其在租户时区的营业日期',
    },
  },
  {
    term: { en: 'in w days', zh: '近w天' },
    meaning: {
      en: 'of transactions and repayments with T − w × 24 h < time ≤ T; of queries the same, with R for T',
      zh: '交易与还款：T − w × 24小时 < 时间 ≤ T；查询以 R 代 T',
    },
  },
  {
    term: { en: 'R, the report date', zh: 'R、报告日' },
    meaning: {
      en: 'the end of the latest report date that a query stated, at most T; T where none states one',
      zh: '查询所注明最晚报告日的日终，不晚于T；均未注明则为T',
    },
  },
  {
    term: { en: 'incoming, outgoing', zh: '入账、出账' },
    meaning: {
      en: 'by `direction`; a transaction of category `failed_debit` is neither',
      zh: '按 direction；category 为 failed_debit 者两者皆非',
    },
  },
  {
    term: { en: 'party, payer', zh: '对手、付款人' },
    meaning: { en: 'the merchant, or else the counterparty', zh: '商户，无则为对手方' },
  },
  {
    term: { en: 'salary', zh: '工资类入账' },
    meaning: {
      en: 'incoming of category `salary`, `pension` or `benefit`, or of counterparty kind `employer`',
      zh: '入账且 category 为 salary、pension、benefit，或对手方类型为 employer',
    },
  },
  {
    term: { en: 'card payment, from a credit account', zh: '刷卡、信用账户刷卡' },
    meaning: {
      en: 'outgoing with a merchant; with account kind `credit`',
      zh: '有商户的出账；且账户类型为 credit',
    },
  },
  {
    term: { en: 'withdrawal', zh: '取现' },
    meaning: {
      en: 'outgoing of category `cash_withdrawal`, channel `atm` or a withdrawal merchant category',
      zh: '出账且 category 为 cash_withdrawal、渠道为 atm 或取现商户类别',
    },
  },
  {
    term: { en: 'to securities, property, a lender, own accounts', zh: '流向证券、房产、放贷机构、本人账户' },
    meaning: {
      en: 'outgoing by counterparty kind, the first two also by category, a lender also by category `loan_payment`',
      zh: '按对手方类型的出账；前两者也按 category，放贷机构也按 loan_payment',
    },
  },
  {
    term: { en: 'from another lender', zh: '他机构放款入账' },
    meaning: {
      en: "incoming of counterparty kind `lender` or category `loan_proceeds`, not from the tenant's own institution",
      zh: '入账且对手方类型为 lender 或 category 为 loan_proceeds，对手方非本机构',
    },
  },
  {
    term: { en: 'dates of a payer or of the salary', zh: '付款人（工资）的日期' },
    meaning: {
      en: 'distinct business dates of the receipts of 180 days, amounts of one date summed; of more than 6 the last 6',
      zh: '近180天入账的不同营业日期，同日金额相加；超过6个取最近6个',
    },
  },
  {
    term: { en: 'closing balance', zh: '日终余额' },
    meaning: {
      en: 'the balance that the last transaction of 180 days up to the end of that date stated',
      zh: '180天内截至该日的最后一笔注明余额的交易所述余额',
    },
  },
  {
    term: { en: 'first in first out', zh: '先进先出' },
    meaning: {
      en: 'receipt: from a lender, the principal, within 3 days of disbursement; payments of that account use up the balance before it first, then the loan',
      zh: '到账指放款后3天内金额等于本金的放贷机构入账；该账户出账先用原有余额，再用贷款',
    },
  },
  {
    term: { en: 'hard query', zh: '硬查询' },
    meaning: {
      en: 'by its reason (table below), not of the own institution, the first of that institution on its date',
      zh: '按查询原因（见下表），非本机构，同一机构一天只计首次',
    },
  },
  {
    term: { en: 'newest loan', zh: '最近一笔贷款' },
    meaning: {
      en: 'the one disbursed last by T; of equal ones the later in the log',
      zh: 'T前最后放款的贷款；相同者取日志中靠后的',
    },
  },
  {
    term: { en: 'settled, days late', zh: '结清、迟还天数' },
    meaning: {
      en: 'an instalment is settled on the value date that paid the rest of it; days late = that date − due date',
      zh: '分期付清余额的起息日为结清日；迟还天数 = 结清日 − 到期日',
    },
  },
  {
    term: { en: 'median', zh: '中位数' },
    meaning: { en: 'the middle value, or (a + b) / 2 of the two middle ones', zh: '居中值；偶数个取中间两值的平均' },
  },
]
