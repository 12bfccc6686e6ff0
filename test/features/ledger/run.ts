import type { EventOf, TenantConfiguration } from '../../../features/events/contract.ts'
import type { Refusal } from '../../../features/ledger/apply.ts'
import { type BorrowerEvent, FeaturePartition } from '../../../features/partition.ts'
import { dateOfDay, lastDayOfMonth, monthOfDay } from '../../../features/time.ts'
import { BorrowerSet } from '../../../pipelines/engine/borrower-set.ts'
import { closeLoans, restateLoans } from '../../../pipelines/engine/close-loans.ts'
import type { LoanDayRow, LoanMonthRow, LoanMovementRow } from '../../../pipelines/engine/loan-rows.ts'
import { DISCARD, type Place } from '../../../pipelines/engine/outputs.ts'
import type { PartitionState } from '../../../pipelines/engine/partition-state.ts'
import { closeSlice, isSwept } from '../../../pipelines/engine/steps.ts'
import type { HistoryItem, OracleCase } from '../../oracle/history.ts'

/** A partition's stores and a tenant's calendar take longer to make than a loan's life takes: one for each configuration. */
const partitions = new Map<TenantConfiguration, FeaturePartition>()

function emptyPartition(configuration: TenantConfiguration): FeaturePartition {
  let features = partitions.get(configuration)
  if (features === undefined) {
    features = new FeaturePartition(1, 1, true)
    const tenant = { type: 'tenant.configured', tenant: 'default', data: configuration }
    features.configure(tenant as EventOf<'tenant.configured'>)
    partitions.set(configuration, features)
  }
  const { byToken, slices } = features.tenantOf('default')
  byToken.clear()
  for (const slice of slices) {
    slice.borrowers.length = 0
    slice.closings = 0
    slice.closed_day = Number.NEGATIVE_INFINITY
  }
  return features
}

/** The ledger alone, as the engine and the rebuild run it: events and closed days in, rows about loans out. */
export class LedgerRun {
  readonly days: (LoanDayRow & Place)[] = []
  readonly movements: (LoanMovementRow & Place)[] = []
  readonly months: (LoanMonthRow & Place)[] = []
  readonly refused: { readonly offset: number; readonly refusal: Refusal }[] = []
  readonly #state: PartitionState
  readonly #outputs = {
    ...DISCARD,
    loanDay: (row: LoanDayRow, place: Place) => void this.days.push({ ...row, ...place }),
    loanMovement: (row: LoanMovementRow, place: Place) => void this.movements.push({ ...row, ...place }),
    loanMonth: (row: LoanMonthRow, place: Place) => void this.months.push({ ...row, ...place }),
  }

  constructor({ configuration }: Pick<OracleCase, 'configuration'>) {
    const features = emptyPartition(configuration)
    this.#state = {
      partition: 0,
      features,
      decisions: new Map(),
      feedSeqs: new Map(),
      dirty: new BorrowerSet(),
      definitions: null,
      offset: -1,
    }
  }

  take(item: HistoryItem): void {
    const { features } = this.#state
    const place = { partition: 0, offset: item.offset }
    if (item.kind === 'event') {
      const applied = features.apply(item.event as BorrowerEvent, item.offset)
      this.#noteHeld()
      if (applied.kind === 'refused') this.refused.push({ offset: item.offset, refusal: applied.refusal })
      if (applied.kind === 'applied') restateLoans(features.restated, applied.borrower, place, this.#outputs)
      return
    }
    const { day } = item
    const data = { date: dateOfDay(day), slice: 0, slices: 1 }
    const slice = closeSlice(features, { type: 'day.closed', tenant: 'default', data } as EventOf<'day.closed'>)
    if (slice === undefined) throw new Error(`day ${day} was closed before`)
    this.#noteHeld()
    for (const borrower of slice.borrowers) {
      if (isSwept(borrower, slice.end, () => false)) features.advance(borrower, slice.end)
      const isMonthEnd = lastDayOfMonth(monthOfDay(day)) === day
      closeLoans(this.#state, borrower, { day, end: slice.end, isMonthEnd }, place, this.#outputs)
    }
  }

  /** Packs the loans; whoever asks for them next unpacks them. */
  pack(): void {
    this.#state.features.book.save()
    this.#state.features.book.forget()
  }

  #noteHeld(): void {
    for (const { held, refusal } of this.#state.features.heldRefused) {
      this.refused.push({ offset: held.offset, refusal })
    }
  }
}
