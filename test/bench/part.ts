import { median } from './machine.ts'

/** What a part of the bench is told: where it may write, and whether small sizes will do. */
export type Context = { readonly folder: string; readonly isQuick: boolean }

/** One line of the table of targets, before it is held against the machine that it was measured on. */
export type Target = {
  readonly what: string
  /** One figure per run. */
  readonly values: readonly number[]
  readonly unit: string
  readonly digits?: number
  readonly bound: 'at least' | 'at most'
  readonly limit: number
  /** Rates and times depend on the machine; ratios and bytes do not. */
  readonly scaling: 'rate' | 'time' | 'none'
  /** What differs from what the target asks for, if anything does. */
  readonly note?: string
}

export type Outcome = {
  /** Lines of Markdown. */
  readonly lines: readonly string[]
  readonly targets: readonly Target[]
}

export type Part = {
  readonly name: string
  readonly title: string
  run(context: Context): Promise<Outcome>
}

/** What one part came to in its process. */
export type PartRun = Outcome & { readonly parse_us: number; readonly load: number; readonly seconds: number }

/** What JSON.parse of an event of 250 bytes took on the machine for which the targets were set. */
const PARSE_US_OF_TARGETS = 3

export const TARGETS_HEADER = [
  '| what | measured | target | JSON.parse, µs | target scaled | met |',
  '|---|---|---|---|---|---|',
]

/** The row of a target, scaled by what JSON.parse took while its part ran. */
export function targetRow(target: Target, parse_us: number): string {
  const { what, values, unit, digits = 0, bound, note } = target
  const limit = scaledLimit(target, parse_us)
  const measured = median(values)
  const isMet = bound === 'at least' ? measured >= limit : measured <= limit
  const scaled = target.scaling === 'none' ? 'as it is' : `${bound} ${number(limit, digits)}`
  const name = note === undefined ? what : `${what} (${note})`
  return tableRow([
    name,
    `${spread(values, digits)} ${unit}`,
    `${bound} ${number(target.limit, digits)}`,
    parse_us.toFixed(2),
    scaled,
    isMet ? 'yes' : '**no**',
  ])
}

function scaledLimit({ limit, scaling }: Target, parse_us: number): number {
  if (scaling === 'none') return limit
  return scaling === 'rate' ? (limit * PARSE_US_OF_TARGETS) / parse_us : (limit * parse_us) / PARSE_US_OF_TARGETS
}

export function tableRow(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}

export function tableHead(cells: readonly string[]): string[] {
  return [tableRow(cells), `|${'---|'.repeat(cells.length)}`]
}

export function spread(values: readonly number[], digits = 0): string {
  if (values.length === 1) return number(values[0] as number, digits)
  return `${number(median(values), digits)} (${number(Math.min(...values), digits)} to ${number(Math.max(...values), digits)})`
}

/** A number with its digits grouped by spaces. */
export function number(value: number, digits = 0): string {
  const [whole = '', fraction] = value.toFixed(digits).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ' ')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}
