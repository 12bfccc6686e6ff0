import { measureFeatures } from './features.ts'
import { measureHeavy } from './heavy.ts'
import type { Part } from './part.ts'
import { measureSweep } from './sweep.ts'
import { measureThroughput } from './throughput.ts'

/** What is measured, in the order of the page. */
export const PARTS: readonly Part[] = [
  { name: 'features', title: 'Feature computation alone, one core', run: measureFeatures },
  { name: 'throughput', title: 'File to durable rows, embedded ClickHouse', run: measureThroughput },
  { name: 'sweep', title: "A day's sweep", run: measureSweep },
  { name: 'heavy', title: 'A heavy borrower', run: measureHeavy },
]
