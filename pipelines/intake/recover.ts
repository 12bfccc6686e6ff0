import {
  DEFAULT_TENANT_CONFIGURATION,
  type PublishedDefinitions,
  type TenantConfiguration,
} from '../../features/events/contract.ts'
import { restoreData } from '../../features/events/decode.ts'
import { calendarOf, dayOfDate, MS_PER_DAY } from '../../features/time.ts'
import type { Sql } from '../../sql/client.ts'
import {
  type ClosedSlices,
  readClosedSlices,
  readLatestControl,
  readPartitionEnds,
  readRefusedPositions,
  readSourcePositions,
  readTenantTimes,
} from '../../sql/queries/intake-position.ts'
import { readRecentIds } from '../../sql/queries/recent-ids.ts'
import { RECENT_ID_DAYS, sourceKey } from './intake.ts'
import { type IntakePosition, type LogShape } from './items.ts'
import { recall } from './recall.ts'
import { RecentIds } from './recent-ids.ts'
import type { ClockPosition } from './tenant-clock.ts'

/** Where intake goes on, as a function of the log and of what the engine refused of it, all of which the tables must hold. */
export async function recoverIntake(sql: Sql, shape: LogShape): Promise<IntakePosition> {
  const offsets = new Array<number>(shape.partitions).fill(0)
  for (const { partition, offset } of await readPartitionEnds(sql)) offsets[partition] = offset + 1
  const positions = await readSourcePositions(sql)
  const sourcePositions = new Map(positions.map((row) => [sourceKey(row.tenant, row.source_partition), row.position]))
  const times = new Map((await readTenantTimes(sql)).map((row) => [row.tenant, row]))
  const closed = await readClosedSlices(sql)
  const definitions = (await readLatestControl(sql, 'definitions.published'))[0]
  const tenants: IntakePosition['tenants'][number][] = []
  for (const { tenant, data } of await readLatestControl(sql, 'tenant.configured')) {
    const configuration = { ...DEFAULT_TENANT_CONFIGURATION, ...restoreData<TenantConfiguration>(data) }
    const time = times.get(tenant)
    const position: ClockPosition = {
      reached: time?.reached ?? 0,
      largest: time?.largest ?? Number.NEGATIVE_INFINITY,
      since: time?.since ?? 0,
      first: time?.first ?? [],
      is_live: (time?.live ?? 0) > 0,
      ...closingOf(
        closed.find((row) => row.tenant === tenant),
        shape,
      ),
    }
    const recentIds = await recallIds(sql, tenant, configuration, position)
    tenants.push({ tenant, configuration, recentIds, ...position })
  }
  return {
    offsets,
    sourcePositions,
    refusedPositions: await readRefusedAfter(sql, sourcePositions),
    tenants,
    definitions: definitions === undefined ? undefined : restoreData<PublishedDefinitions>(definitions.data),
  }
}

/** Refused positions that lie behind the last one of their source in the log: reading goes through them again. */
async function readRefusedAfter(
  sql: Sql,
  sourcePositions: ReadonlyMap<string, number>,
): Promise<IntakePosition['refusedPositions']> {
  const refused = new Map<string, Map<number, 'decode' | 'intake'>>()
  for (const { tenant, source_partition, position, step } of await readRefusedPositions(sql)) {
    const key = sourceKey(tenant, source_partition)
    if (position <= (sourcePositions.get(key) ?? -1)) continue
    const known = refused.get(key)
    if (known === undefined) refused.set(key, new Map([[position, step]]))
    else known.set(position, step)
  }
  return refused
}

/** The last day whose slices are all closed in all partitions, and how far the day after it is. */
function closingOf(
  last: ClosedSlices | undefined,
  { slices, partitions }: LogShape,
): Pick<ClockPosition, 'closed_day' | 'next_slice' | 'next_partition'> {
  if (last === undefined) return { closed_day: undefined, next_slice: 0, next_partition: 0 }
  const day = dayOfDate(last.date)
  if (last.pieces === slices * partitions) return { closed_day: day, next_slice: 0, next_partition: 0 }
  return {
    closed_day: day - 1,
    next_slice: Math.floor(last.pieces / partitions),
    next_partition: last.pieces % partitions,
  }
}

/** The ids that would be in memory had intake never stopped. */
async function recallIds(
  sql: Sql,
  tenant: string,
  configuration: TenantConfiguration,
  { closed_day }: ClockPosition,
): Promise<RecentIds> {
  const recentIds = new RecentIds()
  const calendar = calendarOf(configuration.zone)
  const firstDay = closed_day === undefined ? Number.NEGATIVE_INFINITY : closed_day - RECENT_ID_DAYS
  // A day early: what is kept is decided below, row by row.
  const since = Number.isFinite(firstDay) ? Math.max(0, (firstDay - 1) * MS_PER_DAY) : 0
  recall(recentIds, calendar, await readRecentIds(sql, tenant, since))
  return recentIds
}
