/**
 * `npm run bench:kafka`: measures the cluster mode against a real Kafka broker and ClickHouse by URL on this machine, as
 * `npm run bench` does the embedded mode, and writes its chapter of BENCHMARKS.md.
 */
import { runChapter } from '../chapter.ts'
import type { Part } from '../part.ts'
import { measureFeedLatency } from './feed-latency.ts'
import { measureIntake } from './intake.ts'
import { measureWorkers } from './workers.ts'

const PARTS: readonly Part[] = [
  { name: 'intake', title: 'Input topic to log', run: measureIntake },
  { name: 'workers', title: 'Log to durable rows, one worker and two', run: measureWorkers },
  { name: 'latency', title: 'Event produced to visible in the feed', run: measureFeedLatency },
]

await runChapter({
  url: import.meta.url,
  heading: '# Benchmarks with Kafka',
  command: 'npm run bench:kafka',
  parts: PARTS,
})
