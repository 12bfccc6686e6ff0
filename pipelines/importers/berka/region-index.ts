import { label } from '../../../features/events/fields.ts'
import { dayOfDate } from '../../../features/time.ts'
import type { AscTable } from './asc.ts'
import type { DISTRICT_COLUMNS } from './loans.ts'

/**
 * The one thing about the times that the data has: the unemployment of each district in 1995 and 1996. A year's rate is
 * known when the year is over, so it is reported on the next new year's day.
 */

const RATES = [
  { column: 'A12', reported_day: dayOfDate('1996-01-01') },
  { column: 'A13', reported_day: dayOfDate('1997-01-01') },
] as const
/** How the table writes that a figure is not known. */
const UNKNOWN = '?'

export type RegionIndex = { readonly region: string; readonly reported_day: number; readonly value: number }

/**
 * 100 less the unemployment rate in per cent, so that it falls when times get worse: the mean of a region's districts by
 * inhabitants, to two places, in order of the day and then of the region's first district. A district without the rate
 * is left out of the mean.
 */
export function readRegionIndices(districts: AscTable<(typeof DISTRICT_COLUMNS)[number]>): RegionIndex[] {
  const indices: RegionIndex[] = []
  for (const { column, reported_day } of RATES) {
    const sums = new Map<string, { people: number; unemployed: number }>()
    for (const row of districts.rows) {
      const { A3: region, A4: inhabitants } = row.fields
      const text = row.fields[column]
      // A district with a bad region is refused where the loans' regions are read.
      if (text === UNKNOWN || !label.safeParse(region).success) continue
      if (!/^\d{1,2}(\.\d{1,4})?$/.test(text) || !/^[1-9]\d{0,8}$/.test(inhabitants)) {
        districts.refuse(row, 'bad_rate')
        continue
      }
      const sum = sums.get(region) ?? { people: 0, unemployed: 0 }
      sum.people += Number(inhabitants)
      sum.unemployed += Number(inhabitants) * Number(text)
      sums.set(region, sum)
    }
    for (const [region, { people, unemployed }] of sums) {
      indices.push({ region, reported_day, value: Math.round((100 - unemployed / people) * 100) / 100 })
    }
  }
  return indices
}
