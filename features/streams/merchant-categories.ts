/**
 * Merchant category codes (ISO 18245) by the reading that the cash-out features give them.
 * A change of a table is a new version of every feature that reads it.
 */
export const MERCHANT_CATEGORIES_VERSION = 1

/** Manual and automated cash disbursement at financial institutions. */
export const WITHDRAWAL_MCCS: ReadonlySet<string> = new Set(['6010', '6011'])

/** Money orders, financial institutions' merchandise, quasi cash, gambling. */
export const QUASI_CASH_MCCS: ReadonlySet<string> = new Set([
  '4829',
  '6050',
  '6051',
  '6540',
  '7800',
  '7801',
  '7802',
  '7995',
])

/** Wholesale, fuel, jewellery, pawn, art, property, schools, hospitals, government: REFERENCE of acquirers' rules. */
export const HIGH_RISK_MERCHANT_MCCS: ReadonlySet<string> = new Set([
  '5013',
  '5065',
  '5072',
  '5094',
  '5511',
  '5541',
  '5542',
  '5571',
  '5933',
  '5944',
  '5971',
  '6513',
  '7631',
  '8211',
  '8220',
  '8062',
  '9399',
])
