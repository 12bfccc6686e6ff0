import { describe, expect, test } from 'vitest'
import { dateOfDay } from '../../../../features/time.ts'
import { isId, parseDay, parseMinor } from '../../../../pipelines/importers/berka/asc.ts'
import { counterpartyOf, mapMovement } from '../../../../pipelines/importers/berka/mapping.ts'

describe('what a row is mapped to', () => {
  test.each([
    ['PRIJEM', 'VKLAD', '', 'in cash_deposit - branch'],
    ['VYDAJ', 'VYBER', '', 'out cash_withdrawal - branch'],
    ['VYBER', 'VYBER', '', 'out cash_withdrawal - branch'],
    ['VYDAJ', 'VYBER', ' ', 'out cash_withdrawal - branch'],
    ['VYDAJ', 'VYBER KARTOU', '', 'out cash_withdrawal - atm'],
    ['VYDAJ', 'VYBER', 'SLUZBY', 'out fee bank -'],
    ['VYDAJ', 'VYBER', 'SANKC. UROK', 'out penalty_interest bank -'],
    ['VYDAJ', 'VYBER', 'SIPO', 'out household utility branch'],
    ['PRIJEM', '', 'UROK', 'in interest bank -'],
    ['PRIJEM', 'PREVOD Z UCTU', '', 'in transfer - transfer'],
    ['PRIJEM', 'PREVOD Z UCTU', 'DUCHOD', 'in pension government transfer'],
    ['VYDAJ', 'PREVOD NA UCET', ' ', 'out transfer - transfer'],
    ['VYDAJ', 'PREVOD NA UCET', 'SIPO', 'out household utility transfer'],
    ['VYDAJ', 'PREVOD NA UCET', 'POJISTNE', 'out insurance insurance transfer'],
    ['VYDAJ', 'PREVOD NA UCET', 'UVER', 'out loan_payment lender transfer'],
  ])('%s / %s / %s is %s', (type, operation, symbol, expected) => {
    const movement = mapMovement(type, operation, symbol)
    if (!movement.ok) throw new Error(movement.reason)
    const { direction, category, counterparty_kind, channel } = movement
    expect(`${direction} ${category} ${counterparty_kind ?? '-'} ${channel ?? '-'}`).toBe(expected)
  })

  test('the other side is its bank and account, or nobody', () => {
    expect(counterpartyOf('YZ', '87144583')).toBe('YZ-87144583')
    expect(counterpartyOf('', '0')).toBeUndefined()
    expect(counterpartyOf('', '')).toBeUndefined()
    expect(counterpartyOf('', '123')).toBe('123')
  })
})

describe('fields', () => {
  test('amounts are read to the haléř, without floating point', () => {
    expect(['700.00', '14.60', '0.1', '5', '-2994.60', '-0.00', '100000000000.00'].map(parseMinor)).toEqual([
      70_000, 1460, 10, 500, -299_460, 0, 10_000_000_000_000,
    ])
    for (const text of ['', '.5', '5.', '1.234', '1,5', '1e3', 'NaN', '+1', ' 1', '100000000000.01', '9'.repeat(30)]) {
      expect(parseMinor(text)).toBeUndefined()
    }
  })

  test('dates are of the 20th century and exist', () => {
    expect(dateOfDay(parseDay('960229')!)).toBe('1996-02-29')
    expect(dateOfDay(parseDay('700101')!)).toBe('1970-01-01')
    for (const text of ['950229', '951301', '691231', '9501', '95010a', '']) expect(parseDay(text)).toBeUndefined()
  })

  test('identifiers are digits', () => {
    expect(['1', '695247'].every(isId)).toBe(true)
    expect(['', '-1', '1.0', '1 ', '9'.repeat(16)].some(isId)).toBe(false)
  })
})
