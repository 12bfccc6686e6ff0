/**
 * `npm run bench`: measures what foreshock promises on one machine, each part in a process of its own, holds the figures
 * against the targets and writes their chapter of BENCHMARKS.md. `-- --quick` takes small sizes and prints only;
 * `-- --only NAME[,NAME]` runs some parts, prints only.
 */
import { runChapter } from './chapter.ts'
import { PARTS } from './parts.ts'

await runChapter({ url: import.meta.url, heading: '# Benchmarks', command: 'npm run bench', parts: PARTS })
