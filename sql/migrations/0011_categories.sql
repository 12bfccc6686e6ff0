-- The five categories of a loan, and views on them. Views say FINAL themselves, so that they are right in any session.

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

-- Numbers in place of texts, for what the views join and group by.

ALTER TABLE loan_months
  ADD COLUMN IF NOT EXISTS loan_hash UInt64 MATERIALIZED cityHash64(tenant, dataset, loan) COMMENT 'The loan as a number, for joins',
  ADD COLUMN IF NOT EXISTS category_state UInt8 MATERIALIZED multiIf(status = 'written_off', 6, category = 'pass', 1,
    category = 'special_mention', 2, category = 'substandard', 3, category = 'doubtful', 4, category = 'loss', 5,
    1 + (dpd > 0) + (dpd > 90) + (dpd > 270) + (dpd > 360))
    COMMENT '1 pass to 5 loss, 6 written off; where there is no category that of the days past due by loans-2023@1';

-- five_category_migration(from_month, to_month, horizon_months): one row per tenant, data set, category at an opening month
-- end and what became of the loan `horizon_months` later, over the opening months from `from_month` to `to_month` (first
-- days, inclusive) whose later month end the data set has.
--   from_category  of loans on the books: a loan that was written off before has left them.
--   to_category    a category; 'written_off'; 'gone' where the loan has no row then: repaid, closed, or missing from a tape.
--   A row without a category (a tape, or rows older than the classification) has that of its DPD by loans-2023@1.
--   opening_balance_minor, closing_balance_minor: unpaid principal at the two month ends; nothing once it is written off or gone.
--   decrease_minor    sum over loans of what the balance fell by: repayment, disposal, write-off. A balance that rose fell by 0.
--   share_of_loans, share_of_balance: of all loans, and of their opening balance, in that from_category; each sums to 1.
--   migration_rate    of the from_category, 正常类 关注类 次级类 可疑类贷款迁徙率: closing balance of its loans that are in a worse
--                     category at the later month end / (opening balance - decrease). NULL for loss.
--   migration_rate_of_loans: the same by count: loans in a worse category / loans neither written off nor gone.
--   normal_migration_rate  正常贷款迁徙率, the same in all rows of a data set: closing balance of pass and special mention loans
--                     that are non-performing at the later month end / (their opening balance - their decrease).
--   Amounts and rates by amount are NULL where the data set has no balances.

--   How it is computed: each loan's month ends as one sorted list of numbers, in which a month end as an opening and the one
--   `horizon_months` later as its closing lie side by side. A number holds, from its highest bits: months from `from_month` to
--   the opening (12), opening or closing (1), state (3), balance (48, 2^46 added, 0 for NULL). Rows that were written twice are
--   equal and fall together in the list, so that FINAL, which costs more than all of this, is not needed.

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

-- five_category_rates(from_month, to_month, horizon_months): one row per tenant, data set and supervisory migration rate of
-- five_category_migration, with what it is made of: rate = downward_minor / (opening_balance_minor - decrease_minor).
--   rate_of  pass, special_mention, substandard, doubtful: of that category; normal: of pass and special mention together,
--            down to non-performing.

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

-- post_loan_checks(date): one row per tenant and own loan that is open at the end of `date`: the inspection that is next.
--   segment   monthly    the loan is substandard, doubtful or loss, or the borrower has an open warning that is orange or red;
--             quarterly  it is special mention, or has an open yellow warning;
--             half_year  any other.
--             The category is that at the end of `date` as known now; a warning counts from the date of its time in UTC on.
--   check     first      no inspection since it was disbursed: due 7 days after that, 3 where the borrower pays out of the loan
--                        itself (is_self_directed). A loan that was taken over has no first check.
--             sample     5 of 100 loans of the segment half_year, drawn anew each month by a hash of loan and month, and not
--                        inspected in the month of `date` yet: due on its last day, or when its half year ends if that is earlier;
--             else the segment: due 1, 3 or 6 months after the last inspection (of a loan taken over without one: the takeover).
--   status    overdue    due_date lies before `date`; due: it lies in the 7 days from `date` on; done: later.
--   An inspection without a loan counts for all that the borrower has.

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
