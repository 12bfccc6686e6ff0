import { ClassificationRules } from '../classification/rules.ts'
import { DEFAULT_TENANT_CONFIGURATION, type TenantConfiguration } from '../events/contract.ts'
import { type Calendar, calendarOf } from '../time.ts'
import { IndexSeries } from './indices.ts'

/** What a partition knows of a tenant: its settings as the log gives them, its calendar, the indices received. */
export class Tenant {
  readonly name: string
  readonly indices = new IndexSeries()
  configuration: TenantConfiguration = DEFAULT_TENANT_CONFIGURATION
  calendar: Calendar = calendarOf(DEFAULT_TENANT_CONFIGURATION.zone)
  classification = new ClassificationRules(undefined)

  constructor(name: string) {
    this.name = name
  }

  configure(configuration: TenantConfiguration): void {
    this.configuration = configuration
    this.calendar = calendarOf(configuration.zone)
    this.classification = new ClassificationRules(configuration.classification)
  }

  /** DPD of a raw number of days past due: 0 within grace, after it counted as configured. */
  daysPastDue(rawDays: number): number {
    const { grace_days, grace_counts } = this.configuration
    if (rawDays <= grace_days) return 0
    return grace_counts === 'after_grace' ? rawDays - grace_days : rawDays
  }

  /** Delinquency bucket of a DPD: current, M1, M2 …; the last is open upwards and ends in +. */
  bucket(daysPastDue: number): string {
    const { buckets } = this.configuration
    let k = 0
    while (k < buckets.length && daysPastDue >= (buckets[k] as number)) k++
    if (k === 0) return 'current'
    return k === buckets.length ? `M${k}+` : `M${k}`
  }
}
