import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { featureColumn } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { TenantConfiguration } from '../../features/events/contract.ts'
import { type BorrowerEvent, FeaturePartition } from '../../features/partition.ts'
import { dateOfDay } from '../../features/time.ts'
import type { History } from '../oracle/history.ts'

export const COLUMNS = CATALOGUE.map(featureColumn)

export type EngineEvaluation = {
  readonly offset: number
  readonly time: number
  readonly late_ms: number
  /** In catalogue order; NaN is missing. */
  readonly values: Float64Array
}

const TENANT = 'default'
/** One for all histories: whatever it keeps of a borrower must not show in the next. */
const evaluate = compileCatalogue(CATALOGUE)

/** Runs the feature engine over one borrower's history, in one partition with one slice. */
export function runEngine(
  history: History,
  configuration: TenantConfiguration,
): { evaluations: EngineEvaluation[]; refused: { offset: number; reason: string }[] } {
  const partition = new FeaturePartition(1, 1)
  partition.tenantOf(TENANT).tenant.configure(configuration)
  const evaluations: EngineEvaluation[] = []
  const refused: { offset: number; reason: string }[] = []

  function reportHeld(): void {
    for (const { held, refusal } of partition.heldRefused) refused.push({ offset: held.offset, reason: refusal.reason })
  }

  for (const item of history) {
    if (item.kind === 'tick') {
      partition.close({
        id: 't',
        source: 'foreshock',
        type: 'day.closed',
        version: 1,
        time: 0,
        tenant: TENANT,
        subject: '',
        data: { date: dateOfDay(item.day), slice: 0, slices: 1 },
      })
      reportHeld()
      const group = partition.tenantOf(TENANT)
      const end = group.tenant.calendar.endOfDay(item.day)
      for (const borrower of partition.borrowers) {
        if (borrower.time > end || !borrower.isExposed()) continue
        partition.advance(borrower, end)
        const values = new Float64Array(COLUMNS.length)
        evaluate(borrower, values, 0)
        evaluations.push({ offset: item.offset, time: borrower.time, late_ms: 0, values })
      }
      continue
    }
    const applied = partition.apply(item.event as BorrowerEvent, item.offset)
    reportHeld()
    if (applied.kind === 'refused') refused.push({ offset: item.offset, reason: applied.refusal.reason })
    if (applied.kind !== 'applied') continue
    const values = new Float64Array(COLUMNS.length)
    evaluate(applied.borrower, values, 0)
    const { time } = applied.borrower
    evaluations.push({ offset: item.offset, time, late_ms: time - item.event.time, values })
  }
  return { evaluations, refused }
}
