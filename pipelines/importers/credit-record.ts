import { parseMap, type TapeMap } from '../../sql/tapes/map.ts'

export const CREDIT_RECORD = 'credit-record'
export const CREDIT_RECORD_ANCHOR = '2020-12'

/**
 * How to read the credit record of card clients (`ID, MONTHS_BALANCE, STATUS`): a row per client and month, counted back from
 * the month of the extract. A status means its lower days past due; X (no balance) and C (paid off) are buckets of their own:
 * observed, and not late. There are no balances.
 */
export function creditRecordMap(anchor: string): { ok: true; map: TapeMap } | { ok: false; detail: string } {
  return parseMap({
    dataset: CREDIT_RECORD,
    // The client is the loan here: the data tell no cards apart.
    columns: { loan: 'ID', borrower: 'ID', month: 'MONTHS_BALANCE', status: 'STATUS' },
    month_format: 'months_back',
    anchor,
    codes: {
      X: { bucket: 'X', dpd: 0 },
      C: { bucket: 'C', dpd: 0 },
      '0': { bucket: '1-29' },
      '1': { bucket: '30-59' },
      '2': { bucket: '60-89' },
      '3': { bucket: '90-119' },
      '4': { bucket: '120-149' },
      '5': { bucket: '150+' },
    },
    buckets: [
      { name: 'X' },
      { name: 'C' },
      { name: '1-29', from_dpd: 1 },
      { name: '30-59', from_dpd: 30 },
      { name: '60-89', from_dpd: 60 },
      { name: '90-119', from_dpd: 90 },
      { name: '120-149', from_dpd: 120 },
      { name: '150+', from_dpd: 150 },
    ],
  })
}
