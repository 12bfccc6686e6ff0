/**
 * What the gateway is told to do wrong. `refuse`: nobody listens. `delay`: a statement waits before it runs.
 * `drop_answer`: the statement runs, then the connection breaks without an answer. `status_500`: a proxy's page, nothing
 * was run. `half_answer`: the statement runs and half of its answer comes. `cut_request`: the connection breaks in the midst
 * of the block. `disk_full`: ClickHouse's own refusal, code 243.
 */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'delay'; readonly ms: number; readonly times?: number }
  | {
      readonly kind: 'drop_answer' | 'status_500' | 'half_answer' | 'cut_request' | 'disk_full'
      /** After so many statements the fault is over; without it only another command ends it. */
      readonly times?: number
    }

/** A message that the gateway takes; it answers each with `ok`. */
export type Command = { readonly fault: Fault }

/** The fault that is on. */
export type Switch = {
  set(fault: Fault): void
  /** The fault for one more statement. */
  next(): Fault
}

const NONE: Fault = { kind: 'none' }

export function createSwitch(): Switch {
  let current: Fault = NONE
  let left = 0
  return {
    set(fault) {
      current = fault
      left = 'times' in fault ? (fault.times ?? Infinity) : Infinity
    },
    next() {
      if (left <= 0) return NONE
      left--
      return current
    },
  }
}
