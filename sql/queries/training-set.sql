-- Rows for training the label dpd30_90 (DESIGN §9): borrower × month end with every open loan at DPD 0 and never at 30 or
-- written off before; 1 if a loan open then reaches DPD 30 or is written off within 90 days. A row counts once those 90
-- days are closed. Columns: borrower, month_end, label, then all features. `zone` is the tenant's time zone.
WITH
  bad_days AS (
    SELECT tenant, borrower, loan, min(date) AS first_bad
    FROM loan_days
    WHERE dataset = '' AND (dpd >= 30 OR status = 'written_off')
    GROUP BY tenant, borrower, loan
  ),
  outcomes AS (
    SELECT
      loans.tenant AS tenant,
      loans.borrower AS borrower,
      groupArray((toDate(loans.disbursed_at, {zone:String}), bad_days.first_bad)) AS bad_loans
    FROM loans
    INNER JOIN bad_days USING (tenant, borrower, loan)
    WHERE loans.dataset = ''
    GROUP BY tenant, borrower
  ),
  closed AS (
    SELECT max(toDate(JSONExtractString(data, 'date'))) AS last_day
    FROM events
    WHERE type = 'day.closed' AND tenant = {tenant:String}
  )
SELECT
  features.borrower AS borrower,
  toDate(features.time, {zone:String}) AS month_end,
  toUInt8(arrayExists(one -> one.1 <= month_end AND one.2 <= month_end + 90, outcomes.bad_loans)) AS label,
  features.* EXCEPT (tenant, partition, offset, borrower, type, time, late_ms, generation)
FROM features
LEFT JOIN outcomes ON outcomes.tenant = features.tenant AND outcomes.borrower = features.borrower
CROSS JOIN closed
WHERE features.tenant = {tenant:String}
  AND features.type = 'day.closed'
  AND toDate(features.time, {zone:String}) = toLastDayOfMonth(toDate(features.time, {zone:String}))
  AND features.dpd_now = 0
  AND NOT arrayExists(one -> one.2 <= toDate(features.time, {zone:String}), outcomes.bad_loans)
  AND toDate(features.time, {zone:String}) + 90 <= closed.last_day
ORDER BY month_end, borrower
