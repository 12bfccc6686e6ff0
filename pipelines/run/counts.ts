/** Counts of one run, for people. */
export type Counts = {
  events: number
  repeats: number
  dropped_fields: number
  late: number
  warnings: Record<string, number>
  dead_letters: Record<string, number>
}

export function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}
