/**
 * `ingest FILE --data DIR`, with thresholds so low that every kind of write happens often: many small batches, blocks and
 * checkpoints. Prints how many lines it has taken, after each batch.
 */
import { ingest } from '../../../../pipelines/ingest/ingest.ts'
import { openPipeline } from '../../../../pipelines/run/pipeline.ts'

const [file, directory] = process.argv.slice(2) as [string, string]
const opened = await openPipeline({ directory, checkpointEvaluations: 600, featureRowsPerBlock: 200 })
if (!opened.ok) throw new Error(opened.detail)
const { pipeline } = opened
process.stdout.write('0\n')
const ingested = await ingest(pipeline, {
  tenant: 'default',
  files: [file],
  sort: false,
  batchItemsMax: 100,
  onProgress: ({ lines }) => process.stdout.write(`${lines}\n`),
})
if (!ingested.ok) throw new Error(ingested.detail)
await pipeline.close()
