const LINES = 4096

/** Transactions of 250 bytes with the simulator's fields, each another text, as a source hands them over. */
export function sampleLines(): string[] {
  return Array.from({ length: LINES }, (_, i) =>
    JSON.stringify({
      id: `b${padded(i * 31)}-${padded(i * 7)}`,
      source: 'sim/banking',
      type: 'transaction.posted',
      time: 1_704_067_200_000 + i * 97_711,
      subject: `b-${padded(i * 31)}`,
      data: {
        account: `a-${padded(i * 31)}`,
        direction: 'out',
        currency: 'CNY',
        amount_minor: 10_000 + i * 17,
        balance_after_minor: 456_789 - i * 11,
        merchant: `m-${padded(i)}`,
        mcc: '5411',
      },
    }),
  )
}

function padded(value: number): string {
  return String(value).padStart(6, '0')
}
