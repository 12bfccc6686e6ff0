-- Of each loan and month end the balance is that of the last day up to it, as it was known when the month was closed.
SELECT tenant, loan, toLastDayOfMonth(month) AS date, 'principal' AS part,
  argMax(outstanding_principal_minor, (day, day_offset)) AS expected_minor, any(balance_minor) AS actual_minor
FROM (
  SELECT m.tenant AS tenant, m.loan AS loan, m.month AS month, assumeNotNull(m.balance_minor) AS balance_minor,
    d.date AS day, d.offset AS day_offset, d.outstanding_principal_minor AS outstanding_principal_minor
  FROM months AS m
  INNER JOIN all_days AS d ON d.tenant = m.tenant AND d.loan = m.loan
  WHERE d.date <= toLastDayOfMonth(m.month) AND d.offset <= m.offset
)
GROUP BY tenant, loan, month
HAVING expected_minor != actual_minor
