import type { Unit } from '../../features/catalogue/define.ts'
import { type Band, bandThreshold } from '../bands.ts'
import type { ReasonTemplates } from './define.ts'

/** Decimals of the minor unit where they are not two (ISO 4217). */
const MINOR_DIGITS: Readonly<Record<string, number>> = {
  BHD: 3,
  CLP: 0,
  IQD: 3,
  ISK: 0,
  JOD: 3,
  JPY: 0,
  KRW: 0,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  PYG: 0,
  TND: 3,
  UGX: 0,
  VND: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
}

/** What the model's probability is rendered with. */
export type ReasonUnit = Unit | 'probability'

type Words = { readonly missing: string; readonly days: string; readonly hours: string; readonly months: string }
const WORDS: { readonly zh: Words; readonly en: Words } = {
  zh: { missing: '（暂缺）', days: ' 天', hours: ' 小时', months: ' 个月' },
  en: { missing: '(not available)', days: ' days', hours: ' hours', months: ' months' },
}

export type Language = keyof typeof WORDS

/**
 * A value as people read it, without the runtime's locale data, so that a warning has the same bytes everywhere.
 * NaN (the value has gone missing since) is said in words.
 */
export function renderValue(value: number, unit: ReasonUnit, currency: string, language: Language): string {
  const words = WORDS[language]
  if (Number.isNaN(value)) return words.missing
  switch (unit) {
    case 'minor':
      return `${renderMoney(value, currency)} ${currency}`
    case 'share':
      return `${decimal(value * 100, 1)} %`
    case 'probability':
      return `${decimal(value * 100, 2)} %`
    case 'days':
      return `${decimal(value, 1)}${language === 'en' && value === 1 ? ' day' : words.days}`
    case 'hours':
      return `${decimal(value, 1)}${language === 'en' && value === 1 ? ' hour' : words.hours}`
    case 'months':
      return `${decimal(value, 1)}${language === 'en' && value === 1 ? ' month' : words.months}`
    case 'ratio':
      return decimal(value, 2)
    case 'count':
      return decimal(value, 0)
  }
}

/** Both languages' reason for a value in a band. */
export function renderReason(
  rule: { readonly unit: ReasonUnit; readonly bands: readonly Band[]; readonly reason: ReasonTemplates },
  value: number,
  band: Band,
  currency: string,
): { zh: string; en: string } {
  const threshold = bandThreshold(rule.bands, band)
  const render = (language: Language) =>
    rule.reason[language]
      .replaceAll('{value}', renderValue(value, rule.unit, currency, language))
      .replaceAll('{threshold}', renderValue(threshold, rule.unit, currency, language))
  return { zh: render('zh'), en: render('en') }
}

/** Fixed decimals, with trailing zeros of the fraction dropped and no negative zero. */
function decimal(value: number, digits: number): string {
  const text = value.toFixed(digits)
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  return short === '-0' ? '0' : short
}

function renderMoney(minor: number, currency: string): string {
  const digits = MINOR_DIGITS[currency] ?? 2
  const text = Math.abs(Math.round(minor))
    .toString()
    .padStart(digits + 1, '0')
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ',')
  const sign = minor <= -0.5 ? '-' : ''
  return digits === 0 ? `${sign}${whole}` : `${sign}${whole}.${text.slice(text.length - digits)}`
}
