-- Views over month ends. They say FINAL where a row that is there twice would count twice; what does not is read without.

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
