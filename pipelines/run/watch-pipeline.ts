import type { Watched } from '../watch/pipeline-metrics.ts'
import type { Pipeline } from './pipeline.ts'

/** What is looked at of an embedded pipeline. All of it is counted anyway. */
export function watchPipeline(pipeline: Pipeline): Watched {
  const { engine, sink, intake, checkpoints, counts } = pipeline
  return {
    counts: () => ({ ...counts, evaluations: engine.evaluations }),
    partitions: () =>
      engine.partitions.map(({ partition, features }) => ({
        partition,
        lag: intake.nextOffset(partition) - 1 - (sink.acknowledged.get(partition) ?? -1),
        features,
        checkpoint: checkpoints.written,
      })),
    closedDayAges: (now) =>
      intake.tenants
        .filter(({ next_day }) => Number.isFinite(next_day))
        .map(({ calendar, next_day }) => calendar.dayOf(now) - (next_day - 1)),
  }
}
