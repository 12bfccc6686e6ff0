/** Lets one piece of work run after the other, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Resolves when all that was asked for so far is done, well or badly. */
  get done(): Promise<unknown> {
    return this.#last
  }

  /** Runs `work` when its turn comes and gives what it gives; a failure is the caller's, the next one runs all the same. */
  take<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }
}
