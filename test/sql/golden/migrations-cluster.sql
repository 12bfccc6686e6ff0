CREATE TABLE IF NOT EXISTS schema_migrations ON CLUSTER `risk` (version UInt32, name String) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/schema_migrations', '{shard}-{replica}') ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE TABLE IF NOT EXISTS events_local ON CLUSTER `risk` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/events_local', '{replica}')
ORDER BY (partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 50,
  min_bytes_for_wide_part = 1073741824
COMMENT 'One row per record of the log: its place is (partition, offset), and nothing is ever changed or removed.';

CREATE TABLE IF NOT EXISTS events ON CLUSTER `risk` AS events_local
ENGINE = Distributed('risk', currentDatabase(), 'events_local', `partition`)
COMMENT 'One row per record of the log: its place is (partition, offset), and nothing is ever changed or removed.';

CREATE TABLE IF NOT EXISTS features_local ON CLUSTER `risk` (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the record that was evaluated',
  `borrower` String COMMENT 'Borrower token',
  `type` LowCardinality(String) COMMENT 'Type of the event, or day.closed',
  `time` DateTime64(3, 'UTC') COMMENT 'Time T of the evaluation',
  `late_ms` Int64 COMMENT 'T less the time of the event: 0 when it was not late',
  `generation` UInt32 COMMENT 'Backfill generation, 0 for what was served'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/features_local', '{replica}', generation)
ORDER BY (tenant, borrower, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 50,
  min_bytes_for_wide_part = 1073741824, index_granularity = 2048
COMMENT 'One row per event, and per tick whose values had to be stored: the borrower\'s features as of (partition, offset).';

CREATE TABLE IF NOT EXISTS features ON CLUSTER `risk` AS features_local
ENGINE = Distributed('risk', currentDatabase(), 'features_local', `partition`)
COMMENT 'One row per event, and per tick whose values had to be stored: the borrower\'s features as of (partition, offset).';

CREATE TABLE IF NOT EXISTS scores_local ON CLUSTER `risk` (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the record that was evaluated',
  `borrower` String COMMENT 'Borrower token',
  `time` DateTime64(3, 'UTC') COMMENT 'Time T of the evaluation',
  `model` LowCardinality(String) COMMENT 'Model as name@version',
  `score` Float64 COMMENT 'Probability that the model gives',
  `band` LowCardinality(String) COMMENT 'Band of the score'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/scores_local', '{replica}')
ORDER BY (tenant, borrower, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 50,
  min_bytes_for_wide_part = 1073741824
COMMENT 'One row per evaluation that the model scored.';

CREATE TABLE IF NOT EXISTS scores ON CLUSTER `risk` AS scores_local
ENGINE = Distributed('risk', currentDatabase(), 'scores_local', `partition`)
COMMENT 'One row per evaluation that the model scored.';

CREATE TABLE IF NOT EXISTS signals_local ON CLUSTER `risk` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/signals_local', '{replica}')
ORDER BY (tenant, borrower, partition, offset, seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per change of the outcome of one rule, or of the band of the model, for one borrower.';

CREATE TABLE IF NOT EXISTS signals ON CLUSTER `risk` AS signals_local
ENGINE = Distributed('risk', currentDatabase(), 'signals_local', `partition`)
COMMENT 'One row per change of the outcome of one rule, or of the band of the model, for one borrower.';

CREATE TABLE IF NOT EXISTS warnings_local ON CLUSTER `risk` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/warnings_local', '{replica}')
ORDER BY (tenant, partition, feed_seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per feed event: an episode of one borrower was opened, escalated or cleared.';

CREATE TABLE IF NOT EXISTS warnings ON CLUSTER `risk` AS warnings_local
ENGINE = Distributed('risk', currentDatabase(), 'warnings_local', `partition`)
COMMENT 'One row per feed event: an episode of one borrower was opened, escalated or cleared.';

CREATE TABLE IF NOT EXISTS loans_local ON CLUSTER `risk` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/loans_local', '{replica}', version)
ORDER BY (tenant, dataset, loan)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per loan of a data set (own loans: the empty one), as of its latest change.';

CREATE TABLE IF NOT EXISTS loans ON CLUSTER `risk` AS loans_local
ENGINE = Distributed('risk', currentDatabase(), 'loans_local', `partition`)
COMMENT 'One row per loan of a data set (own loans: the empty one), as of its latest change.';

CREATE TABLE IF NOT EXISTS loan_days_local ON CLUSTER `risk` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/loan_days_local', '{replica}')
ORDER BY (tenant, dataset, loan, date, partition, offset, seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per loan and business date at whose end its state had changed, as known at (partition, offset, seq).';

CREATE TABLE IF NOT EXISTS loan_days ON CLUSTER `risk` AS loan_days_local
ENGINE = Distributed('risk', currentDatabase(), 'loan_days_local', `partition`)
COMMENT 'One row per loan and business date at whose end its state had changed, as known at (partition, offset, seq).';

CREATE TABLE IF NOT EXISTS loan_months_local ON CLUSTER `risk` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/loan_months_local', '{replica}')
ORDER BY (tenant, dataset, month, loan)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per loan and month end at which it was open or written off, as known when the month was closed.';

CREATE TABLE IF NOT EXISTS loan_months ON CLUSTER `risk` AS loan_months_local
ENGINE = Distributed('risk', currentDatabase(), 'loan_months_local', `partition`)
COMMENT 'One row per loan and month end at which it was open or written off, as known when the month was closed.';

CREATE TABLE IF NOT EXISTS dead_letters_local ON CLUSTER `risk` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/dead_letters_local', '{replica}')
ORDER BY (tenant, source_partition, source_position, item, step)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per thing that was refused: a line, an item of a request, or a record that the engine could not apply.';

CREATE TABLE IF NOT EXISTS dead_letters ON CLUSTER `risk` AS dead_letters_local
ENGINE = Distributed('risk', currentDatabase(), 'dead_letters_local', ifNull(`partition`, 0))
COMMENT 'One row per thing that was refused: a line, an item of a request, or a record that the engine could not apply.';

CREATE TABLE IF NOT EXISTS progress_local ON CLUSTER `risk` (
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Last record that is wholly in the tables',
  `seq` UInt32 COMMENT 'Last number within it',
  `feed_seqs` String COMMENT 'JSON: last feed_seq of each tenant'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/progress_local', '{replica}', offset)
ORDER BY partition
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per partition of the log: everything up to (offset, seq) is in all other tables.';

CREATE TABLE IF NOT EXISTS progress ON CLUSTER `risk` AS progress_local
ENGINE = Distributed('risk', currentDatabase(), 'progress_local', `partition`)
COMMENT 'One row per partition of the log: everything up to (offset, seq) is in all other tables.';

CREATE TABLE IF NOT EXISTS source_files ON CLUSTER `risk` (
  `file` String COMMENT 'Name under which its lines are known',
  `bytes` UInt64 COMMENT 'Decompressed bytes read',
  `lines` UInt64 COMMENT 'Lines read',
  `sha256` String COMMENT 'Hash of those bytes',
  `version` UInt64 COMMENT 'The row with the largest one is the latest'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/source_files', '{shard}-{replica}', version)
ORDER BY file
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per source file that intake has read, as of the latest reading.';

CREATE OR REPLACE VIEW vintage ON CLUSTER `risk` AS
WITH
  rows_bad AS (
    SELECT
      tenant, dataset, cohort, mob, product, channel,
      toInt64(count()) AS observed_count,
      sum(balance_minor) AS observed_balance,
      toInt64(countIf(is_bad)) AS bad_count,
      sumIf(balance_minor, is_bad) AS bad_balance
    FROM (
      SELECT
        tenant, dataset, cohort, mob, product, channel, balance_minor,
        status = 'written_off' OR if({series:String} = 'ever', worst_dpd, dpd) >= {threshold_dpd:Int32} AS is_bad
      FROM loan_months FINAL
    )
    GROUP BY tenant, dataset, cohort, mob, product, channel
  ),
  last_months AS (
    SELECT tenant, dataset, max(month) AS last_month FROM loan_months FINAL GROUP BY tenant, dataset
  ),
  ended AS (
    SELECT
      tenant, dataset, cohort, mob, product, channel,
      toInt64(count()) AS ended_count,
      sum(ended_balance) AS ended_balance
    FROM (
      SELECT
        l.tenant AS tenant, l.dataset AS dataset, l.cohort AS cohort, l.product AS product, l.channel AS channel,
        toInt32(greatest(
          dateDiff('month', l.cohort, ifNull(l.status_date, l.cohort)),
          ifNull(o.last_mob + 1, 0)
        )) AS mob,
        if(l.status = 'written_off', l.written_off_balance_minor, 0) AS ended_balance
      FROM loans AS l FINAL
      LEFT JOIN (
        SELECT tenant, dataset, loan, max(toNullable(mob)) AS last_mob
        FROM loan_months FINAL
        WHERE dataset = '' AND loan IN (SELECT loan FROM loans FINAL WHERE dataset = '' AND status != 'open')
        GROUP BY tenant, dataset, loan
      ) AS o ON o.tenant = l.tenant AND o.dataset = l.dataset AND o.loan = l.loan
      WHERE l.dataset = '' AND (
        l.status = 'written_off'
        OR (l.status = 'closed' AND {series:String} = 'ever' AND l.worst_dpd >= {threshold_dpd:Int32})
      )
    )
    GROUP BY tenant, dataset, cohort, mob, product, channel
  ),
  cells AS (
    SELECT
      tenant, dataset, cohort, product, channel, cohort_count, cohort_balance,
      toInt32(arrayJoin(range(toUInt32(greatest(0, dateDiff('month', cohort, last_month) + 1))))) AS mob
    FROM (
      SELECT
        tenant, dataset, cohort, product, channel,
        toInt64(count()) AS cohort_count,
        toNullable(sum(principal_minor)) AS cohort_balance
      FROM loans FINAL
      WHERE dataset = ''
      GROUP BY tenant, dataset, cohort, product, channel
    ) AS cohorts
    INNER JOIN last_months USING (tenant, dataset)
    UNION ALL
    SELECT tenant, dataset, cohort, product, channel, observed_count, observed_balance, mob
    FROM rows_bad
    WHERE dataset != ''
  ),
  counted AS (
    SELECT
      tenant, dataset, cohort, mob, product, channel,
      if({basis:String} = 'balance', cohort_balance, cohort_count) AS loans,
      if(
        {basis:String} = 'balance',
        if(cohort_balance IS NULL, NULL, ifNull(bad_balance, 0) + sum(ended_balance) OVER so_far),
        bad_count + sum(ended_count) OVER so_far
      ) AS bad
    FROM cells
    LEFT JOIN rows_bad USING (tenant, dataset, cohort, mob, product, channel)
    LEFT JOIN ended USING (tenant, dataset, cohort, mob, product, channel)
    WINDOW so_far AS (
      PARTITION BY tenant, dataset, cohort, product, channel ORDER BY mob ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  )
SELECT
  tenant, dataset, cohort, mob, product, channel, loans, bad,
  bad / nullIf(loans, 0) AS rate,
  if({basis:String} = 'count', greatest(0, (rate + 1.920729410347062 / loans
    - 1.959963984540054 * sqrt(rate * (1 - rate) / loans + 0.960364705173531 / (loans * loans)))
    / (1 + 3.841458820694124 / loans)), NULL) AS rate_low,
  if({basis:String} = 'count', least(1, (rate + 1.920729410347062 / loans
    + 1.959963984540054 * sqrt(rate * (1 - rate) / loans + 0.960364705173531 / (loans * loans)))
    / (1 + 3.841458820694124 / loans)), NULL) AS rate_high
FROM counted
WHERE throwIf({basis:String} NOT IN ('count', 'balance'), 'basis is count or balance') = 0
  AND throwIf({series:String} NOT IN ('ever', 'current'), 'series is ever or current') = 0;

CREATE OR REPLACE VIEW migration_matrix ON CLUSTER `risk` AS
SELECT
  tenant, dataset, from_bucket, to_bucket, loans, opening_balance_minor,
  loans / sum(loans) OVER opening AS share_of_loans,
  opening_balance_minor / nullIf(sum(opening_balance_minor) OVER opening, 0) AS share_of_balance
FROM (
  SELECT
    o.tenant AS tenant, o.dataset AS dataset, o.bucket AS from_bucket, c.bucket AS to_bucket,
    toInt64(count()) AS loans,
    sum(o.balance_minor) AS opening_balance_minor
  FROM (
    SELECT tenant, dataset, loan, bucket, balance_minor, addMonths(month, {horizon_months:Int32}) AS closing_month
    FROM loan_months FINAL
    WHERE month BETWEEN toStartOfMonth({from_month:Date}) AND toStartOfMonth({to_month:Date})
  ) AS o
  INNER JOIN (
    SELECT tenant, dataset, loan, bucket, month
    FROM loan_months FINAL
    WHERE month BETWEEN addMonths(toStartOfMonth({from_month:Date}), {horizon_months:Int32})
      AND addMonths(toStartOfMonth({to_month:Date}), {horizon_months:Int32})
  ) AS c ON c.tenant = o.tenant AND c.dataset = o.dataset AND c.loan = o.loan AND c.month = o.closing_month
  GROUP BY tenant, dataset, from_bucket, to_bucket
)
WINDOW opening AS (PARTITION BY tenant, dataset, from_bucket);

CREATE TABLE IF NOT EXISTS backfills_local ON CLUSTER `risk` (
  `generation` UInt32 COMMENT 'Generation of the rows that it writes; one for all features of one backfill',
  `feature` LowCardinality(String) COMMENT 'Feature as name@version',
  `partition` UInt16 COMMENT 'Partition of the log',
  `until` UInt64 COMMENT 'Place of the definitions that put the feature in force: from there on rows had it',
  `next_offset` UInt64 COMMENT 'Rows below this place have been written; done when it has reached `until`'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/backfills_local', '{replica}', next_offset)
ORDER BY (generation, feature, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per feature that was backfilled and partition of the log, with how far that came.';

CREATE TABLE IF NOT EXISTS backfills ON CLUSTER `risk` AS backfills_local
ENGINE = Distributed('risk', currentDatabase(), 'backfills_local', `partition`)
COMMENT 'One row per feature that was backfilled and partition of the log, with how far that came.';

CREATE TABLE IF NOT EXISTS redrives_local ON CLUSTER `risk` (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `dead_letter` String COMMENT 'Id of the dead letter, a hash of its key, as `deadletters list` shows it',
  `attempt` UInt32 COMMENT 'Number of the attempt, from 1 on',
  `outcome` LowCardinality(String) COMMENT 'accepted, repeat, refused, lost (its original bytes are gone) or sent (no worker has come to it)',
  `detail` String COMMENT 'Outcome in words, empty when there is nothing to say',
  `partition` Nullable(UInt16) COMMENT 'Partition of the log where it is now, when it was appended',
  `offset` Nullable(UInt64) COMMENT 'Its new place there; a refusal by the engine is a dead letter of that place'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/redrives_local', '{replica}')
ORDER BY (tenant, dead_letter, attempt)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per attempt to send a dead letter again.';

CREATE TABLE IF NOT EXISTS redrives ON CLUSTER `risk` AS redrives_local
ENGINE = Distributed('risk', currentDatabase(), 'redrives_local', ifNull(`partition`, 0))
COMMENT 'One row per attempt to send a dead letter again.';

CREATE TABLE IF NOT EXISTS closed_days_local ON CLUSTER `risk` (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `date` Date COMMENT 'Business date that was closed',
  `day_end` DateTime64(3, 'UTC') COMMENT 'Its last millisecond in the zone of the tenant',
  `partition` UInt16 COMMENT 'Partition of the log',
  `slice` UInt32 COMMENT 'Slice of the partition\'s borrowers, from 0',
  `slices` UInt32 COMMENT 'Slices of the log',
  `partitions` UInt32 COMMENT 'Partitions of the log',
  `offset` UInt64 COMMENT 'Place of the tick that closed it'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/closed_days_local', '{replica}')
ORDER BY (tenant, date, partition, slice)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per tenant, business date, partition of the log and slice of its borrowers: the date was closed for them.';

CREATE TABLE IF NOT EXISTS closed_days ON CLUSTER `risk` AS closed_days_local
ENGINE = Distributed('risk', currentDatabase(), 'closed_days_local', `partition`)
COMMENT 'One row per tenant, business date, partition of the log and slice of its borrowers: the date was closed for them.';

CREATE TABLE IF NOT EXISTS contacts_local ON CLUSTER `risk` (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `borrower` String COMMENT 'Borrower token',
  `loan` String COMMENT 'Loan, empty where the contact was about none in particular',
  `date` Date COMMENT 'Business date of the contact',
  `contacted_at` DateTime64(3, 'UTC') COMMENT 'When the contact was',
  `channel` LowCardinality(String) COMMENT 'How: message, call, visit, in the words of the platform',
  `result` LowCardinality(String) COMMENT 'What came of it, in the words of the platform; empty when it did not say',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the event'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/contacts_local', '{replica}')
ORDER BY (tenant, date, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per contact of collection with a borrower.';

CREATE TABLE IF NOT EXISTS contacts ON CLUSTER `risk` AS contacts_local
ENGINE = Distributed('risk', currentDatabase(), 'contacts_local', `partition`)
COMMENT 'One row per contact of collection with a borrower.';

ALTER TABLE loan_months_local ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `loan_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins';

ALTER TABLE loan_months ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `loan_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins';

ALTER TABLE loan_months_local ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `bucket_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, bucket) COMMENT 'The bucket as a number, for groups';

ALTER TABLE loan_months ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `bucket_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, bucket) COMMENT 'The bucket as a number, for groups';

ALTER TABLE loan_days_local ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `loan_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins';

ALTER TABLE loan_days ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `loan_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins';

ALTER TABLE loans_local ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `first_due_dates` Array(Date) COMMENT 'Due dates of the first three instalments as disbursed';

ALTER TABLE loans ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `first_due_dates` Array(Date) COMMENT 'Due dates of the first three instalments as disbursed';

ALTER TABLE loans_local ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `taken_over_at` Nullable(Date) COMMENT 'Business date on which a running loan was taken over; empty for one disbursed here';

ALTER TABLE loans ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS `taken_over_at` Nullable(Date) COMMENT 'Business date on which a running loan was taken over; empty for one disbursed here';

CREATE OR REPLACE VIEW closed_dates ON CLUSTER `risk` AS
SELECT
  tenant, maxIf(date, is_whole) AS closed_through,
  addMonths(toStartOfMonth(closed_through + 1), -1) AS last_month,
  arraySort(groupArray((day_end, date))) AS day_ends
FROM (
  SELECT tenant, date, any(day_end) AS day_end, count() = max(slices) * max(partitions) AS is_whole
  FROM closed_days FINAL
  GROUP BY tenant, date
)
GROUP BY tenant
COMMENT 'One row per tenant with own loans. closed_through: last business date that is closed in every partition and slice of the log (1970-01-01 before the first). last_month: first day of the last month whose end is closed. day_ends: the last millisecond of each date, by which an instant finds its business date.';

CREATE OR REPLACE VIEW bucket_stages ON CLUSTER `risk` AS
SELECT
  tenant, dataset, bucket, first_dpd, bucket_hash,
  multiIf(
    bucket = 'written_off', 100,
    match(bucket, '^M[0-9]+[+]?$'), toUInt8OrZero(extract(bucket, '[0-9]+')),
    first_dpd = 0, 0,
    toUInt8(least(99, dense_rank() OVER (PARTITION BY tenant, dataset, bucket != 'written_off' AND first_dpd > 0 ORDER BY first_dpd)))
  )::UInt8 AS stage,
  if(dataset = '' AND e.tenant != '', e.last_month, last_seen) AS last_month
FROM (
  SELECT
    bucket_hash, tenant, dataset, bucket, first_dpd,
    max(last_seen_here) OVER (PARTITION BY tenant, dataset) AS last_seen
  FROM (
    SELECT bucket_hash, any(tenant) AS tenant, any(dataset) AS dataset, any(bucket) AS bucket, min(dpd) AS first_dpd,
      max(month) AS last_seen_here
    FROM loan_months
    GROUP BY bucket_hash
    SETTINGS final = 0
  )
) AS b
LEFT JOIN closed_dates AS e ON e.tenant = b.tenant
COMMENT 'One row per tenant, data set and bucket. stage: 0 not past due (current; X and C of credit-record), k for the k-th bucket past due (M1 is 1), 100 written off. A bucket called Mk is stage k; those of a tape are ranked by first_dpd, the smallest days past due found in it. last_month: first day of the last month of the data set whose end is closed.';

CREATE OR REPLACE VIEW bucket_moves ON CLUSTER `risk` AS
WITH
  (
    -- What the numbers of buckets stand for, and the last month whose end may be looked at.
    SELECT tuple(
      groupArray(bucket_hash), groupArray(toString(tenant)), groupArray(toString(dataset)), groupArray(toString(bucket)),
      groupArray(last_month)
    )
    FROM (
      SELECT
        bucket_hash, b.tenant AS tenant, b.dataset AS dataset, bucket,
        if(dataset = '' AND e.tenant != '', e.last_month, max(last_seen) OVER (PARTITION BY b.tenant, b.dataset)) AS last_month
      FROM (
        SELECT bucket_hash, any(tenant) AS tenant, any(dataset) AS dataset, any(bucket) AS bucket, max(month) AS last_seen
        FROM loan_months
        WHERE month BETWEEN toStartOfMonth({from_month:Date})
          AND addMonths(toStartOfMonth({to_month:Date}), {horizon_months:Int32})
        GROUP BY bucket_hash
        SETTINGS final = 0
      ) AS b
      LEFT JOIN closed_dates AS e ON e.tenant = b.tenant
    )
  ) AS names,
  toStartOfMonth({from_month:Date}) AS first_opening,
  toStartOfMonth({to_month:Date}) AS last_opening
SELECT
  names.2[named] AS tenant, names.3[named] AS dataset,
  addMonths(first_opening, toInt64(number) - toRelativeMonthNum(first_opening)) AS month,
  if(from_hash = 0, ['new', 'taken_over', 'reappeared'][flag], names.4[indexOf(names.1, from_hash)]) AS from_bucket,
  if(to_hash = 0, if(flag = 1, 'closed', 'vanished'), names.4[indexOf(names.1, to_hash)]) AS to_bucket,
  loans, opening_balance_minor, closing_balance_minor
FROM (
  SELECT
    from_hash, to_hash, number, flag, loans, opening_balance_minor, closing_balance_minor,
    indexOf(names.1, if(from_hash = 0, to_hash, from_hash)) AS named
  FROM (
    SELECT
      o.from_hash AS from_hash, c.to_hash AS to_hash, greatest(o.number, c.number) AS number,
      multiIf(to_hash = 0, o.is_closed, from_hash = 0, c.came, toUInt8(0)) AS flag,
      toInt64(count()) AS loans,
      sum(o.balance) AS opening_balance_minor,
      sum(c.balance) AS closing_balance_minor
    FROM (
      SELECT
        bucket_hash AS from_hash, toUInt32(toRelativeMonthNum(month)) AS number, balance_minor AS balance,
        -- A loan at a month end as one number: an odd multiplier keeps the months of a loan apart.
        loan_hash + 0x9E3779B97F4A7C15 * number AS pair,
        loan_hash IN (SELECT cityHash64(tenant, dataset, loan) FROM loans FINAL WHERE status = 'closed') AS is_closed
      FROM loan_months FINAL
      WHERE month BETWEEN first_opening AND last_opening
    ) AS o
    FULL JOIN (
      SELECT
        bucket_hash AS to_hash, toUInt32(toRelativeMonthNum(month) - {horizon_months:Int32}) AS number,
        balance_minor AS balance,
        loan_hash + 0x9E3779B97F4A7C15 * number AS pair,
        multiIf(
          toRelativeMonthNum(cohort) > number, 1,
          loan_hash IN (SELECT cityHash64(tenant, dataset, loan) FROM loans FINAL WHERE taken_over_at IS NOT NULL), 2,
          3
        ) AS came
      FROM loan_months FINAL
      WHERE month BETWEEN addMonths(first_opening, {horizon_months:Int32}) AND addMonths(last_opening, {horizon_months:Int32})
    ) AS c USING (pair)
    GROUP BY from_hash, to_hash, number, flag
  )
)
WHERE addMonths(month, {horizon_months:Int32}) <= names.5[named]
  AND throwIf({horizon_months:Int32} < 1, 'horizon_months is at least 1') = 0
COMMENT 'bucket_moves(from_month, to_month, horizon_months): one row per tenant, data set, opening month (month, from from_month to to_month inclusive), bucket at its end and bucket horizon_months later, as far as that later month end is closed. from_bucket of a loan without a row at the opening is new (disbursed after it), taken_over or reappeared; to_bucket of one without a row at the closing is closed or vanished. loans; opening_balance_minor and closing_balance_minor: what they owed at either end, NULL where there is no row or a tape has no balances.';

CREATE OR REPLACE VIEW migration_matrix ON CLUSTER `risk` AS
SELECT
  tenant, dataset, from_bucket, to_bucket, loans, opening_balance_minor,
  loans / sum(loans) OVER opening AS share_of_loans,
  opening_balance_minor / nullIf(sum(opening_balance_minor) OVER opening, 0) AS share_of_balance
FROM (
  SELECT
    tenant, dataset, from_bucket, to_bucket,
    sum(loans) AS loans, sum(opening_balance_minor) AS opening_balance_minor
  FROM bucket_moves(from_month = {from_month:Date}, to_month = {to_month:Date}, horizon_months = {horizon_months:Int32})
  WHERE from_bucket NOT IN ('new', 'taken_over', 'reappeared') AND to_bucket NOT IN ('closed', 'vanished')
  GROUP BY tenant, dataset, from_bucket, to_bucket
)
WINDOW opening AS (PARTITION BY tenant, dataset, from_bucket)
COMMENT 'migration_matrix(from_month, to_month, horizon_months): one row per tenant, data set, bucket at an opening month end and bucket horizon_months later, over the opening months from_month to to_month (first days, inclusive). A pair counts when both of the loan\'s rows exist, whatever lies between. loans; opening_balance_minor (NULL where a tape has none); share_of_loans = loans / loans of from_bucket; share_of_balance likewise of the opening balance. Written off is a bucket. What lacks a row is in migration_flows.';

CREATE OR REPLACE VIEW migration_flows ON CLUSTER `risk` AS
SELECT
  tenant, dataset, from_bucket, to_bucket,
  sum(loans) AS loans, sum(opening_balance_minor) AS opening_balance_minor, sum(closing_balance_minor) AS closing_balance_minor
FROM bucket_moves(from_month = {from_month:Date}, to_month = {to_month:Date}, horizon_months = {horizon_months:Int32})
GROUP BY tenant, dataset, from_bucket, to_bucket
COMMENT 'migration_flows(from_month, to_month, horizon_months): like migration_matrix, with the loans that lack one of the two rows: from_bucket new (disbursed after the opening), taken_over or reappeared (a tape\'s gap) have none at the opening, to_bucket closed or vanished (a tape\'s gap) none at the closing. So over the opening months the loans and opening_balance_minor of a from_bucket sum to what the rows at those month ends hold, and the loans and closing_balance_minor of a to_bucket to what those at the closing month ends hold. A balance of an end without a row is NULL.';

CREATE OR REPLACE VIEW vintage ON CLUSTER `risk` AS
WITH
  -- Loans whose past before they were taken over is missing: of them nothing can be said of "ever".
  left_out AS (
    SELECT cityHash64(tenant, dataset, loan) FROM loans FINAL
    WHERE dataset = '' AND taken_over_at IS NOT NULL AND {series:String} = 'ever'
  ),
  -- Own loans that may have no row any more and are bad all the same.
  ended AS (
    SELECT cityHash64(tenant, dataset, loan)
    FROM loans FINAL
    WHERE dataset = '' AND (taken_over_at IS NULL OR {series:String} = 'current') AND (
      status = 'written_off' OR (status = 'closed' AND {series:String} = 'ever' AND worst_dpd >= {threshold_dpd:Int32})
    )
  ),
  last_mobs AS (
    SELECT loan_hash, max(mob) AS last_mob FROM loan_months WHERE loan_hash IN ended GROUP BY loan_hash SETTINGS final = 0
  ),
  -- What happens in a cell of the cohort, at which months on book: loans that join it, rows, loans that end.
  happened AS (
    SELECT
      tenant, dataset, cohort, product, channel, mob,
      toInt64(0) AS joined_count, toInt64(0) AS joined_balance,
      toInt64(count()) AS row_count, sum(balance_minor) AS row_balance,
      toInt64(countIf(is_bad)) AS bad_count, sumIf(balance_minor, is_bad) AS bad_balance,
      toInt64(0) AS ended_count, toInt64(0) AS ended_balance
    FROM (
      SELECT
        tenant, dataset, cohort, product, channel, mob, balance_minor,
        status = 'written_off' OR if({series:String} = 'ever', worst_dpd, dpd) >= {threshold_dpd:Int32} AS is_bad
      FROM loan_months FINAL
      WHERE loan_hash NOT IN left_out
    )
    GROUP BY tenant, dataset, cohort, product, channel, mob
    UNION ALL
    SELECT
      tenant, dataset, cohort, product, channel,
      toInt32(if(taken_over_at IS NULL, 0, greatest(0, dateDiff('month', cohort, assumeNotNull(taken_over_at))))) AS mob,
      toInt64(count()), sum(principal_minor), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
    FROM loans FINAL
    WHERE dataset = '' AND (taken_over_at IS NULL OR {series:String} = 'current')
    GROUP BY tenant, dataset, cohort, product, channel, mob
    UNION ALL
    SELECT
      l.tenant, l.dataset, l.cohort, l.product, l.channel,
      toInt32(greatest(dateDiff('month', l.cohort, ifNull(l.status_date, l.cohort)), if(r.loan_hash = 0, 0, r.last_mob + 1))) AS mob,
      toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0),
      toInt64(count()), sum(if(l.status = 'written_off', l.written_off_balance_minor, 0))
    FROM (SELECT *, cityHash64(tenant, dataset, loan) AS loan_hash FROM loans FINAL) AS l
    LEFT JOIN last_mobs AS r ON r.loan_hash = l.loan_hash
    WHERE l.loan_hash IN ended
    GROUP BY l.tenant, l.dataset, l.cohort, l.product, l.channel, mob
  ),
  cohorts AS (
    SELECT
      tenant, dataset, cohort, product, channel,
      groupArray(mob) AS mobs,
      groupArray(tuple(joined_count, joined_balance)) AS joined,
      groupArray(tuple(row_count, row_balance, bad_count, bad_balance)) AS seen,
      groupArray(tuple(ended_count, ended_balance)) AS ended,
      max(max(if(row_count > 0, addMonths(cohort, mob), toDate(0)))) OVER (PARTITION BY tenant, dataset) AS last_seen
    FROM happened
    GROUP BY tenant, dataset, cohort, product, channel
  ),
  cells AS (
    SELECT
      tenant, dataset, cohort, product, channel, last_month,
      arrayJoin(range(toUInt32(greatest(0, dateDiff('month', cohort, last_month) + 1)))) AS mob,
      arraySum((at, x) -> if(at <= mob, x.1, 0), mobs, joined) AS joined_count,
      arraySum((at, x) -> if(at <= mob, x.2, 0), mobs, joined) AS joined_balance,
      arraySum((at, x) -> if(at = mob, x.1, 0), mobs, seen) AS row_count,
      arraySum((at, x) -> if(at = mob, ifNull(x.2, 0), 0), mobs, seen) AS row_balance,
      arraySum((at, x) -> if(at = mob, x.3, 0), mobs, seen) + arraySum((at, x) -> if(at <= mob, x.1, 0), mobs, ended) AS bad_count,
      arraySum((at, x) -> if(at = mob, ifNull(x.4, 0), 0), mobs, seen)
        + arraySum((at, x) -> if(at <= mob, x.2, 0), mobs, ended) AS bad_balance,
      dataset != '' AND NOT arrayExists((at, x) -> at = mob AND x.2 IS NOT NULL, mobs, seen) AS has_no_balance
    FROM (
      SELECT c.*, if(c.dataset = '' AND e.tenant != '', e.last_month, c.last_seen) AS last_month
      FROM cohorts AS c
      LEFT JOIN closed_dates AS e ON e.tenant = c.tenant
    )
  ),
  counted AS (
    SELECT
      tenant, dataset, cohort, toInt32(mob) AS mob, product, channel,
      multiIf(
        {basis:String} = 'count', if(dataset = '', joined_count, row_count),
        has_no_balance, NULL,
        dataset = '', joined_balance, row_balance
      ) AS loans,
      multiIf({basis:String} = 'count', bad_count, has_no_balance, NULL, bad_balance) AS bad
    FROM cells
    WHERE if(dataset = '', joined_count, row_count) > 0
  )
SELECT
  tenant, dataset, cohort, mob, product, channel, loans, bad,
  bad / nullIf(loans, 0) AS rate,
  if({basis:String} = 'count', greatest(0, (rate + 1.920729410347062 / loans
    - 1.959963984540054 * sqrt(rate * (1 - rate) / loans + 0.960364705173531 / (loans * loans)))
    / (1 + 3.841458820694124 / loans)), NULL) AS rate_low,
  if({basis:String} = 'count', least(1, (rate + 1.920729410347062 / loans
    + 1.959963984540054 * sqrt(rate * (1 - rate) / loans + 0.960364705173531 / (loans * loans)))
    / (1 + 3.841458820694124 / loans)), NULL) AS rate_high
FROM counted
WHERE throwIf({basis:String} NOT IN ('count', 'balance'), 'basis is count or balance') = 0
  AND throwIf({series:String} NOT IN ('ever', 'current'), 'series is ever or current') = 0
COMMENT 'vintage(threshold_dpd, basis, series): one row per tenant, data set, cohort (first day of the month of disbursement), months on book (mob; 0 is the month of disbursement), product and channel, up to the last month end that is closed. basis count: loans = all loans of the cohort, also after they ended (of a tape those with a row at that mob); bad = those past the threshold; rate = bad / loans with a Wilson interval of 95 % (rate_low, rate_high). basis balance: loans = principal disbursed (of a tape the balances at that mob); bad = what bad loans owe at that month end. series ever: worst so far >= threshold_dpd; current: at that month end. A written-off loan is bad from then on, with its balance at write-off. A loan that was taken over counts in current from the month end after that on, and not in ever: its past is missing, not zero.';
