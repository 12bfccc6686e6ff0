import { join } from 'node:path'
import { featureId } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { RULES } from '../../models/rules/index.ts'
import { ingest } from '../../pipelines/ingest/ingest.ts'
import { openPipeline, type PipelineOptions } from '../../pipelines/run/pipeline.ts'
import { runCliMeasured, type Usage } from './child.ts'
import { type Context, number, type Outcome, spread, tableHead, tableRow } from './part.ts'
import { TENANT } from './simulated.ts'
import { simulateFile } from './throughput.ts'

/** As `ingest` does it. */
const LINES_PER_INSERT = 16_384
const FLUSH_AFTER_MS = 10_000

type Summary = { readonly events: number; readonly rows: number; readonly seconds: number }
type Run = Summary & { readonly usage: Usage }

/** A year of events written by a release that lacked some entries, then `foreshock backfill` for one after the other. */
export async function measureBackfill({ folder, isQuick }: Context): Promise<Outcome> {
  const size = isQuick ? { borrowers: 100, months: 3 } : { borrowers: 2500, months: 12 }
  const runs = isQuick ? 1 : 2
  const file = await simulateFile(folder, size, 13)
  const directory = join(folder, 'data')
  const lacking = entriesWithoutRule(runs)
  const before = CATALOGUE.filter((entry) => !lacking.includes(featureId(entry)))
  // The model reads entries that are lacking, so that release had none.
  await withPipelineOf({ directory, catalogue: before, withoutModel: true, flushAfterMs: FLUSH_AFTER_MS }, file)
  // The present release puts them in force.
  await withPipelineOf({ directory })
  const measured: Run[] = []
  for (const feature of lacking) {
    const { out, usage } = await runCliMeasured(['backfill', '--data', directory, '--features', feature, '--json'])
    measured.push({ ...(JSON.parse(out) as Summary), usage })
  }
  return describe(size, measured)
}

function entriesWithoutRule(count: number): string[] {
  const read = new Set(RULES.map(({ feature }) => feature))
  return CATALOGUE.map(featureId)
    .filter((id) => !read.has(id))
    .slice(0, count)
}

async function withPipelineOf(options: PipelineOptions, file?: string): Promise<void> {
  const opened = await openPipeline(options)
  if (!opened.ok) throw new Error(opened.detail)
  const { pipeline } = opened
  try {
    if (file === undefined) return
    const ingested = await ingest(pipeline, {
      tenant: TENANT,
      files: [file],
      sort: false,
      batchItemsMax: LINES_PER_INSERT,
    })
    if (!ingested.ok) throw new Error(ingested.detail)
  } finally {
    await pipeline.close()
  }
}

function describe({ borrowers, months }: { borrowers: number; months: number }, runs: readonly Run[]): Outcome {
  const [first] = runs as [Run]
  const perCore = runs.map(({ events, usage }) => events / usage.cpu_s)
  const cells = [
    `${number(borrowers)} × ${months}`,
    number(first.events),
    number(first.rows),
    CATALOGUE.length,
    spread(runs.map(({ events, seconds }) => events / seconds)),
    spread(perCore),
    spread(runs.map(({ rows, usage }) => rows / usage.cpu_s)),
    spread(
      runs.map(({ usage }) => usage.cpu_s),
      1,
    ),
    spread(runs.map(({ usage }) => usage.peak_mib)),
  ]
  return {
    lines: [
      '`foreshock backfill` of one entry that the release before lacked: every row of its time is computed whole and written',
      'again, so all entries are. The whole process with its start and stop; events are records of the log gone through,',
      "each day's ticks included.",
      '',
      ...tableHead([
        'borrowers × months',
        'events',
        'rows written',
        'entries a row',
        'events/s',
        'events/core-second',
        'rows/core-second',
        'CPU s',
        'peak MiB',
      ]),
      tableRow(cells),
    ],
    targets: [
      {
        what: 'backfill of a year, all entries, to durable rows',
        note: `${number(borrowers)} borrowers instead of 100 000`,
        values: perCore,
        unit: 'events per core-second',
        bound: 'at least',
        limit: 40_000,
        scaling: 'rate',
      },
    ],
  }
}
