-- Which jobs ran for which business dates, so that each date has one run however often it is started.

CREATE TABLE IF NOT EXISTS job_runs (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `job` LowCardinality(String) COMMENT 'Name of the job',
  `business_date` Date COMMENT 'Business date that it was run for, in the zone of the tenant',
  `attempt` UInt32 COMMENT 'Number of the attempt, from 1 on',
  `state` LowCardinality(String) COMMENT 'running, done or failed; running also where the process died',
  `holder` String COMMENT 'Process that ran it, by a name that it made for itself',
  `result` String COMMENT 'What it found, as JSON; empty unless done' CODEC(ZSTD(1)),
  `detail` String COMMENT 'Why it failed, else empty',
  `version` UInt64 COMMENT 'The row with the largest one is the latest'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, job, business_date)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per tenant, job and business date, as of its latest attempt.';
