/** The number of the empty word. */
export const NO_NAME = 0

/** Words that many loans share (products, regions, purposes …), each kept once and named by a number. 0 is the empty one. */
export class Names {
  readonly texts: string[] = ['']
  readonly #numbers = new Map<string, number>([['', 0]])

  numberOf(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.texts.length
      this.texts.push(text)
      this.#numbers.set(text, number)
    }
    return number
  }

  textOf(number: number): string {
    return this.texts[number] as string
  }
}
