/** Distinct numbers of which there are few, such as a borrower's paying accounts: looked through one by one. */
export class FewNumbers {
  readonly #numbers: number[] = []
  length = 0

  add(number: number): void {
    for (let k = 0; k < this.length; k++) if (this.#numbers[k] === number) return
    this.#numbers[this.length++] = number
  }
}

/** Sorts the first `count` of a few numbers, ascending, where they stand. */
export function sortFew(numbers: Float64Array, count: number): void {
  for (let k = 1; k < count; k++) {
    const number = numbers[k] as number
    let at = k
    while (at > 0 && (numbers[at - 1] as number) > number) {
      numbers[at] = numbers[at - 1] as number
      at--
    }
    numbers[at] = number
  }
}
