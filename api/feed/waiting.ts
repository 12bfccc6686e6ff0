import type { Feed } from '../dependencies.ts'

/** Long polls and streams that one tenant may hold open at a time. */
export const WATCHES_PER_TENANT_MAX = 200

/** One reader that waits for rows. `reset` before reading, `next` after: a row in between ends `next` at once. */
export type Watch = {
  readonly reset: () => void
  readonly next: (timeout_ms: number) => Promise<'rows' | 'timeout' | 'ended'>
  /** Ends the watch and a `next` under way; to be called exactly when the reader goes. */
  readonly end: () => void
}

/** Wakes the readers of a tenant when it has new rows. */
export type Waiting = {
  /** Undefined when the tenant has as many as it may have. */
  watch(tenant: string): Watch | undefined
  /** Ends all watches, now and from now on: the process is about to stop. */
  stop(): void
  /** Number of watches that are open. */
  open(): number
}

export function createWaiting(feed: Feed): Waiting {
  const watches = new Map<string, Set<{ wake: () => void; end: () => void }>>()
  let stopped = false
  const unsubscribe = feed.onRows((tenant) => {
    for (const one of watches.get(tenant) ?? []) one.wake()
  })

  const open = (tenant: string): Watch | undefined => {
    const others = watches.get(tenant) ?? new Set()
    if (others.size >= WATCHES_PER_TENANT_MAX) return undefined
    const watch = createWatch(() => {
      others.delete(member)
      if (others.size === 0) watches.delete(tenant)
    })
    const member = { wake: watch.wake, end: watch.end }
    others.add(member)
    watches.set(tenant, others)
    if (stopped) watch.end()
    return watch
  }

  return {
    watch: open,
    stop: () => {
      stopped = true
      unsubscribe()
      // A Map and a Set may lose members while they are walked; each is visited once.
      for (const members of watches.values()) for (const one of members) one.end()
    },
    open: () => [...watches.values()].reduce((sum, members) => sum + members.size, 0),
  }
}

function createWatch(onEnd: () => void): Watch & { readonly wake: () => void } {
  let changed = false
  let ended = false
  let settle: (() => void) | undefined
  return {
    reset: () => {
      changed = false
    },
    wake: () => {
      changed = true
      settle?.()
    },
    end: () => {
      if (ended) return
      ended = true
      settle?.()
      onEnd()
    },
    next: async (timeout_ms) => {
      if (!changed && !ended) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeout_ms)
          settle = () => {
            clearTimeout(timer)
            resolve()
          }
        })
        settle = undefined
      }
      if (ended) return 'ended'
      return changed ? 'rows' : 'timeout'
    },
  }
}
