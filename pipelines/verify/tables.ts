/** What is compared: tables that come out of the log, each with its sorting key. */
export type ComparedTable = {
  readonly table: string
  readonly key: readonly string[]
  /** A later place's row takes the place of this one, so that a row may have gone on since. */
  readonly isReplaced?: true
}

const EVALUATION = ['tenant', 'borrower', 'partition', 'offset']

export const COMPARED_TABLES: readonly ComparedTable[] = [
  { table: 'features', key: EVALUATION },
  { table: 'scores', key: EVALUATION },
  { table: 'signals', key: [...EVALUATION, 'seq'] },
  { table: 'warnings', key: ['tenant', 'partition', 'feed_seq'] },
  { table: 'loans', key: ['tenant', 'dataset', 'loan'], isReplaced: true },
  { table: 'loan_days', key: ['tenant', 'dataset', 'loan', 'date', 'partition', 'offset', 'seq'] },
  {
    table: 'loan_movements',
    key: ['tenant', 'dataset', 'loan', 'date', 'part', 'partition', 'offset', 'seq'],
  },
  { table: 'loan_months', key: ['tenant', 'dataset', 'month', 'loan'] },
  { table: 'contacts', key: ['tenant', 'date', 'partition', 'offset'] },
  { table: 'closed_days', key: ['tenant', 'date', 'partition', 'slice'] },
  { table: 'inspections', key: ['tenant', 'date', 'partition', 'offset'] },
]

export const COMPARED_NAMES: readonly string[] = COMPARED_TABLES.map(({ table }) => table)
