-- What came of dead letters that were sent again.

CREATE TABLE IF NOT EXISTS redrives (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `dead_letter` String COMMENT 'Id of the dead letter, a hash of its key, as `deadletters list` shows it',
  `attempt` UInt32 COMMENT 'Number of the attempt, from 1 on',
  `outcome` LowCardinality(String) COMMENT 'accepted, repeat, refused, lost (its original bytes are gone) or sent (no worker has come to it)',
  `detail` String COMMENT 'Outcome in words, empty when there is nothing to say',
  `partition` Nullable(UInt16) COMMENT 'Partition of the log where it is now, when it was appended',
  `offset` Nullable(UInt64) COMMENT 'Its new place there; a refusal by the engine is a dead letter of that place'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, dead_letter, attempt)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per attempt to send a dead letter again.';
