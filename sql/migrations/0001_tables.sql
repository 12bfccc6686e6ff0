-- The tables of DESIGN §8. A row is keyed by its grain, so that writing it again changes nothing. Every table is
-- written in blocks that become one part each. About its settings:
-- A part is flushed to the disk before an insert returns, and a merged one before those it came from are removed.
-- `events` and the wide tables stay in compact parts: one file to flush instead of one for each column.
-- Statistics of every column are made by default when parts are merged; no read here has use for them.
-- Merges wait for more parts than usual (merge_selector_base, 5 by default): each row is then written again once or
-- twice in its life rather than at every level of a pyramid. There are seldom more than about 30 parts for it
-- (20 of the narrow tables), because the more of them there are the sooner they are merged.
-- `features` has small granules: all columns of one are read to get at one borrower's rows.

CREATE TABLE IF NOT EXISTS events (
  `tenant` LowCardinality(String) COMMENT 'Tenant of the event',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place in the partition' CODEC(Delta, ZSTD(1)),
  `type` LowCardinality(String) COMMENT 'Type of the event',
  `version` UInt8 COMMENT 'Version of the type',
  `borrower` String COMMENT 'Borrower token, empty where the event concerns nobody in particular' CODEC(ZSTD(1)),
  `time` DateTime64(3, 'UTC') COMMENT 'When the source booked the fact' CODEC(Delta, ZSTD(1)),
  `received_at` DateTime64(3, 'UTC') COMMENT 'When intake took it: the clock live, the time reached for files' CODEC(Delta, ZSTD(1)),
  `source` LowCardinality(String) COMMENT 'Source as the event names it',
  `id` String COMMENT 'Id of the event, unique per tenant and source' CODEC(ZSTD(1)),
  `data` String COMMENT 'Canonical JSON of the data' CODEC(ZSTD(1)),
  `source_partition` LowCardinality(String) COMMENT 'File, topic partition or request it came from',
  `source_position` UInt64 COMMENT 'Line or offset there' CODEC(Delta, ZSTD(1)),
  `id_hash` UInt64 COMMENT 'Hash of tenant, source and id',
  `content_hash` UInt64 COMMENT 'Hash of what the event says',
  INDEX borrower_index borrower TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX id_hash_index id_hash TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 50,
  min_bytes_for_wide_part = 1073741824
COMMENT 'One row per record of the log: its place is (partition, offset), and nothing is ever changed or removed.';

CREATE TABLE IF NOT EXISTS features (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the record that was evaluated',
  `borrower` String COMMENT 'Borrower token',
  `type` LowCardinality(String) COMMENT 'Type of the event, or day.closed',
  `time` DateTime64(3, 'UTC') COMMENT 'Time T of the evaluation',
  `late_ms` Int64 COMMENT 'T less the time of the event: 0 when it was not late',
  `generation` UInt32 COMMENT 'Backfill generation, 0 for what was served'
)
ENGINE = ReplacingMergeTree(generation)
ORDER BY (tenant, borrower, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 50,
  min_bytes_for_wide_part = 1073741824, index_granularity = 2048
COMMENT 'One row per event, and per tick whose values had to be stored: the borrower\'s features as of (partition, offset).';

CREATE TABLE IF NOT EXISTS scores (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the record that was evaluated',
  `borrower` String COMMENT 'Borrower token',
  `time` DateTime64(3, 'UTC') COMMENT 'Time T of the evaluation',
  `model` LowCardinality(String) COMMENT 'Model as name@version',
  `score` Float64 COMMENT 'Probability that the model gives',
  `band` LowCardinality(String) COMMENT 'Band of the score'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, borrower, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 50,
  min_bytes_for_wide_part = 1073741824
COMMENT 'One row per evaluation that the model scored.';

CREATE TABLE IF NOT EXISTS signals (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the record that was evaluated',
  `seq` UInt32 COMMENT 'Number of the change within that evaluation',
  `borrower` String COMMENT 'Borrower token',
  `loan` String COMMENT 'Loan, empty when it concerns the borrower',
  `time` DateTime64(3, 'UTC') COMMENT 'Time T of the evaluation',
  `signal` LowCardinality(String) COMMENT 'Rule or model as name@version',
  `family` LowCardinality(String) COMMENT 'Family of the signal',
  `severity` LowCardinality(String) COMMENT 'blue, yellow, orange or red; none when it went off',
  `previous_severity` LowCardinality(String) COMMENT 'Severity before',
  `feature` LowCardinality(String) COMMENT 'Feature as name@version, empty for the model',
  `value` Nullable(Float64) COMMENT 'Value that decided',
  `lower` Nullable(Float64) COMMENT 'Lower end of the band, inclusive',
  `upper` Nullable(Float64) COMMENT 'Upper end of the band, exclusive'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, borrower, partition, offset, seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per change of the outcome of one rule, or of the band of the model, for one borrower.';

CREATE TABLE IF NOT EXISTS warnings (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `partition` UInt16 COMMENT 'Partition of the log',
  `feed_seq` UInt64 COMMENT 'Number of the row in the feed of this tenant and partition, without a hole, from 1',
  `id` String COMMENT 'Id of the feed event, the same however often it is computed',
  `warning_id` String COMMENT 'Id of the episode',
  `type` LowCardinality(String) COMMENT 'opened, escalated or cleared',
  `severity` LowCardinality(String) COMMENT 'blue, yellow, orange or red',
  `borrower` String COMMENT 'Borrower token',
  `loan` String COMMENT 'Loan, empty when it concerns the borrower',
  `time` DateTime64(3, 'UTC') COMMENT 'Time T of the evaluation',
  `offset` UInt64 COMMENT 'Place of the record that was evaluated',
  `seq` UInt32 COMMENT 'Number within that evaluation',
  `decision` LowCardinality(String) COMMENT 'Decision as name@version',
  `model` LowCardinality(String) COMMENT 'Model as name@version, empty without one',
  `score` Nullable(Float64) COMMENT 'Score at that moment',
  `trigger_source` LowCardinality(String) COMMENT 'Source of the triggering event, empty for a tick',
  `trigger_id` String COMMENT 'Id of the triggering event, empty for a tick',
  `trigger_date` LowCardinality(String) COMMENT 'Date of the triggering tick, empty for an event',
  `signals` String COMMENT 'JSON array of the active signals with their values and thresholds' CODEC(ZSTD(1)),
  INDEX id_index id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX warning_id_index warning_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX borrower_index borrower TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, partition, feed_seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per feed event: an episode of one borrower was opened, escalated or cleared.';

CREATE TABLE IF NOT EXISTS loans (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `dataset` LowCardinality(String) COMMENT 'Imported tape, empty for own loans',
  `loan` String COMMENT 'Loan',
  `borrower` String COMMENT 'Borrower token',
  `product` LowCardinality(String) COMMENT 'Product',
  `channel` LowCardinality(String) COMMENT 'Channel',
  `region` LowCardinality(String) COMMENT 'Region',
  `currency` LowCardinality(String) COMMENT 'ISO 4217 code',
  `purpose` LowCardinality(String) COMMENT 'Purpose',
  `principal_minor` Int64 COMMENT 'Principal disbursed',
  `annual_rate` Nullable(Float64) COMMENT 'Annual rate as disbursed',
  `instalments` UInt32 COMMENT 'Number of instalments as disbursed',
  `credit_limit_minor` Nullable(Float64) COMMENT 'Credit limit, if any',
  `disbursed_at` DateTime64(3, 'UTC') COMMENT 'When it was disbursed',
  `cohort` Date COMMENT 'First day of the month of disbursement in the zone of the tenant',
  `status` LowCardinality(String) COMMENT 'open, closed or written_off',
  `status_date` Nullable(Date) COMMENT 'Date of closing or write-off',
  `worst_dpd` Int32 COMMENT 'Largest days past due so far',
  `outstanding_principal_minor` Int64 COMMENT 'Principal not yet paid',
  `written_off_balance_minor` Int64 COMMENT 'Principal that was written off',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the record that made this row',
  `version` UInt64 COMMENT 'The row with the largest one is the latest'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, dataset, loan)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per loan of a data set (own loans: the empty one), as of its latest change.';

CREATE TABLE IF NOT EXISTS loan_days (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `dataset` LowCardinality(String) COMMENT 'Imported tape, empty for own loans',
  `loan` String COMMENT 'Loan',
  `borrower` String COMMENT 'Borrower token',
  `date` Date COMMENT 'Business date',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the record that made this row',
  `seq` UInt32 COMMENT 'Number within that record',
  `status` LowCardinality(String) COMMENT 'open, closed or written_off',
  `dpd` Int32 COMMENT 'Days past due at the end of the date',
  `bucket` LowCardinality(String) COMMENT 'Delinquency bucket',
  `outstanding_principal_minor` Int64 COMMENT 'Principal not yet paid',
  `overdue_minor` Int64 COMMENT 'Unpaid parts of instalments past due',
  `paid_minor` Int64 COMMENT 'Paid so far'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, dataset, loan, date, partition, offset, seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per loan and business date at whose end its state had changed, as known at (partition, offset, seq).';

CREATE TABLE IF NOT EXISTS loan_months (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `dataset` LowCardinality(String) COMMENT 'Imported tape, empty for own loans',
  `loan` String COMMENT 'Loan',
  `borrower` String COMMENT 'Borrower token',
  `month` Date COMMENT 'First day of the month whose end this is',
  `mob` Int32 COMMENT 'Months on book: 0 is the month of disbursement',
  `cohort` Date COMMENT 'First day of the month of disbursement',
  `product` LowCardinality(String) COMMENT 'Product',
  `channel` LowCardinality(String) COMMENT 'Channel',
  `status` LowCardinality(String) COMMENT 'open or written_off',
  `dpd` Int32 COMMENT 'Days past due at the month end',
  `worst_dpd` Int32 COMMENT 'Largest days past due up to the month end',
  `bucket` LowCardinality(String) COMMENT 'current, M1 and so on, or written_off',
  `balance_minor` Nullable(Int64) COMMENT 'Principal not yet paid; of a written-off loan that at write-off',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the tick that made this row'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, dataset, month, loan)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per loan and month end at which it was open or written off, as known when the month was closed.';

CREATE TABLE IF NOT EXISTS dead_letters (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `source_partition` String COMMENT 'File or request it came from',
  `source_position` UInt64 COMMENT 'Line or number there',
  `item` UInt32 COMMENT 'Index within a request, else 0',
  `step` LowCardinality(String) COMMENT 'Step that refused it',
  `reason` LowCardinality(String) COMMENT 'Reason as one word',
  `detail` String COMMENT 'Reason in words',
  `event_id` String COMMENT 'Id of the event, empty when it could not be read',
  `event_type` LowCardinality(String) COMMENT 'Type of the event, empty when it could not be read',
  `borrower` String COMMENT 'Borrower token, empty when it could not be read',
  `partition` Nullable(UInt16) COMMENT 'Partition of the log, when it was in the log',
  `offset` Nullable(UInt64) COMMENT 'Place in the log, when it was there',
  `recorded_at` DateTime64(3, 'UTC') COMMENT 'By the clock'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, source_partition, source_position, item, step)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per thing that was refused: a line, an item of a request, or a record that the engine could not apply.';

CREATE TABLE IF NOT EXISTS progress (
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Last record that is wholly in the tables',
  `seq` UInt32 COMMENT 'Last number within it',
  `feed_seqs` String COMMENT 'JSON: last feed_seq of each tenant'
)
ENGINE = ReplacingMergeTree(offset)
ORDER BY partition
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per partition of the log: everything up to (offset, seq) is in all other tables.';

CREATE TABLE IF NOT EXISTS source_files (
  `file` String COMMENT 'Name under which its lines are known',
  `bytes` UInt64 COMMENT 'Decompressed bytes read',
  `lines` UInt64 COMMENT 'Lines read',
  `sha256` String COMMENT 'Hash of those bytes',
  `version` UInt64 COMMENT 'The row with the largest one is the latest'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY file
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per source file that intake has read, as of the latest reading.';
