import {
  FAMILIES,
  type Family,
  type FeatureDefinition,
  featureId,
  missingText,
} from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { TABLES, tablesOf } from '../../features/catalogue/tables.ts'
import { WORDS } from '../../features/catalogue/words.ts'

/** The catalogue as a page of Markdown, made from its entries alone. */

const FAMILY_NAMES = Object.keys(FAMILIES) as Family[]

/** How many features there are, over all and per family, in one sentence. */
export function countsSentence(): string {
  const families = FAMILY_NAMES.map((family) => `${title(family)} (${entriesOf(family).length})`)
  return `${CATALOGUE.length} features in five families: ${families.join(', ')}.`
}

export function cataloguePage(): string {
  return [
    '# The catalogue of features 特征目录',
    '',
    '<!-- Written by `npm run catalogue` from the entries in this folder. Change those, then write it again. -->',
    '',
    countsSentence(),
    '',
    'Each entry is `name@version`; its column in `features` is the name, from version 2 on `name_v2`. A published version never',
    'changes. History is the days of transactions below which the value is missing. Amounts are in minor units. Grades of sources:',
    "A a regulator's text or a project's own file, B one institution's or vendor's practice or a summary of a regulation, C a hint.",
    '',
    '## Words 用语',
    '',
    ...table(
      ['word', '用语', 'meaning', '含义'],
      WORDS.map(({ term, meaning }) => [term.en, term.zh, meaning.en, meaning.zh]),
    ),
    ...FAMILY_NAMES.flatMap(familyPart),
    '',
    '## Versioned tables 版本化码表',
    '',
    'A change of a table is a new version of the table and of every entry that reads it.',
    '',
    ...table(
      ['table', 'what', '内容', 'values', 'read by', 'source'],
      TABLES.map((one) => [
        `\`${featureId(one)}\``,
        one.title.en,
        one.title.zh,
        one.values.join(' '),
        CATALOGUE.filter((entry) => tablesOf(entry).includes(one))
          .map((entry) => entry.name)
          .join(' '),
        one.source,
      ]),
    ),
    '',
  ].join('\n')
}

function familyPart(family: Family): string[] {
  const head = ['feature', 'formula', 'unit', 'windows', 'history', 'missing', 'a high value says', 'source']
  return ['', `## ${title(family)}`, '', ...table(head, entriesOf(family).map(entryCells))]
}

function entryCells(entry: FeatureDefinition): string[] {
  return [
    `\`${featureId(entry)}\``,
    `${entry.formula.en}<br>${entry.formula.zh}`,
    entry.unit,
    entry.windows_days.join(', '),
    entry.minimum_history_days === 0 ? '' : String(entry.minimum_history_days),
    missingText(entry),
    `${entry.reading.en}<br>${entry.reading.zh}`,
    entry.source,
  ]
}

function title(family: Family): string {
  return `${FAMILIES[family].en} ${FAMILIES[family].zh}`
}

function entriesOf(family: Family): readonly FeatureDefinition[] {
  return CATALOGUE.filter((entry) => entry.family === family)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)]
}
