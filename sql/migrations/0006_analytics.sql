-- What the analytical views need besides the tables that are there.

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

-- Numbers in place of texts for what the views join and group by: a loan, and a bucket of a data set.

ALTER TABLE loan_months ADD COLUMN IF NOT EXISTS `loan_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins';

ALTER TABLE loan_months ADD COLUMN IF NOT EXISTS `bucket_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, bucket) COMMENT 'The bucket as a number, for groups';

ALTER TABLE loan_days ADD COLUMN IF NOT EXISTS `loan_hash` UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins';

-- Each view says its grain and its formulas in its comment; sql/README.md has all of them with what they mean.

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
