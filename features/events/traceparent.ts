/** W3C trace context, as far as foreshock carries it: from an event's input to the log line of the warning it made. */

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** A `traceparent` as it came, undefined where it is none: a wrong one is ignored, as the standard wants it. */
export function validTraceparent(text: unknown): string | undefined {
  return typeof text === 'string' && TRACEPARENT.test(text) ? text : undefined
}

/** The trace that a valid `traceparent` belongs to. */
export function traceIdOf(traceparent: string): string {
  return TRACEPARENT.exec(traceparent)?.[1] ?? ''
}
