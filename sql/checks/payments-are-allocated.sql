-- Of each loan what was paid is what was allocated to its parts and not taken back, and what was overpaid.
SELECT p.tenant AS tenant, p.loan AS loan, p.date AS date, 'all' AS part,
  p.paid_minor AS expected_minor, a.allocated_minor AS actual_minor
FROM (
  SELECT tenant, loan, date, paid_minor - overpaid_minor AS paid_minor
  FROM days
  ORDER BY tenant, loan, date DESC
  LIMIT 1 BY tenant, loan
) AS p
LEFT JOIN (
  SELECT tenant, loan, sum(allocated_minor - reversed_minor) AS allocated_minor FROM ledger GROUP BY tenant, loan
) AS a ON a.tenant = p.tenant AND a.loan = p.loan
WHERE expected_minor != actual_minor
