import { openPipeline, type Pipeline, type PipelineOptions } from '../run/pipeline.ts'
import { Failure } from './output.ts'

/** Opens the data directory for a command, or fails with its one line. */
export async function openForCommand(options: PipelineOptions): Promise<Pipeline> {
  const opened = await openPipeline(options)
  if (!opened.ok) throw new Failure(opened.detail)
  return opened.pipeline
}
