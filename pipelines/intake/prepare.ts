import { EVENT_VERSION, type Event, type EventOf } from '../../features/events/contract.ts'
import { canonicalData, type Decoded } from '../../features/events/decode.ts'
import { hash64Joined } from '../../features/hash.ts'

/** Source of the records that foreshock makes itself. */
export const OWN_SOURCE = 'foreshock'
/** Own records need no hashes: nobody sends them twice. */
export const NO_HASHES = new Uint32Array(4)

/** What is computed once of an event: its canonical data, and the hashes of its identity and of its content. */
export type Prepared = { readonly data: string; readonly hashes: Uint32Array }

const NOTHING_PREPARED: Prepared = { data: '', hashes: NO_HASHES }

export function prepare(decoded: Decoded): Prepared {
  if (!decoded.ok) return NOTHING_PREPARED
  const { event } = decoded
  const data = canonicalData(event)
  const hashes = new Uint32Array(4)
  hash64Joined([event.tenant, event.source, event.id], hashes, 0)
  hash64Joined([event.type, event.subject, String(event.time), data], hashes, 2)
  return { data, hashes }
}

/** The hash of an event's identity: high, low. */
export function identityHashes({ tenant, source, id }: Pick<Event, 'tenant' | 'source' | 'id'>): Uint32Array {
  const hashes = new Uint32Array(2)
  hash64Joined([tenant, source, id], hashes, 0)
  return hashes
}

/** A record that foreshock makes itself. */
export function controlEvent<Type extends 'day.closed' | 'tenant.configured' | 'definitions.published'>(
  type: Type,
  id: string,
  tenant: string,
  time: number,
  data: EventOf<Type>['data'],
): Event {
  return { id, source: OWN_SOURCE, type, version: EVENT_VERSION, time, tenant, subject: '', data } as unknown as Event
}
