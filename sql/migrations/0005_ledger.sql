-- The loan ledger by part: balances on every business date, what moved between them, and what became known later.

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

-- loan_ledger: the rows of loan_movements that are in force now: of each loan, date and part the one known last. A row
-- that says that nothing moved after all is left out.

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

-- loan_days_as_known(from_date, to_date, as_known): one row per loan and business date from `from_date` to `to_date`, as known
-- at the end of business date `as_known`, days without a change filled from the last one before.
--   Of each loan and date the row known last by then; it holds until the loan's next one, at most through the last date
--   closed by then. A loan begins with its first row; one that was closed ends with the date of its closing, one that was
--   written off goes on.

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

-- loan_days_filled(from_date, to_date): the same as known now.

CREATE OR REPLACE VIEW loan_days_filled AS
SELECT * FROM loan_days_as_known(from_date = {from_date:Date}, to_date = {to_date:Date}, as_known = toDate('2149-06-06'));

-- vintage: as before, but for loans that were taken over while they ran. Nothing is known of them before their takeover, so
-- that they count from the month end of it on; in the series 'ever' only those whose worst days past due came with them.

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
