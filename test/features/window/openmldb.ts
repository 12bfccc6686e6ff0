import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** Reader of OpenMLDB's window conformance cases: tables, a query with windows, and the rows that must come out. */

export type Cell = string | number | boolean | null
export type Table = { readonly columns: readonly string[]; readonly rows: readonly (readonly Cell[])[] }

/** A frame's border: this many milliseconds or rows before the current one, Infinity where there is none. */
export type Border = { readonly before: number; readonly isOpen: boolean }

export type CaseWindow = {
  /** Numbers of the tables whose rows are in the window besides the main table's. */
  readonly union: readonly number[]
  readonly partitionBy: readonly string[]
  readonly orderBy: string
  readonly unit: 'ms' | 'rows'
  readonly from: Border
  readonly to: Border
  readonly maxSize: number | null
  readonly excludesCurrentRow: boolean
  /** Of the main table only the current row is in the window. */
  readonly onlyUnion: boolean
}

export type CaseColumn =
  | { readonly kind: 'plain'; readonly column: string }
  | { readonly kind: 'fold'; readonly fold: string; readonly column: string; readonly window: CaseWindow }

export type WindowCase = {
  /** File, id and, where a case comes in several, the number of the frame. */
  readonly name: string
  readonly id: string
  readonly description: string
  readonly tables: readonly Table[]
  readonly columns: readonly CaseColumn[]
  /** Of the columns that come out. */
  readonly types: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  readonly order: string
  readonly names: readonly string[]
  /** Windows are evaluated when all rows are there; else when each row comes. */
  readonly isBatch: boolean
}

type RawTable = { columns: string[]; rows?: Cell[][]; data?: string }
type RawExpect = { columns: string[]; order?: string; rows?: Cell[][]; data?: string; success?: boolean }
type RawCase = {
  id: string | number
  desc: string
  mode?: string
  inputs: RawTable[]
  sql: string
  dataProvider?: string[][]
  expect?: RawExpect
  expectProvider?: Record<number, Partial<RawExpect>>
}

export type CaseSource = { readonly id: string; readonly isRefused: boolean; read(): WindowCase[] }

/** All cases of a file. Reading a case throws if it says what this reader does not know. */
export function readCases(file: URL, prefix: string): CaseSource[] {
  const { cases } = parse(readFileSync(file, 'utf8')) as { cases: RawCase[] }
  return cases.map((raw) => {
    const id = `${prefix} ${raw.id}`
    return { id, isRefused: raw.expect?.success === false, read: () => readVariants(raw, id) }
  })
}

function readVariants(raw: RawCase, id: string): WindowCase[] {
  const frames = raw.dataProvider?.[0] ?? [undefined]
  return frames.map((frame, k) => {
    const expected = { ...raw.expect, ...raw.expectProvider?.[k] } as RawExpect
    const columns = expected.columns.map(splitColumn)
    const { rows } = readTable(expected)
    return {
      name: frame === undefined ? id : `${id}: ${frame}`,
      id,
      description: raw.desc.trim(),
      tables: raw.inputs.map(readTable),
      columns: readColumns(frame === undefined ? raw.sql : raw.sql.replaceAll('d[0]', frame)),
      types: columns.map(({ type }) => type),
      names: columns.map(({ name }) => name),
      rows,
      order: expected.order ?? '',
      isBatch: /request-unsupport/.test(raw.mode ?? ''),
    }
  })
}

function splitColumn(text: string): { name: string; type: string } {
  const at = text.trim().lastIndexOf(' ')
  return { name: text.trim().slice(0, at).trim(), type: text.trim().slice(at + 1) }
}

function readTable({ columns, rows, data }: RawTable): Table {
  const names = columns.map((column) => splitColumn(column).name)
  if (rows !== undefined) return { columns: names, rows }
  const lines = (data ?? '').trim().split('\n')
  const types = columns.map((column) => splitColumn(column).type)
  const cell = (text: string, type: string | undefined): Cell =>
    text === 'NULL' ? null : type === 'string' ? text : Number(text)
  return {
    columns: names,
    rows: lines.map((line) => line.split(',').map((text, k) => cell(text.trim(), types[k]))),
  }
}

const SELECT = /^select (?<items>.+?),? from \S+ ?(?:window (?<windows>.+?))? ?;$/i
const ITEM = /^(?<fold>\w+)\((?<column>\w+)(?:, ?\d+)?\) over (?<over>\w+|\(.+\))(?: as \w+)?$/i
const WINDOW = /^(?<name>\w+) as ?\((?<body>.+)\)$/i
const BODY =
  /^(?:union (?<union>.+) )?partition by (?<keys>\S+) order by (?<order>\w+) (?<unit>rows_range|rows) between (?<from>.+?) preceding and (?<to>current row|.+? preceding)(?: exclude (?<exclude>current_row))?(?: maxsize (?<size>\d+))?(?<only> instance_not_in_window)?$/i
const BORDER = /^(?<value>unbounded|-?\d+)(?<unit>[smhd]?)(?<open> open)?$/i

function match(pattern: RegExp, text: string): Record<string, string | undefined> {
  const found = pattern.exec(text)
  if (found?.groups === undefined) throw new Error(`not understood: ${text}`)
  return found.groups
}

function readColumns(sql: string): CaseColumn[] {
  // Columns are written as {0}.c1 and `c1`; of tables only the numbers of those in a union matter.
  const text = sql.replaceAll('{0}.', '').replaceAll('`', '').replaceAll(/\s+/g, ' ').trim()
  const { items, windows } = match(SELECT, text)
  const named = new Map(
    splitOutside(windows ?? '').map((one) => {
      const { name, body } = match(WINDOW, one)
      return [name!, readWindow(body!)]
    }),
  )
  return splitOutside(items!).map((item) => {
    if (/^\w+$/.test(item)) return { kind: 'plain', column: item }
    const { fold, column, over } = match(ITEM, item)
    const window = over!.startsWith('(') ? readWindow(over!.slice(1, -1)) : named.get(over!)
    if (window === undefined) throw new Error(`no window ${over}`)
    return { kind: 'fold', fold: fold!.toLowerCase(), column: column!, window }
  })
}

/** Parts between commas outside parentheses. */
function splitOutside(text: string): string[] {
  const parts: string[] = ['']
  let depth = 0
  for (const char of text) {
    depth += char === '(' ? 1 : char === ')' ? -1 : 0
    if (char === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += char
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

function readWindow(body: string): CaseWindow {
  const { union, keys, order, unit, from, to, exclude, size, only } = match(BODY, body.trim())
  return {
    union: [...(union ?? '').matchAll(/\{(\d)\}/g)].map(([, number]) => Number(number)),
    partitionBy: keys!.split(','),
    orderBy: order!,
    unit: unit!.toLowerCase() === 'rows' ? 'rows' : 'ms',
    from: readBorder(from!),
    to: /^current row$/i.test(to!) ? { before: 0, isOpen: false } : readBorder(to!.replace(/ preceding$/i, '')),
    maxSize: size === undefined ? null : Number(size),
    excludesCurrentRow: exclude !== undefined,
    onlyUnion: only !== undefined,
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { '': 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function readBorder(text: string): Border {
  const { value, unit, open } = match(BORDER, text)
  const before = /unbounded/i.test(value!) ? Number.POSITIVE_INFINITY : Number(value) * UNIT_MS[unit!]!
  return { before, isOpen: open !== undefined }
}
