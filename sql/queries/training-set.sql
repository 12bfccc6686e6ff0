-- Rows to train the label dpd30_90 on (DESIGN §9), one per borrower and month end: borrower, month_end, label, then every
-- feature as it was at the tick of that day.
--   A row: the borrower had a loan open at that month end, each open one at DPD 0, and none of the borrower's loans had
--   ever been at DPD 30 or written off by then.
--   Label 1: a loan open then reaches DPD 30 or is written off within the 90 days after. Only rows whose 90 days are
--   closed in every partition. What a loan's days were is taken as restated later; who had which features, as known then.
WITH
  ticks AS (
    SELECT partition, offset, toDate(JSONExtractString(data, 'date')) AS date,
      JSONExtractUInt(data, 'slice') AS slice, JSONExtractUInt(data, 'slices') AS slices
    FROM events FINAL
    WHERE tenant = {tenant:String} AND type = 'day.closed'
  ),
  closed AS (
    SELECT max(date) AS last_date
    FROM (
      SELECT date, uniqExact(partition, slice) = max(slices) * (SELECT uniqExact(partition) FROM ticks) AS is_whole
      FROM ticks
      GROUP BY date
    )
    WHERE is_whole
  ),
  bad_days AS (
    SELECT loan, any(borrower) AS borrower, date
    FROM loan_days FINAL
    WHERE tenant = {tenant:String} AND dataset = ''
    GROUP BY loan, date
    HAVING argMax(dpd >= 30 OR status = 'written_off', (offset, seq))
  ),
  loans_then AS (
    SELECT m.borrower AS borrower, m.month AS month, toLastDayOfMonth(m.month) AS month_end, m.dpd AS dpd,
      arrayExists(date -> date > month_end AND date <= month_end + 90, b.dates) AS becomes_bad
    FROM (
      SELECT borrower, loan, month, dpd FROM loan_months FINAL
      WHERE tenant = {tenant:String} AND dataset = '' AND status = 'open'
    ) AS m
    LEFT JOIN (SELECT loan, groupArray(date) AS dates FROM bad_days GROUP BY loan) AS b ON b.loan = m.loan
  ),
  borrowers_bad AS (
    SELECT borrower, min(month_end) AS bad_from
    FROM (
      SELECT borrower, toLastDayOfMonth(month) AS month_end FROM loan_months FINAL
      WHERE tenant = {tenant:String} AND dataset = '' AND (worst_dpd >= 30 OR status = 'written_off')
      UNION ALL
      SELECT borrower, date FROM bad_days
    )
    GROUP BY borrower
  ),
  labelled AS (
    SELECT t.borrower AS borrower, t.month_end AS month_end, t.label AS label
    FROM (
      SELECT borrower, month_end, toUInt8(max(becomes_bad)) AS label
      FROM loans_then
      GROUP BY borrower, month_end
      HAVING max(dpd) = 0
    ) AS t
    LEFT JOIN borrowers_bad AS w ON w.borrower = t.borrower
    WHERE (w.borrower = '' OR w.bad_from > t.month_end) AND t.month_end + 90 <= (SELECT last_date FROM closed)
  )
SELECT f.borrower AS borrower, toString(l.month_end) AS month_end, l.label AS label,
  f.* EXCEPT (tenant, partition, offset, borrower, type, time, late_ms, generation, tick_date)
FROM (
  SELECT v.*, t.date AS tick_date
  FROM (SELECT * FROM features FINAL WHERE tenant = {tenant:String} AND type = 'day.closed') AS v
  INNER JOIN ticks AS t ON t.partition = v.partition AND t.offset = v.offset
) AS f
INNER JOIN labelled AS l ON l.borrower = f.borrower AND l.month_end = f.tick_date
ORDER BY f.borrower, month_end
