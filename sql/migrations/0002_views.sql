-- Views that analysts call with parameters. They say FINAL themselves, so that they are right in any session.
--
-- vintage(threshold_dpd, basis, series): one row per tenant, data set, cohort, months on book, product and channel.
--   basis   'count': loans = all loans of the cohort; bad = those past the threshold; with a Wilson interval of 95 %.
--           'balance': loans = principal disbursed to the cohort; bad = what the bad loans still owe at that month end.
--   series  'ever': the worst so far; 'current': at that month end. A loan that was written off is bad from then on.
--   The denominator keeps loans that were closed. Of imported tapes it counts those with a row at that month end.
--   Cells stop at the last month end that the data set has.
--   Own loans have no row after they were closed; `ended` adds them to the months after their last row.

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

-- migration_matrix(from_month, to_month, horizon_months): one row per tenant, data set, bucket at an opening month end and
-- bucket `horizon_months` later, over the opening months from `from_month` to `to_month` (first days, inclusive).
--   A pair counts when both of the loan's rows exist, so the months between do not matter and none is skipped.
--   share_of_loans = loans / loans of that opening bucket; share_of_balance likewise of the opening balance.

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
