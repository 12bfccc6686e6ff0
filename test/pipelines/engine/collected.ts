import { CATALOGUE } from '../../../features/catalogue/index.ts'
import type { Event } from '../../../features/events/contract.ts'
import type { Refusal } from '../../../features/ledger/apply.ts'
import type { SignalRow } from '../../../models/decision/rows.ts'
import type { InspectionRow } from '../../../pipelines/engine/inspection-row.ts'
import type { LoanDayRow, LoanMonthRow, LoanMovementRow, LoanRow } from '../../../pipelines/engine/loan-rows.ts'
import type {
  ClosedDayRow,
  ContactRow,
  EvaluationMeta,
  FeedRow,
  Outputs,
  Place,
} from '../../../pipelines/engine/outputs.ts'

const WIDTH = CATALOGUE.length

/** Every output row by its table and key, as text that is equal where the bits are. A key that comes twice must bring the same row. */
export class CollectedRows implements Outputs {
  readonly rows = new Map<string, string>()
  readonly loanDays: (LoanDayRow & Place)[] = []
  readonly loanMonths: (LoanMonthRow & Place)[] = []
  readonly loanMovements: (LoanMovementRow & Place)[] = []
  readonly loans = new Map<string, LoanRow>()

  /** All rows in the order of their keys. */
  sorted(): string[] {
    return [...this.rows].map(([key, row]) => `${key} ${row}`).sort()
  }

  features(meta: EvaluationMeta, matrix: Float64Array, base: number): void {
    const bits = Buffer.from(matrix.buffer, matrix.byteOffset + base * 8, WIDTH * 8).toString('base64')
    this.#add('features', meta, '', { ...meta, bits })
  }

  score(meta: EvaluationMeta, model: string, score: number, band: string): void {
    this.#add('scores', meta, meta.borrower, { ...meta, model, score, band })
  }

  signal(row: SignalRow, place: Place, seq: number): void {
    this.#add('signals', place, `${row.borrower} ${seq}`, row)
  }

  warning(row: FeedRow): void {
    this.#add('warnings', { partition: row.partition, offset: row.feed_seq }, row.tenant, row)
  }

  loan(row: LoanRow, place: Place, seq: number): void {
    this.loans.set(row.loan, row)
    this.#add('loans', place, `${row.loan} ${seq}`, row)
  }

  loanDay(row: LoanDayRow, place: Place, seq: number): void {
    this.loanDays.push({ ...row, ...placeOf(place) })
    this.#add('loan_days', place, `${row.loan} ${row.date} ${seq}`, row)
  }

  loanMonth(row: LoanMonthRow, place: Place): void {
    this.loanMonths.push({ ...row, ...placeOf(place) })
    this.#add('loan_months', place, `${row.loan} ${row.month}`, row)
  }

  contact(row: ContactRow, place: Place): void {
    this.#add('contacts', place, row.borrower, row)
  }

  closedDay(row: ClosedDayRow, place: Place): void {
    this.#add('closed_days', place, `${row.tenant} ${row.slice}`, row)
  }

  inspection(row: InspectionRow, place: Place): void {
    this.#add('inspections', place, row.borrower, row)
  }

  loanMovement(row: LoanMovementRow, place: Place, seq: number): void {
    this.loanMovements.push({ ...row, ...placeOf(place) })
    this.#add('loan_movements', place, `${row.loan} ${row.date} ${row.part} ${seq}`, row)
  }

  refused(event: Event, place: Place, refusal: Refusal): void {
    this.#add('dead_letters', place, event.id, refusal)
  }

  progress(): void {}

  #add(table: string, { partition, offset }: Place, rest: string, row: object): void {
    const borrower = 'borrower' in row ? String(row.borrower) : ''
    const key = `${table} ${partition} ${String(offset).padStart(8, '0')} ${table === 'features' ? borrower : rest}`
    const text = JSON.stringify(row)
    if ((this.rows.get(key) ?? text) !== text) throw new Error(`${key} has two rows: ${this.rows.get(key)} and ${text}`)
    this.rows.set(key, text)
  }
}

function placeOf({ partition, offset }: Place): Place {
  return { partition, offset }
}
