import { Command, Option } from 'commander'
import {
  FAMILIES,
  type FeatureDefinition,
  type Formula,
  featureColumn,
  featureId,
  missingText,
} from '../../../features/catalogue/define.ts'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import { tablesOf } from '../../../features/catalogue/tables.ts'
import { cataloguePage } from '../catalogue-page.ts'
import { Failure, print } from '../output.ts'
import { alignColumns } from '../table.ts'
import { featuresOfCommand } from './features-of.ts'

export function featuresCommand(): Command {
  const list = new Command('list')
    .description('the catalogue: every feature with its unit, windows and minimum history in days, reading and formula')
    .addOption(new Option('--family <name>', 'one family alone').choices(Object.keys(FAMILIES)))
    .addOption(new Option('--lang <language>', 'language of readings and formulas').choices(['en', 'zh']).default('en'))
    .option('--json', 'one JSON array, one object per column of the table `features`, in both languages')
    .action(listFeatures)
  const show = new Command('show')
    .description('one definition')
    .argument('<name>', 'feature as name or name@version; the latest version without one')
    .option('--json', 'as one JSON object')
    .action(showFeature)
  const page = new Command('page')
    .description('the catalogue as one page of Markdown, with the words and tables that its formulas rest on')
    .action(() => print(cataloguePage().trimEnd()))
  return new Command('features')
    .description('the catalogue of features, one definition, or the values of one borrower')
    .addCommand(list)
    .addCommand(show)
    .addCommand(featuresOfCommand())
    .addCommand(page)
}

/** What outsiders see of a definition. */
function describe(one: FeatureDefinition) {
  return {
    id: featureId(one),
    name: one.name,
    version: one.version,
    column: featureColumn(one),
    family: one.family,
    unit: one.unit,
    windows_days: one.windows_days,
    minimum_history_days: one.minimum_history_days,
    needs_report: one.needs_report,
    missing: missingText(one),
    formula: { zh: one.formula.zh, en: one.formula.en },
    reading: { zh: one.reading.zh, en: one.reading.en },
    tables: tablesOf(one).map(({ name, version, values }) => ({ name, version, values })),
    source: one.source,
  }
}

function listFeatures(options: { family?: string; lang: keyof Formula; json?: true }): void {
  const { family, lang } = options
  const entries = CATALOGUE.filter((one) => family === undefined || one.family === family)
  if (options.json) {
    print(JSON.stringify(entries.map(describe)))
    return
  }
  const rows = entries.map((one) => [
    featureId(one),
    one.family,
    one.unit,
    one.windows_days.join(',') || '-',
    one.minimum_history_days === 0 ? '-' : String(one.minimum_history_days),
    one.reading[lang],
    one.formula[lang],
  ])
  const head = ['id', 'family', 'unit', 'windows', 'history', 'a high value says', 'formula']
  for (const line of alignColumns([head, ...rows])) print(line)
}

function showFeature(name: string, options: { json?: true }): void {
  const found = CATALOGUE.filter((one) => one.name === name || featureId(one) === name)
  const one = found.toSorted((a, b) => a.version - b.version).at(-1)
  if (one === undefined) {
    throw new Failure(`the catalogue has no feature ${name}: foreshock features list shows what there is`)
  }
  if (options.json) {
    print(JSON.stringify(describe(one)))
    return
  }
  const days = (numbers: readonly number[]) => (numbers.length === 0 ? 'none' : `${numbers.join(', ')} days`)
  const lines = [
    ['family', `${one.family} ${FAMILIES[one.family].zh}`],
    ['unit', one.unit],
    ['windows', days(one.windows_days)],
    ['history', days(one.minimum_history_days === 0 ? [] : [one.minimum_history_days])],
    ['formula', one.formula.en],
    ['', one.formula.zh],
    ['reading', one.reading.en],
    ['', one.reading.zh],
    ['missing', missingText(one)],
    ['column', featureColumn(one)],
    ...tablesOf(one).flatMap((table) => [
      ['table', `${featureId(table)}: ${table.title.en} ${table.title.zh}`],
      ['', table.values.join(' ')],
    ]),
    ['source', one.source],
  ]
  print(featureId(one))
  for (const line of alignColumns(lines)) print(`  ${line}`)
}
