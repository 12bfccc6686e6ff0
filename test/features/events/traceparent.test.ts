import { expect, it } from 'vitest'
import { traceIdOf, validTraceparent } from '../../../features/events/traceparent.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

it('a traceparent is taken as the standard writes it', () => {
  for (const text of [`00-${TRACE}-${PARENT}-01`, `cc-${TRACE}-${PARENT}-00`]) {
    expect(validTraceparent(text)).toBe(text)
    expect(traceIdOf(text)).toBe(TRACE)
  }
})

it('what is none is none', () => {
  const wrong = [
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    ` 00-${TRACE}-${PARENT}-01`,
    '',
    undefined,
    7,
  ]
  for (const text of wrong) expect(validTraceparent(text)).toBeUndefined()
})
