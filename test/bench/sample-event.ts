/** A transaction of about 250 bytes, as the simulator writes them. */
export function simulateLine(): string {
  return JSON.stringify({
    id: 'b000012-000345',
    source: 'sim/core-banking',
    type: 'transaction.posted',
    time: 1_704_067_200_000,
    subject: 'b-000012',
    data: {
      account: 'a-000012',
      direction: 'out',
      currency: 'CNY',
      amount_minor: 12_340,
      balance_after_minor: 456_789,
      merchant: 'm-0001234',
      mcc: '5411',
      category: 'groceries',
    },
  })
}
