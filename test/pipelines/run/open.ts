import { openPipeline, type Pipeline, type PipelineOptions } from '../../../pipelines/run/pipeline.ts'

/** Opens a data directory, which must work. */
export async function openAt(directory: string, options: Omit<PipelineOptions, 'directory'> = {}): Promise<Pipeline> {
  const opened = await openPipeline({ directory, ...options })
  if (!opened.ok) throw new Error(opened.detail)
  return opened.pipeline
}

/** Works with a data directory and lets it go again. */
export async function withPipeline<Result>(
  directory: string,
  work: (pipeline: Pipeline) => Promise<Result>,
  options: Omit<PipelineOptions, 'directory'> = {},
): Promise<Result> {
  const pipeline = await openAt(directory, options)
  try {
    return await work(pipeline)
  } finally {
    await pipeline.close()
  }
}
