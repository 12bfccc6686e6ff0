import { createBlock, type RowBlock } from '../native.ts'

/** One row per contact of collection with a borrower. */
export const CONTACTS_COLUMNS = {
  tenant: 'String',
  borrower: 'String',
  loan: 'String',
  date: 'Date',
  contacted_at: 'DateTime64(3)',
  channel: 'String',
  result: 'String',
  partition: 'UInt16',
  offset: 'UInt64',
} as const

export type ContactsBlock = RowBlock<typeof CONTACTS_COLUMNS>

/** An empty block for `insertBlock('contacts', …)`. */
export function createContactsBlock(): ContactsBlock {
  return createBlock(CONTACTS_COLUMNS)
}
