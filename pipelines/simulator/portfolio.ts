import { cumulate, mix32, Random } from './random.ts'

/** What the lender sells, where and to whom: the fixed part of the simulated portfolio. */

export const CURRENCY = 'CNY'
/** The lender's own token, in repayments, queries and `tenant.configured`. */
export const OWN_INSTITUTION = 'own-lender'

export type Product = {
  readonly name: string
  readonly share: number
  readonly terms: readonly number[]
  /** Principal as a multiple of monthly income. */
  readonly incomes_low: number
  readonly incomes_high: number
  /** Yearly rate, on the principal (`flat`) or on what is left of it. */
  readonly annual_rate: number
  readonly flat: boolean
  /** Fee of each instalment as a share of the principal. */
  readonly fee_share: number
  /** Does the money reach the borrower's account (else it goes to the seller)? */
  readonly paid_out: boolean
  /** Does the platform state how each payment was split? */
  readonly splits_payments: boolean
  readonly purposes: readonly string[]
  readonly collateral: string
  readonly line: boolean
  /** Weights over `CHANNELS`. */
  readonly channels: readonly number[]
  /** Multiplier of the hazard of trouble. */
  readonly risk: number
}

export const CHANNELS: readonly { readonly name: string; readonly risk: number }[] = [
  { name: 'app', risk: 1 },
  { name: 'partner', risk: 1.3 },
  { name: 'branch', risk: 0.75 },
  { name: 'dealer', risk: 0.9 },
]

export const PRODUCTS: readonly Product[] = [
  {
    name: 'cash_instalment',
    share: 0.42,
    terms: [6, 12, 12, 18, 24],
    incomes_low: 0.8,
    incomes_high: 3.2,
    annual_rate: 0.144,
    flat: true,
    fee_share: 0,
    paid_out: true,
    splits_payments: false,
    purposes: ['decoration', 'travel', 'education', 'daily_consumption', 'medical'],
    collateral: '',
    line: false,
    channels: cumulate([5, 3, 2, 0]),
    risk: 1.1,
  },
  {
    name: 'consumer_purchase',
    share: 0.25,
    terms: [6, 9, 12, 12],
    incomes_low: 0.4,
    incomes_high: 1.4,
    annual_rate: 0.09,
    flat: true,
    fee_share: 0.003,
    paid_out: false,
    splits_payments: false,
    purposes: ['phone', 'appliance', 'furniture', 'course'],
    collateral: '',
    line: false,
    channels: cumulate([4, 5, 0, 1]),
    risk: 0.9,
  },
  {
    name: 'car_instalment',
    share: 0.13,
    terms: [24, 36, 36],
    incomes_low: 5,
    incomes_high: 10,
    annual_rate: 0.066,
    flat: false,
    fee_share: 0,
    paid_out: false,
    splits_payments: true,
    purposes: ['car'],
    collateral: 'vehicle',
    line: false,
    channels: cumulate([0, 1, 2, 7]),
    risk: 0.75,
  },
  {
    name: 'credit_line',
    share: 0.2,
    terms: [6, 6, 12, 12],
    incomes_low: 0.4,
    incomes_high: 1.8,
    annual_rate: 0.156,
    flat: false,
    fee_share: 0,
    paid_out: true,
    splits_payments: false,
    purposes: ['daily_consumption', 'turnover'],
    collateral: '',
    line: true,
    channels: cumulate([8, 2, 0, 0]),
    risk: 1.1,
  },
]
export const PRODUCT_SHARES = cumulate(PRODUCTS.map((product) => product.share))

/** Regions with their share, the level of incomes and how much the economy's swing moves them. */
export const REGIONS: readonly { name: string; share: number; income: number; swing: number }[] = [
  { name: 'shanghai', share: 0.12, income: 1.4, swing: 0.7 },
  { name: 'guangdong', share: 0.22, income: 1.15, swing: 1.1 },
  { name: 'zhejiang', share: 0.14, income: 1.15, swing: 0.9 },
  { name: 'sichuan', share: 0.16, income: 0.9, swing: 1 },
  { name: 'henan', share: 0.2, income: 0.8, swing: 1.2 },
  { name: 'liaoning', share: 0.16, income: 0.85, swing: 1.4 },
]
export const REGION_SHARES = cumulate(REGIONS.map((region) => region.share))

/** Industries of business borrowers: how much the economy moves them, and how many months behind it they are. */
export const INDUSTRIES: readonly { name: string; swing: number; lag: number }[] = [
  { name: 'manufacturing', swing: 1.2, lag: 0 },
  { name: 'construction', swing: 2, lag: 6 },
  { name: 'retail', swing: 1, lag: 3 },
  { name: 'logistics', swing: 1.3, lag: 1 },
  { name: 'catering', swing: 1.6, lag: 10 },
  { name: 'software', swing: 0.8, lag: 15 },
  { name: 'education', swing: 0.6, lag: 20 },
  { name: 'health', swing: 0.4, lag: 24 },
]

/** Other institutions: token, type, weight among queries, and whether they lend by night. */
export const LENDERS: readonly { token: string; type: string; share: number; nightly: boolean }[] = [
  ...Array.from({ length: 10 }, (_, i) => ({ token: `i-bank-${i}`, type: 'bank', share: 3, nightly: false })),
  ...Array.from({ length: 8 }, (_, i) => ({
    token: `i-consumer-${i}`,
    type: 'consumer_finance',
    share: 3,
    nightly: false,
  })),
  ...Array.from({ length: 8 }, (_, i) => ({ token: `i-online-${i}`, type: 'online', share: 2, nightly: true })),
  ...Array.from({ length: 8 }, (_, i) => ({ token: `i-micro-${i}`, type: 'microloan', share: 1.5, nightly: true })),
  { token: 'i-consolidation-0', type: 'debt_consolidation', share: 1, nightly: false },
  { token: 'i-other-0', type: 'other', share: 1, nightly: false },
]
export const CONSOLIDATOR = LENDERS.findIndex((lender) => lender.type === 'debt_consolidation')
export const LENDER_SHARES = cumulate(LENDERS.map((lender) => lender.share))
/** For borrowers under strain banks are out of reach, and the fast lenders come in. */
export const FAST_LENDER_SHARES = cumulate(
  LENDERS.map((lender) =>
    lender.nightly ? lender.share * 3 : lender.type === 'bank' ? lender.share / 2 : lender.share,
  ),
)

/** Quality of an origination cohort: a multiplier of the hazard of trouble, one per quarter. */
export function cohortRisk(seed: number, month: number): number {
  const quarter = Math.floor(month / 3)
  const noise = (mix32(quarter, mix32(seed | 0, 0x51ed)) >>> 0) / 0x1_0000_0000
  // One quarter in four is a campaign that took whoever came.
  return noise < 0.25 ? 1.45 : 0.75 + 0.45 * noise
}

const SWING = 0.12
const SWING_MONTHS = 30

/** The economy's swing in a month around 1: a slow wave and noise. Multiplies the hazards of trouble. */
export function economy(seed: number, month: number): number {
  const at = (((month % SWING_MONTHS) + SWING_MONTHS) % SWING_MONTHS) / SWING_MONTHS
  // A triangle wave, for a sine is not the same on every machine.
  const wave = at < 0.5 ? 4 * at - 1 : 3 - 4 * at
  const random = new Random(seed, mix32(month, 0x0ec0))
  return 1 + SWING * wave + 0.05 * random.normal()
}

/** How hard the times are for an industry in a month: above 0 when worse than usual. */
export function industryHardship(seed: number, month: number, industry: number): number {
  const { swing, lag } = INDUSTRIES[industry]!
  return swing * (economy(seed, month - lag) - 1)
}
