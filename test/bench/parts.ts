import { measureBackfill } from './backfill.ts'
import { measureCheckpointPart } from './checkpoint-part.ts'
import { measureFeatures } from './features.ts'
import { measureHeavy } from './heavy.ts'
import { measureLatency } from './latency.ts'
import type { Part } from './part.ts'
import { measurePopulations } from './populations.ts'
import { measureRestart } from './restart.ts'
import { measureSweep } from './sweep.ts'
import { measureThroughput } from './throughput.ts'
import { measureViews } from './views.ts'
import { measureW45Part } from './w45-part.ts'

/** What is measured, in the order of the page. */
export const PARTS: readonly Part[] = [
  { name: 'features', title: 'Feature computation alone, one core', run: measureFeatures },
  { name: 'throughput', title: 'File to durable rows, embedded ClickHouse', run: measureThroughput },
  { name: 'sweep', title: "A day's sweep", run: measureSweep },
  { name: 'populations', title: 'State per borrower, and growth', run: measurePopulations },
  { name: 'heavy', title: 'A heavy borrower', run: measureHeavy },
  { name: 'checkpoint', title: 'A checkpoint', run: measureCheckpointPart },
  { name: 'w45', title: 'W45, beside DuckDB and the embedded ClickHouse', run: measureW45Part },
  { name: 'backfill', title: 'Backfill', run: measureBackfill },
  { name: 'views', title: 'Views of a million loan-months', run: measureViews },
  { name: 'latency', title: 'Event accepted to visible in the feed', run: measureLatency },
  { name: 'restart', title: 'Restart after kill -9, to the first answer', run: measureRestart },
]
