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
