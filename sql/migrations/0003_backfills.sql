-- What `backfill` brought to rows of `features` that were written before a feature was in force.

CREATE TABLE IF NOT EXISTS backfills (
  `generation` UInt32 COMMENT 'Generation of the rows that it writes; one for all features of one backfill',
  `feature` LowCardinality(String) COMMENT 'Feature as name@version',
  `partition` UInt16 COMMENT 'Partition of the log',
  `until` UInt64 COMMENT 'Place of the definitions that put the feature in force: from there on rows had it',
  `next_offset` UInt64 COMMENT 'Rows below this place have been written; done when it has reached `until`'
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (generation, feature, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per feature that was backfilled and partition of the log, with how far that came.';
