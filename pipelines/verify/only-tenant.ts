import type { Event } from '../../features/events/contract.ts'
import type { Refusal } from '../../features/ledger/apply.ts'
import type { SignalRow } from '../../models/decision/rows.ts'
import type { InspectionRow } from '../engine/inspection-row.ts'
import type { LoanDayRow, LoanMonthRow, LoanMovementRow, LoanRow } from '../engine/loan-rows.ts'
import type { ClosedDayRow, ContactRow, EvaluationMeta, FeedRow, Outputs, Place } from '../engine/outputs.ts'

/** Hands on one tenant's rows alone. Refusals are nobody's here: they are not compared. */
export class OnlyTenant implements Outputs {
  readonly #tenant: string
  readonly #outputs: Outputs

  constructor(tenant: string, outputs: Outputs) {
    this.#tenant = tenant
    this.#outputs = outputs
  }

  features(meta: EvaluationMeta, matrix: Float64Array, base: number, generation: number): void {
    if (meta.tenant === this.#tenant) this.#outputs.features(meta, matrix, base, generation)
  }

  score(meta: EvaluationMeta, model: string, score: number, band: string): void {
    if (meta.tenant === this.#tenant) this.#outputs.score(meta, model, score, band)
  }

  signal(row: SignalRow, place: Place, seq: number): void {
    if (row.tenant === this.#tenant) this.#outputs.signal(row, place, seq)
  }

  warning(row: FeedRow): void {
    if (row.tenant === this.#tenant) this.#outputs.warning(row)
  }

  loan(row: LoanRow, place: Place, seq: number): void {
    if (row.tenant === this.#tenant) this.#outputs.loan(row, place, seq)
  }

  loanDay(row: LoanDayRow, place: Place, seq: number): void {
    if (row.tenant === this.#tenant) this.#outputs.loanDay(row, place, seq)
  }

  loanMonth(row: LoanMonthRow, place: Place): void {
    if (row.tenant === this.#tenant) this.#outputs.loanMonth(row, place)
  }

  contact(row: ContactRow, place: Place): void {
    if (row.tenant === this.#tenant) this.#outputs.contact(row, place)
  }

  closedDay(row: ClosedDayRow, place: Place): void {
    if (row.tenant === this.#tenant) this.#outputs.closedDay(row, place)
  }

  inspection(row: InspectionRow, place: Place): void {
    if (row.tenant === this.#tenant) this.#outputs.inspection(row, place)
  }

  loanMovement(row: LoanMovementRow, place: Place, seq: number): void {
    if (row.tenant === this.#tenant) this.#outputs.loanMovement(row, place, seq)
  }

  refused(_event: Event, _place: Place, _refusal: Refusal): void {}

  progress(place: Place, feedSeqs: ReadonlyMap<string, number>): void {
    this.#outputs.progress(place, feedSeqs)
  }
}
