/** One thing after the other, in the order of the calls. */
export type SerialQueue = {
  /** Runs `work` when all before it is done, whether that succeeded or not. */
  exclusive<Result>(work: () => Promise<Result>): Promise<Result>
  /** Waits for its turn, and keeps it until the function that it gives is called. */
  hold(): Promise<() => void>
  /** Refuses from now on, and waits for what was asked before. False when it was closed already. */
  close(): Promise<boolean>
}

export function createSerialQueue(): SerialQueue {
  let tail: Promise<unknown> = Promise.resolve()
  let isClosed = false

  function exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    if (isClosed) return Promise.reject(new Error('the session is closed'))
    const result = tail.then(work)
    tail = result.then(ignore, ignore)
    return result
  }

  return {
    exclusive,
    async hold() {
      const turn = Promise.withResolvers<void>()
      const held = Promise.withResolvers<void>()
      const done = exclusive(() => {
        turn.resolve()
        return held.promise
      })
      await Promise.race([turn.promise, done])
      return held.resolve
    },
    async close() {
      if (isClosed) return false
      isClosed = true
      await tail
      return true
    },
  }
}

function ignore(): void {}
