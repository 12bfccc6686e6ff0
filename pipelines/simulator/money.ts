export const FEN_PER_YUAN = 100

/** Rounds fen to whole multiples of so many yuan, at least one. */
export function roundTo(amount: number, yuan: number): number {
  const step = yuan * FEN_PER_YUAN
  return Math.max(1, Math.round(amount / step)) * step
}
