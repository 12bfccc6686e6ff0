import type { KafkaRecord, NewRecord } from '../kafka/port.ts'
import { headerText } from './headers.ts'
import type { RefusedRecord } from './source-reader.ts'

/** How a refused record lies in `<topic>.dead`: as it came, and in headers of ours why it is there. */

const HEADERS = {
  step: 'foreshock_step',
  reason: 'foreshock_reason',
  detail: 'foreshock_detail',
  place: 'foreshock_place',
  tenant: 'foreshock_tenant',
} as const

export function deadRecord({ record, tenant, step, reason, detail, source_partition }: RefusedRecord): NewRecord {
  return {
    partition: 0,
    key: record.key,
    value: record.value,
    timestampMs: record.timestampMs,
    headers: {
      ...record.headers,
      [HEADERS.step]: step,
      [HEADERS.reason]: reason,
      [HEADERS.detail]: detail,
      [HEADERS.place]: `${source_partition}/${record.offset}`,
      [HEADERS.tenant]: tenant,
    },
  }
}

/** The refused record again, with its own offset; undefined for a record that intake did not put there. */
export function readDeadRecord(dead: KafkaRecord): RefusedRecord | undefined {
  const place = /^(kafka\/.+)\/(\d+)$/.exec(headerText(dead.headers, HEADERS.place) ?? '')
  const step = headerText(dead.headers, HEADERS.step)
  if (place === null || (step !== 'decode' && step !== 'intake')) return undefined
  const ours: ReadonlySet<string> = new Set(Object.values(HEADERS))
  const headers = Object.fromEntries(Object.entries(dead.headers).filter(([name]) => !ours.has(name)))
  return {
    record: { ...dead, headers, offset: Number(place[2]) },
    tenant: headerText(dead.headers, HEADERS.tenant) ?? '',
    step,
    reason: headerText(dead.headers, HEADERS.reason) ?? '',
    detail: headerText(dead.headers, HEADERS.detail) ?? '',
    source_partition: place[1] as string,
  }
}
