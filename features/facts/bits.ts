/**
 * 1 where `traits` have the one bit `trait`, else 0: to count or to multiply with. What a row is follows no pattern, and a
 * branch on it is foreseen wrong every few rows, each time at the price of several rows.
 */
export function bitOf(traits: number, trait: number): number {
  return (traits >>> (31 - Math.clz32(trait))) & 1
}
