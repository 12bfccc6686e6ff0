import { expect, it } from 'vitest'
import {
  BYTES_IN_FLIGHT_MAX,
  BYTES_IN_FLIGHT_PER_TENANT_MAX,
  createBytesInFlight,
} from '../../../api/events/bytes-in-flight.ts'

it('bodies in memory are bounded per tenant and in all, and room comes back once', () => {
  const inFlight = createBytesInFlight()
  const bank = inFlight.take('bank', BYTES_IN_FLIGHT_PER_TENANT_MAX)
  expect(bank).toBeDefined()
  expect(inFlight.take('bank', 1)).toBeUndefined()
  expect(inFlight.take('lender', BYTES_IN_FLIGHT_PER_TENANT_MAX)).toBeDefined()
  expect(inFlight.take('third', BYTES_IN_FLIGHT_MAX - 2 * BYTES_IN_FLIGHT_PER_TENANT_MAX + 1)).toBeUndefined()
  bank?.()
  bank?.()
  expect(inFlight.take('third', BYTES_IN_FLIGHT_PER_TENANT_MAX)).toBeDefined()
  expect(inFlight.take('bank', 1)).toBeUndefined()
})
