CREATE TABLE IF NOT EXISTS schema_migrations (version UInt32, name String) ENGINE = ReplacingMergeTree ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

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

CREATE OR REPLACE VIEW vintage AS
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

CREATE OR REPLACE VIEW migration_matrix AS
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

ALTER TABLE loans
  ADD COLUMN IF NOT EXISTS `repayment_method` LowCardinality(String) COMMENT 'equal_instalment, equal_principal, interest_only, bullet or revolving; empty where unknown' AFTER `written_off_balance_minor`,
  ADD COLUMN IF NOT EXISTS `first_due_dates` Array(Date) COMMENT 'Due dates of the first three instalments as disbursed; none of a tape or of a loan taken over' AFTER `repayment_method`,
  ADD COLUMN IF NOT EXISTS `taken_over_at` Nullable(Date) COMMENT 'Business date as of whose end it was taken over while it ran; what lies before is not known' AFTER `first_due_dates`,
  ADD COLUMN IF NOT EXISTS `is_worst_dpd_known` UInt8 DEFAULT 1 COMMENT '1 when worst_dpd is the whole life''s; 0 when it is that since the takeover' AFTER `taken_over_at`,
  ADD COLUMN IF NOT EXISTS `restructurings` UInt32 COMMENT 'Restructurings and extensions so far' AFTER `is_worst_dpd_known`,
  ADD COLUMN IF NOT EXISTS `restructured_at` Nullable(Date) COMMENT 'Effective date of the latest of them' AFTER `restructurings`,
  ADD COLUMN IF NOT EXISTS `dpd_rule` LowCardinality(String) COMMENT 'What it made of the days past due: reset or carried; empty without one' AFTER `restructured_at`;

ALTER TABLE loan_days
  ADD COLUMN IF NOT EXISTS `interest_minor` Int64 COMMENT 'Interest unpaid and due by the end of the date' AFTER `paid_minor`,
  ADD COLUMN IF NOT EXISTS `fee_minor` Int64 COMMENT 'Fees unpaid and due by the end of the date' AFTER `interest_minor`,
  ADD COLUMN IF NOT EXISTS `penalty_minor` Int64 COMMENT 'Penalties charged and unpaid at the end of the date' AFTER `fee_minor`,
  ADD COLUMN IF NOT EXISTS `overdue_principal_minor` Int64 COMMENT 'Principal unpaid and due before the date' AFTER `penalty_minor`,
  ADD COLUMN IF NOT EXISTS `overdue_interest_minor` Int64 COMMENT 'Interest unpaid and due before the date' AFTER `overdue_principal_minor`,
  ADD COLUMN IF NOT EXISTS `overdue_fee_minor` Int64 COMMENT 'Fees unpaid and due before the date' AFTER `overdue_interest_minor`,
  ADD COLUMN IF NOT EXISTS `overpaid_minor` Int64 COMMENT 'Paid so far beyond what the loan asks for' AFTER `overdue_fee_minor`,
  ADD COLUMN IF NOT EXISTS `recovered_minor` Int64 COMMENT 'Received so far after the write-off; not part of paid_minor' AFTER `overpaid_minor`,
  ADD COLUMN IF NOT EXISTS `known_date` Date DEFAULT `date` COMMENT 'Business date on which it was known: the date itself, or that of the event that changed a past date' AFTER `recovered_minor`;

ALTER TABLE loan_months
  ADD COLUMN IF NOT EXISTS `overdue_minor` Nullable(Int64) COMMENT 'Unpaid parts of instalments past due' AFTER `balance_minor`,
  ADD COLUMN IF NOT EXISTS `is_worst_dpd_known` UInt8 DEFAULT 1 COMMENT '1 when worst_dpd is the whole life''s; 0 when it is that since the takeover' AFTER `overdue_minor`;

CREATE TABLE IF NOT EXISTS loan_movements (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `dataset` LowCardinality(String) COMMENT 'Imported tape, empty for own loans',
  `loan` String COMMENT 'Loan',
  `borrower` String COMMENT 'Borrower token',
  `date` Date COMMENT 'Business date',
  `part` LowCardinality(String) COMMENT 'principal, interest, fee or penalty',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the record that made this row',
  `seq` UInt32 COMMENT 'Number within that record',
  `opening_minor` Int64 COMMENT 'Balance at the end of the date before',
  `disbursed_minor` Int64 COMMENT 'Paid out, further drawings included',
  `taken_over_minor` Int64 COMMENT 'Owed when the loan was taken over',
  `accrued_minor` Int64 COMMENT 'Interest and fees that fell due or were paid ahead; penalties charged',
  `allocated_minor` Int64 COMMENT 'Paid of it, payments included that were taken back later',
  `reversed_minor` Int64 COMMENT 'Of the payments of this value date: taken back',
  `waived_minor` Int64 COMMENT 'Given up',
  `written_off_minor` Int64 COMMENT 'Written off',
  `capitalised_minor` Int64 COMMENT 'What a restructuring made of it, up or down',
  `closing_minor` Int64 COMMENT 'Balance at the end of the date; 0 of a loan that was written off',
  `known_date` Date COMMENT 'Business date on which it was known'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, dataset, loan, date, part, partition, offset, seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per loan, business date and part on which something of it moved, as known at (partition, offset, seq): closing = opening + disbursed + taken_over + accrued - allocated + reversed - waived - written_off + capitalised.';

CREATE OR REPLACE VIEW loan_ledger AS
SELECT *
FROM (
  SELECT *
  FROM loan_movements FINAL
  ORDER BY tenant, dataset, loan, date, part, offset DESC, seq DESC
  LIMIT 1 BY tenant, dataset, loan, date, part
)
WHERE opening_minor != closing_minor OR disbursed_minor != 0 OR taken_over_minor != 0 OR accrued_minor != 0
  OR allocated_minor != 0 OR reversed_minor != 0 OR waived_minor != 0 OR written_off_minor != 0 OR capitalised_minor != 0;

CREATE OR REPLACE VIEW loan_days_as_known AS
WITH
  closed_dates AS (
    SELECT tenant, least(min(last_date), {as_known:Date}) AS last_date
    FROM (
      SELECT tenant, partition, max(toDate(JSONExtractString(data, 'date'))) AS last_date
      FROM events FINAL
      WHERE type = 'day.closed'
      GROUP BY tenant, partition
    )
    GROUP BY tenant
  ),
  known AS (
    SELECT *
    FROM loan_days FINAL
    WHERE dataset = '' AND date <= {to_date:Date} AND known_date <= {as_known:Date}
    ORDER BY tenant, dataset, loan, date, offset DESC, seq DESC
    LIMIT 1 BY tenant, dataset, loan, date
  ),
  ranges AS (
    SELECT
      *,
      leadInFrame(toNullable(date)) OVER (
        PARTITION BY tenant, dataset, loan ORDER BY date ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
      ) AS next_date
    FROM known
  )
SELECT
  tenant, dataset, loan, borrower,
  arrayJoin(arrayMap(
    k -> first_date + k,
    range(toUInt32(greatest(0, dateDiff('day', first_date, least(end_date, {to_date:Date})) + 1)))
  )) AS date,
  status, dpd, bucket, outstanding_principal_minor, interest_minor, fee_minor, penalty_minor,
  overdue_minor, overdue_principal_minor, overdue_interest_minor, overdue_fee_minor,
  paid_minor, overpaid_minor, recovered_minor, changed_date, known_date
FROM (
  SELECT
    r.* EXCEPT (date),
    r.date AS changed_date,
    greatest(r.date, {from_date:Date}) AS first_date,
    multiIf(r.status = 'closed', r.date, r.next_date IS NULL, greatest(r.date, c.last_date), assumeNotNull(r.next_date) - 1)
      AS end_date
  FROM ranges AS r
  LEFT JOIN closed_dates AS c ON c.tenant = r.tenant
);

CREATE OR REPLACE VIEW loan_days_filled AS
SELECT * FROM loan_days_as_known(from_date = {from_date:Date}, to_date = {to_date:Date}, as_known = toDate('2149-06-06'));

CREATE OR REPLACE VIEW vintage AS
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
      WHERE {series:String} != 'ever' OR is_worst_dpd_known = 1
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
      WHERE l.dataset = '' AND ({series:String} != 'ever' OR l.is_worst_dpd_known = 1) AND (
        l.status = 'written_off'
        OR (l.status = 'closed' AND {series:String} = 'ever' AND l.worst_dpd >= {threshold_dpd:Int32})
      )
    )
    GROUP BY tenant, dataset, cohort, mob, product, channel
  ),
  cells AS (
    SELECT
      tenant, dataset, cohort, product, channel,
      sum(cohort_count) AS cohort_count,
      sum(cohort_balance) AS cohort_balance,
      mob
    FROM (
      SELECT
        tenant, dataset, cohort, product, channel, cohort_count, cohort_balance,
        toInt32(arrayJoin(range(first_mob, toUInt32(greatest(0, dateDiff('month', cohort, last_month) + 1))))) AS mob
      FROM (
        SELECT
          tenant, dataset, cohort, product, channel,
          toUInt32(greatest(0, dateDiff('month', cohort, ifNull(taken_over_at, cohort)))) AS first_mob,
          toInt64(count()) AS cohort_count,
          toNullable(sum(principal_minor)) AS cohort_balance
        FROM loans FINAL
        WHERE dataset = '' AND ({series:String} != 'ever' OR is_worst_dpd_known = 1)
        GROUP BY tenant, dataset, cohort, product, channel, first_mob
      ) AS cohorts
      INNER JOIN last_months USING (tenant, dataset)
    )
    GROUP BY tenant, dataset, cohort, product, channel, mob
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

CREATE TABLE IF NOT EXISTS closed_days (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `date` Date COMMENT 'Business date that was closed',
  `day_end` DateTime64(3, 'UTC') COMMENT 'Its last millisecond in the zone of the tenant',
  `partition` UInt16 COMMENT 'Partition of the log',
  `slice` UInt32 COMMENT 'Slice of the partition\'s borrowers, from 0',
  `slices` UInt32 COMMENT 'Slices of the log',
  `partitions` UInt32 COMMENT 'Partitions of the log',
  `offset` UInt64 COMMENT 'Place of the tick that closed it'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, date, partition, slice)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per tenant, business date, partition of the log and slice of its borrowers: the date was closed for them.';

CREATE TABLE IF NOT EXISTS contacts (
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
ENGINE = ReplacingMergeTree
ORDER BY (tenant, date, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per contact of collection with a borrower.';

ALTER TABLE loan_months ADD COLUMN IF NOT EXISTS `loan_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins';

ALTER TABLE loan_months ADD COLUMN IF NOT EXISTS `bucket_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, bucket) COMMENT 'The bucket as a number, for groups';

ALTER TABLE loan_days ADD COLUMN IF NOT EXISTS `loan_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins';

CREATE OR REPLACE VIEW closed_dates AS
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

CREATE OR REPLACE VIEW bucket_stages AS
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

CREATE OR REPLACE VIEW bucket_moves AS
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
        WHERE month >= toStartOfMonth({from_month:Date})
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

CREATE OR REPLACE VIEW migration_matrix AS
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

CREATE OR REPLACE VIEW migration_flows AS
SELECT
  tenant, dataset, from_bucket, to_bucket,
  sum(loans) AS loans, sum(opening_balance_minor) AS opening_balance_minor, sum(closing_balance_minor) AS closing_balance_minor
FROM bucket_moves(from_month = {from_month:Date}, to_month = {to_month:Date}, horizon_months = {horizon_months:Int32})
GROUP BY tenant, dataset, from_bucket, to_bucket
COMMENT 'migration_flows(from_month, to_month, horizon_months): like migration_matrix, with the loans that lack one of the two rows: from_bucket new (disbursed after the opening), taken_over or reappeared (a tape\'s gap) have none at the opening, to_bucket closed or vanished (a tape\'s gap) none at the closing. So over the opening months the loans and opening_balance_minor of a from_bucket sum to what the rows at those month ends hold, and the loans and closing_balance_minor of a to_bucket to what those at the closing month ends hold. A balance of an end without a row is NULL.';

CREATE OR REPLACE VIEW vintage AS
WITH
  -- Own loans that may have no row any more and are bad all the same.
  ended AS (
    SELECT cityHash64(tenant, dataset, loan)
    FROM loans FINAL
    WHERE dataset = '' AND (is_worst_dpd_known OR {series:String} = 'current') AND (
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
      toInt64(0) AS ended_count, toInt64(0) AS ended_balance, dataset != '' AS is_cell
    FROM (
      SELECT
        tenant, dataset, cohort, product, channel, mob, balance_minor,
        status = 'written_off' OR if({series:String} = 'ever', worst_dpd, dpd) >= {threshold_dpd:Int32} AS is_bad
      FROM loan_months FINAL
      -- Where the worst before a loan was taken over is missing, nothing can be said of "ever".
      WHERE is_worst_dpd_known OR {series:String} = 'current'
    )
    GROUP BY tenant, dataset, cohort, product, channel, mob
    UNION ALL
    SELECT
      tenant, dataset, cohort, product, channel,
      toInt32(if(taken_over_at IS NULL, 0, greatest(0, dateDiff('month', cohort, assumeNotNull(taken_over_at))))) AS mob,
      toInt64(count()), sum(principal_minor), 0, NULL, 0, NULL, 0, 0, 0
    FROM loans FINAL
    WHERE dataset = '' AND (is_worst_dpd_known OR {series:String} = 'current')
    GROUP BY tenant, dataset, cohort, product, channel, mob
    UNION ALL
    SELECT
      l.tenant, l.dataset, l.cohort, l.product, l.channel,
      toInt32(greatest(dateDiff('month', l.cohort, ifNull(l.status_date, l.cohort)), if(r.loan_hash = 0, 0, r.last_mob + 1))) AS mob,
      0, 0, 0, NULL, 0, NULL, toInt64(count()), sum(if(l.status = 'written_off', l.written_off_balance_minor, 0)), 0
    FROM (SELECT *, cityHash64(tenant, dataset, loan) AS loan_hash FROM loans FINAL) AS l
    LEFT JOIN last_mobs AS r ON r.loan_hash = l.loan_hash
    WHERE l.loan_hash IN ended
    GROUP BY l.tenant, l.dataset, l.cohort, l.product, l.channel, mob
    UNION ALL
    -- The cells of own loans: every cohort at every month end that is closed, whether anything happened or not.
    SELECT
      c.tenant, '', cohort, product, channel,
      toInt32(arrayJoin(range(toUInt32(greatest(0, dateDiff('month', cohort, if(e.tenant = '', s.last_seen, e.last_month)) + 1))))) AS mob,
      0, 0, 0, NULL, 0, NULL, 0, 0, 1
    FROM (SELECT DISTINCT tenant, cohort, product, channel FROM loans FINAL WHERE dataset = '') AS c
    LEFT JOIN closed_dates AS e ON e.tenant = c.tenant
    LEFT JOIN (
      SELECT tenant, max(month) AS last_seen FROM loan_months WHERE dataset = '' GROUP BY tenant SETTINGS final = 0
    ) AS s ON s.tenant = c.tenant
  ),
  counted AS (
    SELECT
      tenant, dataset, cohort, mob, product, channel,
      if({basis:String} = 'count', if(dataset = '', joined_so_far, row_count), if(dataset = '', paid_out, row_balance)) AS loans,
      if({basis:String} = 'count', bad_count + ended_so_far, if(loans IS NULL, NULL, ifNull(bad_balance, 0) + lost)) AS bad
    FROM (
      SELECT
        tenant, dataset, cohort, product, channel, mob, row_count, row_balance, bad_count, bad_balance, is_cell,
        sum(joined_count) OVER so_far AS joined_so_far, sum(joined_balance) OVER so_far AS paid_out,
        sum(ended_count) OVER so_far AS ended_so_far, sum(ended_balance) OVER so_far AS lost
      FROM (
        SELECT
          tenant, dataset, cohort, product, channel, mob,
          sum(joined_count) AS joined_count, sum(joined_balance) AS joined_balance, sum(row_count) AS row_count,
          sum(row_balance) AS row_balance, sum(bad_count) AS bad_count, sum(bad_balance) AS bad_balance,
          sum(ended_count) AS ended_count, sum(ended_balance) AS ended_balance, max(is_cell) AS is_cell
        FROM happened
        GROUP BY tenant, dataset, cohort, product, channel, mob
      )
      WINDOW so_far AS (
        PARTITION BY tenant, dataset, cohort, product, channel ORDER BY mob ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      )
    )
    WHERE is_cell AND (dataset != '' OR joined_so_far > 0)
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
COMMENT 'vintage(threshold_dpd, basis, series): one row per tenant, data set, cohort (first day of the month of disbursement), months on book (mob; 0 is the month of disbursement), product and channel, up to the last month end that is closed. basis count: loans = all loans of the cohort, also after they ended (of a tape those with a row at that mob); bad = those past the threshold; rate = bad / loans with a Wilson interval of 95 % (rate_low, rate_high). basis balance: loans = principal disbursed (of a tape the balances at that mob); bad = what bad loans owe at that month end. series ever: worst so far >= threshold_dpd; current: at that month end. A written-off loan is bad from then on, with its balance at write-off. A loan that was taken over counts from the first month end after that on, in ever only if its worst before is known: what is missing is not zero.';

CREATE OR REPLACE VIEW roll_rates AS
SELECT
  tenant, dataset, month, toUInt8(stage) AS stage,
  arrayStringConcat(arraySort(arrayFilter((b, s) -> s = stage, buckets, stages)), ' ') AS from_bucket,
  arrayStringConcat(arraySort(arrayFilter((b, s) -> s = next_stage, buckets, stages)), ' ') AS to_bucket,
  opening, rolled, stayed, improved, if(stage = 0, NULL, cured_amount) AS cured, closed, vanished,
  roll_rate,
  if(stage = 0, NULL, cured_amount / nullIf(opening, 0)) AS cure_rate,
  -- The product of the rates from this stage on; NULL where a stage on the way was empty, since nothing is known of it.
  if(
    count(roll_rate) OVER onward = length(arrayFilter(x -> x >= stage AND x < last_stage, arrayDistinct(stages))),
    arrayProduct(groupArray(roll_rate) OVER onward),
    NULL
  ) AS rate_to_loss
FROM (
  SELECT
    tenant, dataset, month, from_stage AS stage,
    any(buckets) AS buckets, any(stages) AS stages, any(last_stage) AS last_stage,
    arrayMin(arrayFilter(x -> x > stage, arrayPushBack(stages, 101))) AS next_stage,
    sum(amount) AS opening,
    sum(amount * (to_stage > from_stage)) AS rolled,
    sum(amount * (to_stage = from_stage)) AS stayed,
    sum(amount * (to_stage > 0 AND to_stage < from_stage)) AS improved,
    sum(amount * (to_stage = 0)) AS cured_amount,
    sum(amount * (to_stage = -1)) AS closed,
    sum(amount * (to_stage = -2)) AS vanished,
    rolled / nullIf(opening, 0) AS roll_rate
  FROM (
    SELECT m.*, s.buckets AS buckets, s.stages AS stages, s.last_stage AS last_stage,
      s.stages[indexOf(s.buckets, m.from_bucket)] AS from_stage,
      multiIf(m.to_bucket = 'closed', -1, m.to_bucket = 'vanished', -2, s.stages[indexOf(s.buckets, m.to_bucket)]) AS to_stage,
      if({basis:String} = 'balance', m.opening_balance_minor, m.loans) AS amount
    FROM bucket_moves(from_month = {from_month:Date}, to_month = {to_month:Date}, horizon_months = 1) AS m
    INNER JOIN (
      SELECT tenant, dataset, groupArray(toString(bucket)) AS buckets, groupArray(toInt16(stage)) AS stages, max(stage) AS last_stage
      FROM bucket_stages
      GROUP BY tenant, dataset
    ) AS s ON s.tenant = m.tenant AND s.dataset = m.dataset
    WHERE m.from_bucket NOT IN ('new', 'taken_over', 'reappeared') AND from_stage < last_stage
      AND throwIf({basis:String} NOT IN ('count', 'balance'), 'basis is count or balance') = 0
  )
  GROUP BY tenant, dataset, month, from_stage
)
WINDOW onward AS (PARTITION BY tenant, dataset, month ORDER BY stage DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
COMMENT 'roll_rates(from_month, to_month, basis): one row per tenant, data set, opening month and stage of delinquency but the last that had a loan: what became of the loans at that stage (from_bucket) by the next month end. basis count: opening, rolled, ... are loans; balance: their opening balances (NULL where a tape has none). opening = rolled (at to_bucket, the next stage, or worse) + stayed + improved (past due, but less) + cured (not past due; NULL for stage 0, where those stayed) + closed + vanished (a tape\'s gap). roll_rate = rolled / opening; cure_rate = cured / opening; rate_to_loss = product of roll_rate from this stage on to the last one, written off where there is one; NULL where a stage on the way had no loan. The series of one stage over the months is the usual M0-M1, M1-M2 chart.';

CREATE OR REPLACE VIEW roll_rates_worst AS
WITH
  (
    SELECT tuple(
      groupArray(bucket_hash), groupArray(toString(tenant)), groupArray(toString(dataset)), groupArray(toString(bucket)),
      groupArray(last_month)
    )
    FROM bucket_stages
  ) AS names,
  toStartOfMonth({observation_month:Date}) AS last_observed
SELECT
  tenant, dataset, from_bucket, to_bucket, loans,
  loans / sum(loans) OVER (PARTITION BY tenant, dataset, from_bucket) AS share_of_loans
FROM (
  SELECT
    names.2[indexOf(names.1, from_hash)] AS tenant, names.3[indexOf(names.1, from_hash)] AS dataset,
    names.4[indexOf(names.1, from_hash)] AS from_bucket, names.4[indexOf(names.1, to_hash)] AS to_bucket,
    names.5[indexOf(names.1, from_hash)] AS last_month,
    toInt64(count()) AS loans
  FROM (
    SELECT
      -- Of months equally bad the latest one's bucket.
      argMaxIf(bucket_hash, if(status = 'written_off', 100000, dpd) * 4096 + toRelativeMonthNum(month) % 4096,
        month <= last_observed) AS from_hash,
      argMaxIf(bucket_hash, if(status = 'written_off', 100000, dpd) * 4096 + toRelativeMonthNum(month) % 4096,
        month > last_observed) AS to_hash,
      min(month) <= last_observed AND max(month) > last_observed AS is_seen
    FROM loan_months
    WHERE month > addMonths(last_observed, -{window_months:Int32}) AND month <= addMonths(last_observed, {window_months:Int32})
    GROUP BY loan_hash
    SETTINGS final = 0
  )
  WHERE is_seen
  GROUP BY from_hash, to_hash
)
WHERE addMonths(last_observed, {window_months:Int32}) <= last_month
  AND throwIf({window_months:Int32} < 1, 'window_months is at least 1') = 0
COMMENT 'roll_rates_worst(observation_month, window_months): the second definition of a roll rate. One row per tenant, data set, worst bucket in the window_months months that end with observation_month (from_bucket) and worst bucket in the as many months after it (to_bucket), of loans with a row in both windows; only when the later window is closed. loans; share_of_loans = loans / loans of from_bucket. Worst is by days past due, written off above all; of months equally bad the latest one\'s bucket.';

CREATE OR REPLACE VIEW m1_m3_conversion AS
WITH
  (
    SELECT tuple(
      groupArray(bucket_hash), groupArray(stage), groupArray(toString(tenant)), groupArray(toString(dataset)),
      groupArray(toRelativeMonthNum(last_month))
    )
    FROM bucket_stages
  ) AS names,
  toRelativeMonthNum({from_month:Date}) AS first_number,
  toRelativeMonthNum({to_month:Date}) AS last_number
SELECT
  names.3[named] AS tenant, names.4[named] AS dataset,
  addMonths(toStartOfMonth({from_month:Date}), toInt64(entry) - first_number) AS month,
  toInt32(since) AS months_since,
  toInt64(count()) AS entered,
  toInt64(countIf(state = 3)) AS reached_m3,
  toInt64(countIf(state = 0)) AS cured,
  toInt64(countIf(state = 1)) AS still,
  toInt64(countIf(state = 4)) AS closed,
  toInt64(countIf(state = 5)) AS vanished,
  reached_m3 / entered AS reached_m3_rate,
  (cured + closed) / entered AS cure_rate,
  still / entered AS still_rate
FROM (
  SELECT
    named, entry, path, is_closed,
    toUInt32(arrayFirst(x -> intDiv(x, 256) > entry AND x % 256 >= 3, path)) AS third,
    intDiv(path[-1], 256) AS last_seen,
    arrayJoin(range(toUInt32(names.5[named] - entry + 1))) AS since,
    multiIf(
      third != 0 AND entry + since >= intDiv(third, 256), 3,
      has(path, toUInt32((entry + since) * 256)), 0,
      has(path, toUInt32((entry + since) * 256 + 1)) OR has(path, toUInt32((entry + since) * 256 + 2)), 1,
      is_closed AND entry + since > last_seen, 4,
      5
    ) AS state
  FROM (
    SELECT
      named, path, is_closed, first_month,
      arrayJoin(arrayFilter(
        (x, before) -> x % 256 = 1 AND intDiv(x, 256) BETWEEN first_number AND last_number
          AND if(before = 0, intDiv(x, 256) = cohort_number, before = x - 1 - 256),
        path, arrayPushFront(arrayPopBack(path), toUInt32(0))
      )) AS entered,
      intDiv(entered, 256) AS entry
    FROM (
      SELECT
        loan_hash,
        indexOf(names.1, any(bucket_hash)) AS named,
        arraySort(groupUniqArray(toUInt32(toRelativeMonthNum(month) * 256 + transform(bucket_hash, names.1, names.2, toUInt8(0))))) AS path,
        toRelativeMonthNum(any(cohort)) AS cohort_number,
        min(month) AS first_month,
        loan_hash IN (SELECT cityHash64(tenant, dataset, loan) FROM loans FINAL WHERE status = 'closed') AS is_closed
      FROM loan_months
      WHERE toRelativeMonthNum(month) >= first_number - 1
      GROUP BY loan_hash
      HAVING max(dpd) > 0 OR max(status) = 'written_off'
      SETTINGS final = 0
    )
  )
  WHERE entry <= names.5[named]
)
GROUP BY tenant, dataset, month, months_since
COMMENT 'm1_m3_conversion(from_month, to_month): one row per tenant, data set, month in which loans entered M1 (month, from from_month to to_month) and months_since that, from 0 to the last closed month end. entered: loans at stage 1 (M1, or a tape\'s first bucket past due) at that month end and not past due at the one before, or disbursed in that month. Each is one of: reached_m3, at stage 3 or worse or written off at some month end since; cured, not past due now; still, at stage 1 or 2 now; closed; vanished (a tape\'s gap). reached_m3_rate = reached_m3 / entered; cure_rate = (cured + closed) / entered; still_rate = still / entered.';

CREATE OR REPLACE VIEW portfolio_at_risk AS
SELECT
  tenant, dataset, month, loans, balance_minor,
  par_1_loans, par_30_loans, par_60_loans, par_90_loans,
  par_1_balance_minor, par_30_balance_minor, par_60_balance_minor, par_90_balance_minor,
  par_1_balance_minor / nullIf(balance_minor, 0) AS par_1,
  par_30_balance_minor / nullIf(balance_minor, 0) AS par_30,
  par_60_balance_minor / nullIf(balance_minor, 0) AS par_60,
  par_90_balance_minor / nullIf(balance_minor, 0) AS par_90,
  written_off_loans, written_off_balance_minor
FROM (
  SELECT
    p.tenant AS tenant, p.dataset AS dataset, month, loans, balance_minor,
    par_1_loans, par_30_loans, par_60_loans, par_90_loans,
    -- A tape without balances has none past due either.
    if(balance_minor IS NULL, NULL, ifNull(at_1, 0)) AS par_1_balance_minor,
    if(balance_minor IS NULL, NULL, ifNull(at_30, 0)) AS par_30_balance_minor,
    if(balance_minor IS NULL, NULL, ifNull(at_60, 0)) AS par_60_balance_minor,
    if(balance_minor IS NULL, NULL, ifNull(at_90, 0)) AS par_90_balance_minor,
    written_off_loans,
    if(all_balances IS NULL, NULL, ifNull(lost, 0)) AS written_off_balance_minor,
    if(dataset = '' AND e.tenant != '', e.last_month, month) AS last_month
  FROM (
    SELECT
      tenant, dataset, month,
      toInt64(countIf(status != 'written_off')) AS loans,
      sumIf(balance, status != 'written_off') AS balance_minor,
      toInt64(countIf(status != 'written_off' AND dpd >= 1)) AS par_1_loans,
      toInt64(countIf(status != 'written_off' AND dpd >= 30)) AS par_30_loans,
      toInt64(countIf(status != 'written_off' AND dpd >= 60)) AS par_60_loans,
      toInt64(countIf(status != 'written_off' AND dpd >= 90)) AS par_90_loans,
      sumIf(balance, status != 'written_off' AND dpd >= 1) AS at_1,
      sumIf(balance, status != 'written_off' AND dpd >= 30) AS at_30,
      sumIf(balance, status != 'written_off' AND dpd >= 60) AS at_60,
      sumIf(balance, status != 'written_off' AND dpd >= 90) AS at_90,
      toInt64(countIf(status = 'written_off')) AS written_off_loans,
      sumIf(balance, status = 'written_off') AS lost,
      sum(balance) AS all_balances
    FROM (
      SELECT tenant, dataset, month, status, dpd, balance_minor AS balance
      FROM loan_months FINAL
      WHERE month BETWEEN toStartOfMonth({from_month:Date}) AND toStartOfMonth({to_month:Date})
    )
    GROUP BY tenant, dataset, month
  ) AS p
  LEFT JOIN closed_dates AS e ON e.tenant = p.tenant
)
WHERE month <= last_month
COMMENT 'portfolio_at_risk(from_month, to_month): one row per tenant, data set and closed month end. loans and balance_minor: those not written off. par_t_loans, par_t_balance_minor: of these the ones at t or more days past due; par_t = par_t_balance_minor / balance_minor, for t = 1, 30, 60, 90. written_off_loans, written_off_balance_minor: written off by then, with the balance at write-off; they are in no rate. Balances are NULL where a tape has none.';

CREATE OR REPLACE VIEW first_payment_default AS
WITH
  due AS (
    SELECT
      cityHash64(tenant, dataset, loan) AS loan_hash, tenant, dataset, cohort, product, channel,
      arraySlice(first_due_dates, 1, 3) AS dues, e.closed_through AS closed_through
    FROM loans AS l FINAL
    INNER JOIN closed_dates AS e ON e.tenant = l.tenant
    WHERE dataset = '' AND notEmpty(first_due_dates)
      AND cohort BETWEEN toStartOfMonth({from_month:Date}) AND toStartOfMonth({to_month:Date})
  ),
  days AS (
    SELECT loan_hash, arraySort(groupArray((date, offset, seq, if(status = 'written_off', toInt32(100000), dpd)))) AS states
    FROM loan_days
    WHERE dataset = '' AND date >= toStartOfMonth({from_month:Date}) AND loan_hash IN (SELECT loan_hash FROM due)
    GROUP BY loan_hash
    SETTINGS final = 0
  ),
  tried AS (
    SELECT
      d.tenant AS tenant, d.dataset AS dataset, d.cohort AS cohort, d.product AS product, d.channel AS channel,
      measure, days,
      -- The instalments that the measure looks at, and on which dates.
      arrayMap(x -> x + days, if(measure = 4, d.dues, arraySlice(d.dues, measure, 1))) AS dates,
      dates[-1] <= d.closed_through AS has_matured,
      has_matured AND arrayExists(x -> (arrayLast(s -> s.1 <= x, s.states) AS state).4 >= days, dates) AS is_bad
    FROM due AS d
    LEFT JOIN days AS s ON s.loan_hash = d.loan_hash
    ARRAY JOIN [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4] AS measure, [1, 7, 30, 1, 7, 30, 1, 7, 30, 1, 7, 30] AS days
    WHERE notEmpty(dates)
  )
SELECT
  tenant, dataset, cohort, product, channel, ['fpd', 'spd', 'tpd', 'first_three'][measure] AS measure, toInt32(days) AS days_past_due,
  toInt64(count()) AS loans,
  toInt64(countIf(has_matured)) AS matured,
  toInt64(countIf(is_bad)) AS bad,
  bad / nullIf(matured, 0) AS rate,
  matured = loans AS is_matured
FROM tried
GROUP BY tenant, dataset, cohort, product, channel, measure, days
COMMENT 'first_payment_default(from_month, to_month): one row per tenant, data set, cohort, product, channel, measure and days_past_due (1, 7, 30). measure fpd, spd, tpd: the first, second, third instalment as disbursed; first_three: any of them (of a loan with fewer those it has). An instalment due on D is t days past due if at the end of D + t the loan is t or more days past due or written off. loans: those that have the instalment; matured: of these the ones whose D + t is a closed day; bad: of the matured ones those past due; rate = bad / matured; is_matured: 1 when all are. Own loans alone; those taken over have no first instalment here.';

CREATE OR REPLACE VIEW warning_outcomes AS
WITH
  opened AS (
    SELECT
      w.tenant AS tenant, borrower, warning_id, severity, signals,
      -- The business date of an instant: the first day that ends at or after it.
      arrayFirst(x -> x.1 >= w.time, e.day_ends).2 AS by_end,
      if(trigger_date != '', toDate(trigger_date), if(by_end = toDate(0), e.closed_through + 1, by_end)) AS opened_on,
      e.closed_through AS closed_through
    FROM warnings AS w FINAL
    INNER JOIN closed_dates AS e ON e.tenant = w.tenant
    WHERE type = 'opened'
  ),
  days AS (
    SELECT
      tenant, borrower,
      arraySort(groupArrayIf(date, dpd >= 1)) AS dates_1,
      arraySort(groupArrayIf(date, dpd >= 30)) AS dates_30,
      arraySort(groupArrayIf(date, dpd >= 90)) AS dates_90
    FROM (
      SELECT tenant, any(borrower) AS borrower, date,
        argMax(if(status = 'written_off', toInt32(100000), dpd), (offset, seq)) AS dpd
      FROM loan_days
      WHERE dataset = ''
      GROUP BY tenant, loan_hash, date
      SETTINGS final = 0
    )
    WHERE dpd >= 1
    GROUP BY tenant, borrower
  )
SELECT
  o.tenant AS tenant, '' AS dataset, o.borrower AS borrower, o.warning_id AS warning_id, o.severity AS severity, opened_on,
  JSONExtractString(signal_json, 'signal') AS signal,
  JSONExtractString(signal_json, 'family') AS family,
  JSONExtractString(signal_json, 'severity') AS signal_severity,
  nullIf(arrayFirst(x -> x >= opened_on, d.dates_1), toDate(0)) AS first_dpd_1,
  nullIf(arrayFirst(x -> x >= opened_on, d.dates_30), toDate(0)) AS first_dpd_30,
  nullIf(arrayFirst(x -> x >= opened_on, d.dates_90), toDate(0)) AS first_dpd_90,
  first_dpd_1 - opened_on AS lead_days_1,
  first_dpd_30 - opened_on AS lead_days_30,
  first_dpd_90 - opened_on AS lead_days_90,
  opened_on + {horizon_days:Int32} <= closed_through AS is_matured,
  ifNull(lead_days_30 <= {horizon_days:Int32}, 0) AS is_hit_30
FROM opened AS o
LEFT JOIN days AS d ON d.tenant = o.tenant AND d.borrower = o.borrower
ARRAY JOIN JSONExtractArrayRaw(o.signals) AS signal_json
COMMENT 'warning_outcomes(horizon_days): one row per warning and signal active when it opened. opened_on: business date; signal as name@version with its family and severity; first_dpd_1, first_dpd_30, first_dpd_90: first business date on or after opened_on at whose end a loan of the borrower is so many days past due or written off, NULL if none yet; lead_days_1, lead_days_30, lead_days_90: days from opened_on to it; is_matured: whether horizon_days after opened_on are closed days; is_hit_30: whether DPD 30 came within them. Precision of a signal: avg(is_hit_30) of matured rows; its lead time: quantiles of lead_days_30. Own loans alone.';

CREATE OR REPLACE VIEW collection_performance AS
WITH
  actions AS (
    SELECT tenant, borrower, loan, date, 'contact' AS action, toString(channel) AS channel, toString(result) AS result
    FROM contacts FINAL
    WHERE date BETWEEN {from_date:Date} AND {to_date:Date}
    UNION ALL
    SELECT w.tenant, w.borrower, '', arrayFirst(x -> x.1 >= w.time, e.day_ends).2 AS warned_on, 'warning', toString(type), toString(severity)
    FROM warnings AS w FINAL
    INNER JOIN closed_dates AS e ON e.tenant = w.tenant
    WHERE type IN ('opened', 'escalated') AND warned_on BETWEEN {from_date:Date} AND {to_date:Date}
  ),
  concerned AS (
    SELECT
      a.tenant AS tenant, l.dataset AS dataset, a.date AS date, a.action AS action, a.channel AS channel, a.result AS result,
      cityHash64(l.tenant, l.dataset, l.loan) AS loan_hash
    FROM actions AS a
    INNER JOIN loans AS l FINAL ON l.tenant = a.tenant AND l.borrower = a.borrower
    WHERE l.dataset = '' AND (a.loan = '' OR a.loan = l.loan)
  ),
  days AS (
    SELECT loan_hash, arraySort(groupArray((date, offset, seq, dpd, toString(bucket), paid_minor, toString(status)))) AS states
    FROM loan_days
    WHERE dataset = '' AND date <= {to_date:Date} + {within_days:Int32} AND loan_hash IN (SELECT loan_hash FROM concerned)
    GROUP BY loan_hash
    SETTINGS final = 0
  ),
  followed AS (
    SELECT
      c.tenant AS tenant, c.dataset AS dataset, toStartOfMonth(c.date) AS month, action, channel, result, c.loan_hash AS loan_hash,
      arrayLast(s -> s.1 < c.date, d.states) AS before,
      arrayLast(s -> s.1 <= c.date + {within_days:Int32}, d.states) AS after,
      c.date + {within_days:Int32} <= e.closed_through AS is_matured
    FROM concerned AS c
    INNER JOIN days AS d ON d.loan_hash = c.loan_hash
    INNER JOIN closed_dates AS e ON e.tenant = c.tenant
    WHERE before.7 = 'open'
  )
SELECT
  tenant, dataset, month, action, channel, result, before.5 AS stage,
  toInt64(count()) AS actions,
  toInt64(uniqExact(loan_hash)) AS loans,
  toInt64(countIf(is_matured)) AS matured,
  toInt64(countIf(is_matured AND after.6 > before.6)) AS paid,
  toInt64(countIf(is_matured AND before.4 > 0 AND after.4 = 0 AND after.7 != 'written_off')) AS cured,
  toInt64(countIf(is_matured AND (after.7 = 'written_off' OR (after.4 > before.4 AND after.5 != before.5)))) AS rolled,
  paid / nullIf(matured, 0) AS paid_rate,
  if(stage = 'current', NULL, cured / nullIf(matured, 0)) AS cure_rate,
  rolled / nullIf(matured, 0) AS roll_rate
FROM followed
GROUP BY tenant, dataset, month, action, channel, result, stage
COMMENT 'collection_performance(from_date, to_date, within_days): one row per tenant, data set, month, action (contact or warning), channel (of a warning opened or escalated), result (of a warning its severity) and stage, the bucket of the loan at the end of the day before. actions: contacts or warnings of those dates times the open loans that they concern: the loan named, else all of the borrower; loans: different ones; matured: whose within_days are closed days. Of the matured ones paid: had paid more within_days later than the day before; cured: were past due and are not within_days later (closed counts); rolled: are in a worse bucket or written off. Rates are of matured. Own loans alone.';

CREATE OR REPLACE VIEW loan_card AS
WITH
  the_loan AS (
    SELECT l.*, e.day_ends AS day_ends, e.closed_through AS closed_through
    FROM loans AS l FINAL
    LEFT JOIN closed_dates AS e ON e.tenant = l.tenant
    WHERE loan = {loan:String}
  )
SELECT tenant, dataset, loan, borrower, date, kind, text, amount_minor, dpd
FROM (
  SELECT
    tenant, dataset, loan, borrower, cohort AS date, 1 AS rank, 'loan' AS kind,
    concat(product, ' by ', channel, ', ', toString(instalments), ' instalments, ', currency, ', ', status) AS text,
    toNullable(principal_minor) AS amount_minor, CAST(NULL AS Nullable(Int32)) AS dpd
  FROM the_loan
  UNION ALL
  SELECT
    l.tenant, l.dataset, l.loan, l.borrower,
    arrayFirst(x -> x.1 >= v.time, l.day_ends).2 AS booked_on,
    2, toString(v.type), v.data,
    nullIf(greatest(JSONExtractInt(v.data, 'amount_minor'), JSONExtractInt(v.data, 'principal_minor')), 0), NULL
  FROM events AS v FINAL
  INNER JOIN the_loan AS l ON l.tenant = v.tenant AND l.borrower = v.borrower
  WHERE v.borrower IN (SELECT borrower FROM the_loan) AND (v.type LIKE 'loan.%' OR v.type LIKE 'repayment.%')
    AND JSONExtractString(v.data, 'loan') = {loan:String}
  UNION ALL
  SELECT tenant, dataset, loan, borrower, date, 3, 'bucket', concat(was, ' -> ', bucket), overdue_minor, dpd
  FROM (
    SELECT
      tenant, dataset, loan, borrower, date, toString(bucket) AS bucket, toNullable(overdue_minor) AS overdue_minor, toNullable(dpd) AS dpd,
      lagInFrame(toNullable(toString(bucket))) OVER (
        PARTITION BY tenant, dataset, loan ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS was
    FROM (
      SELECT * FROM loan_days FINAL
      WHERE loan = {loan:String}
      ORDER BY date, offset DESC, seq DESC
      LIMIT 1 BY tenant, dataset, loan, date
    )
  )
  WHERE was != bucket
  UNION ALL
  SELECT tenant, dataset, loan, borrower, toLastDayOfMonth(month), 4, 'month end', concat('MOB ', toString(mob), ', ', bucket), balance_minor, toNullable(dpd)
  FROM loan_months FINAL
  WHERE loan = {loan:String}
  UNION ALL
  SELECT l.tenant, l.dataset, l.loan, l.borrower, c.date, 5, 'contact', concat(c.channel, if(c.result = '', '', ': '), c.result), NULL, NULL
  FROM contacts AS c FINAL
  INNER JOIN the_loan AS l ON l.tenant = c.tenant AND l.borrower = c.borrower
  WHERE c.loan IN ('', {loan:String})
  UNION ALL
  SELECT
    l.tenant, l.dataset, l.loan, l.borrower, arrayFirst(x -> x.1 >= w.time, l.day_ends).2 AS warned_on, 6, 'warning',
    concat(w.type, ' ', w.severity, ': ', arrayStringConcat(arrayMap(x -> JSONExtractString(x, 'signal'), JSONExtractArrayRaw(w.signals)), ', ')),
    NULL, NULL
  FROM warnings AS w FINAL
  INNER JOIN the_loan AS l ON l.tenant = w.tenant AND l.borrower = w.borrower
  WHERE w.borrower IN (SELECT borrower FROM the_loan)
)
ORDER BY tenant, dataset, date, rank
COMMENT 'loan_card(loan): the whole story of one loan for a post-loan report, oldest first. One row per fact: kind loan (its terms; date is the first of its month), loan.* and repayment.* events (text is their data), bucket (a change, with what is overdue), month end (with the balance), contact, warning (opened, escalated, cleared, with its signals). date: business date, of events that of their booking, 1970-01-01 until that day is closed; amount_minor; dpd.';

ALTER TABLE loans
  ADD COLUMN IF NOT EXISTS is_retail UInt8 COMMENT '1 where the classification takes the loan as retail',
  ADD COLUMN IF NOT EXISTS is_self_directed UInt8 COMMENT '1 where the borrower pays out of the loan itself (self-directed payment)',
  ADD COLUMN IF NOT EXISTS disbursed_date Date COMMENT 'Business date of disbursement in the zone of the tenant';

ALTER TABLE loan_days
  ADD COLUMN IF NOT EXISTS category LowCardinality(String) COMMENT 'pass, special_mention, substandard, doubtful or loss; empty for a closed loan',
  ADD COLUMN IF NOT EXISTS category_clause LowCardinality(String) COMMENT 'Table and version, kind of loan, and the clause that decided';

ALTER TABLE loan_months
  ADD COLUMN IF NOT EXISTS category LowCardinality(String) COMMENT 'pass, special_mention, substandard, doubtful or loss at the month end; empty where nobody classified',
  ADD COLUMN IF NOT EXISTS category_clause LowCardinality(String) COMMENT 'Table and version, kind of loan, and the clause that decided';

ALTER TABLE loan_months
  ADD COLUMN IF NOT EXISTS loan_hash UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins',
  ADD COLUMN IF NOT EXISTS category_state UInt8 MATERIALIZED multiIf(status = 'written_off', 6, category = 'pass', 1,
    category = 'special_mention', 2, category = 'substandard', 3, category = 'doubtful', 4, category = 'loss', 5,
    1 + (dpd > 0) + (dpd > 90) + (dpd > 270) + (dpd > 360))
    COMMENT '1 pass to 5 loss, 6 written off; where there is no category that of the days past due by loans-2023@1';

CREATE OR REPLACE VIEW five_category_migration AS
WITH
  ['pass', 'special_mention', 'substandard', 'doubtful', 'loss', 'written_off', 'gone'] AS states,
  toStartOfMonth({from_month:Date}) AS first_month,
  toStartOfMonth({to_month:Date}) AS last_month,
  70368744177664 AS balance_base,
  281474976710655 AS balance_mask
SELECT
  tenant, dataset, states[from_state] AS from_category, states[to_state] AS to_category, loans,
  if(is_known, opening, NULL) AS opening_balance_minor,
  if(is_known, closing, NULL) AS closing_balance_minor,
  if(is_known, decrease, NULL) AS decrease_minor,
  loans / sum(loans) OVER from_one AS share_of_loans,
  opening_balance_minor / nullIf(sum(opening_balance_minor) OVER from_one, 0) AS share_of_balance,
  if(from_state < 5, sum(if(to_state > from_state, closing_balance_minor, 0)) OVER from_one
    / nullIf(sum(opening_balance_minor - decrease_minor) OVER from_one, 0), NULL) AS migration_rate,
  if(from_state < 5, sum(if(to_state > from_state AND to_state <= 5, loans, 0)) OVER from_one
    / nullIf(sum(if(to_state <= 5, loans, 0)) OVER from_one, 0), NULL) AS migration_rate_of_loans,
  sum(if(from_state <= 2 AND to_state > 2, closing_balance_minor, 0)) OVER book
    / nullIf(sum(if(from_state <= 2, opening_balance_minor - decrease_minor, 0)) OVER book, 0) AS normal_migration_rate
FROM (
  SELECT
    any(d.tenant) AS tenant, any(d.dataset) AS dataset, from_state, to_state,
    toInt64(sum(p.loans)) AS loans, sum(p.opening) AS opening, sum(p.closing) AS closing, sum(p.decrease) AS decrease,
    sum(p.unknown) = 0 AS is_known
  FROM (
    SELECT
      book_key, place, from_state, to_state, count() AS loans,
      sum(opening_balance) AS opening, sum(closing_balance) AS closing,
      sum(greatest(0, opening_balance - closing_balance)) AS decrease,
      countIf(opening_code = 0 OR (to_state <= 5 AND closing_code = 0)) AS unknown
    FROM (
      SELECT
        book_key,
        toUInt16(bitShiftRight(code, 52)) AS place,
        toUInt8(bitAnd(bitShiftRight(code, 48), 7)) AS from_state,
        if(bitShiftRight(next, 51) = bitShiftRight(code, 51) + 1, toUInt8(bitAnd(bitShiftRight(next, 48), 7)), 7) AS to_state,
        toInt64(bitAnd(code, balance_mask)) AS opening_code,
        toInt64(bitAnd(next, balance_mask)) AS closing_code,
        opening_code - balance_base AS opening_balance,
        if(to_state > 5, 0, closing_code - balance_base) AS closing_balance
      FROM (
        SELECT
          cityHash64(any(tenant), any(dataset)) AS book_key,
          arrayCompact(arraySort(arrayConcat(
            groupArrayIf(bitShiftLeft(toUInt64(months), 52) + payload, is_opening),
            groupArrayIf(bitShiftLeft(toUInt64(months - {horizon_months:Int32}), 52) + 2251799813685248 + payload, is_closing)
          ))) AS codes
        FROM (
          SELECT
            tenant, dataset, loan_hash,
            dateDiff('month', first_month, month) AS months,
            bitShiftLeft(toUInt64(category_state), 48) + ifNull(toUInt64(balance_minor + balance_base), 0) AS payload,
            month BETWEEN first_month AND last_month AND category_state != 6 AS is_opening,
            month BETWEEN addMonths(first_month, {horizon_months:Int32})
              AND addMonths(last_month, {horizon_months:Int32}) AS is_closing
          FROM loan_months
          WHERE is_opening OR is_closing
        )
        GROUP BY loan_hash
      )
      ARRAY JOIN codes AS code, arrayPushBack(arrayPopFront(codes), 0) AS next
      WHERE NOT bitTest(code, 51)
    )
    GROUP BY book_key, place, from_state, to_state
  ) AS p
  INNER JOIN (
    SELECT
      any(loan_months.tenant) AS tenant, any(loan_months.dataset) AS dataset,
      cityHash64(loan_months.tenant, loan_months.dataset) AS book_key,
      dateDiff('month', first_month, month) - {horizon_months:Int32} AS place
    FROM loan_months
    WHERE month BETWEEN addMonths(first_month, {horizon_months:Int32}) AND addMonths(last_month, {horizon_months:Int32})
    GROUP BY book_key, place
  ) AS d ON d.book_key = p.book_key AND d.place = p.place
  GROUP BY p.book_key, from_state, to_state
)
WHERE throwIf({horizon_months:Int32} < 1, 'horizon_months is at least 1') = 0
WINDOW
  from_one AS (PARTITION BY tenant, dataset, from_state),
  book AS (PARTITION BY tenant, dataset)
SETTINGS final = 0;

CREATE OR REPLACE VIEW five_category_rates AS
WITH ['pass', 'special_mention', 'substandard', 'doubtful', 'loss'] AS categories
SELECT
  tenant, dataset, rate_of,
  transform(rate_of, ['pass', 'special_mention', 'substandard', 'doubtful', 'normal'],
    ['正常类贷款迁徙率', '关注类贷款迁徙率', '次级类贷款迁徙率', '可疑类贷款迁徙率', '正常贷款迁徙率'], '') AS name_zh,
  toInt64(sum(loans)) AS loans,
  sum(opening_balance_minor) AS opening_balance_minor,
  sum(decrease_minor) AS decrease_minor,
  if(opening_balance_minor IS NULL, NULL, sum(if(is_down, closing_balance_minor, 0))) AS downward_minor,
  downward_minor / nullIf(opening_balance_minor - decrease_minor, 0) AS rate
FROM (
  SELECT
    tenant, dataset, loans, opening_balance_minor, decrease_minor, closing_balance_minor,
    arrayJoin(if(from_category IN ('pass', 'special_mention'), [from_category, 'normal'], [from_category])) AS rate_of,
    indexOf(categories, to_category) > if(rate_of = 'normal', 2, indexOf(categories, from_category)) AS is_down
  FROM five_category_migration(
    from_month = {from_month:Date}, to_month = {to_month:Date}, horizon_months = {horizon_months:Int32})
  WHERE from_category != 'loss'
)
GROUP BY tenant, dataset, rate_of;

CREATE TABLE IF NOT EXISTS inspections (
  `tenant` LowCardinality(String) COMMENT 'Tenant',
  `borrower` String COMMENT 'Borrower token',
  `loan` String COMMENT 'Loan, empty where all of the borrower\'s were inspected',
  `date` Date COMMENT 'Business date of the inspection',
  `inspected_at` DateTime64(3, 'UTC') COMMENT 'When it was',
  `kind` LowCardinality(String) COMMENT 'Kind in the words of the platform; empty when it did not say',
  `result` LowCardinality(String) COMMENT 'Result in the words of the platform; empty when it did not say',
  `partition` UInt16 COMMENT 'Partition of the log',
  `offset` UInt64 COMMENT 'Place of the event'
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, date, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  auto_statistics_types = '', write_marks_for_substreams_in_compact_parts = 0, merge_selector_base = 20
COMMENT 'One row per inspection of a loan, or of all that a borrower has.';

CREATE OR REPLACE VIEW post_loan_checks AS
WITH
  {date:Date} AS at,
  toStartOfMonth(at) AS month,
  toDate(0) AS never
SELECT
  tenant, dataset, loan, borrower, product, channel, disbursed_date, category, severity, segment,
  multiIf(
    isNull(taken_over_at) AND last_done = never, 'first',
    segment = 'half_year' AND last_done < month AND cityHash64(loan, month) % 100 < 5, 'sample',
    segment) AS check,
  multiIf(
    check = 'first', addDays(start, if(is_self_directed = 1, 3, 7)),
    check = 'sample', least(toLastDayOfMonth(at), routine_date),
    routine_date) AS due_date,
  if(last_done = never, NULL, last_done) AS last_inspection,
  multiIf(due_date < at, 'overdue', due_date < addDays(at, 7), 'due', 'done') AS status,
  toInt32(greatest(0, dateDiff('day', due_date, at))) AS days_overdue
FROM (
  SELECT
    l.tenant AS tenant, l.dataset AS dataset, l.loan AS loan, l.borrower AS borrower, l.product AS product,
    l.channel AS channel, l.disbursed_date AS disbursed_date, l.taken_over_at AS taken_over_at,
    l.is_self_directed AS is_self_directed,
    ifNull(l.taken_over_at, l.disbursed_date) AS start,
    d.category AS category,
    if(w.type = 'cleared', '', w.severity) AS severity,
    multiIf(
      category IN ('substandard', 'doubtful', 'loss') OR severity IN ('orange', 'red'), 'monthly',
      category = 'special_mention' OR severity = 'yellow', 'quarterly',
      'half_year') AS segment,
    arrayMax(arrayPushBack(
      arrayMap(x -> x.2, arrayFilter(x -> x.1 IN ('', l.loan) AND x.2 >= start, i.done)), never)) AS last_done,
    addMonths(greatest(last_done, start), transform(segment, ['monthly', 'quarterly'], [1, 3], 6)) AS routine_date
  FROM loans AS l FINAL
  LEFT JOIN (
    SELECT tenant, loan, argMax(category, (date, offset, seq)) AS category
    FROM loan_days
    WHERE dataset = '' AND date <= at
    GROUP BY tenant, loan
    SETTINGS final = 0
  ) AS d ON d.tenant = l.tenant AND d.loan = l.loan
  LEFT JOIN (
    SELECT tenant, borrower, argMax(type, feed_seq) AS type, argMax(severity, feed_seq) AS severity
    FROM warnings
    WHERE time < toDateTime64(addDays(at, 1), 3, 'UTC')
    GROUP BY tenant, borrower
    SETTINGS final = 0
  ) AS w ON w.tenant = l.tenant AND w.borrower = l.borrower
  LEFT JOIN (
    SELECT tenant, borrower, groupArray((loan, date)) AS done
    FROM inspections
    WHERE date <= at
    GROUP BY tenant, borrower
    SETTINGS final = 0
  ) AS i ON i.tenant = l.tenant AND i.borrower = l.borrower
  WHERE l.dataset = '' AND start <= at AND (l.status = 'open' OR l.status_date > at)
);

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
