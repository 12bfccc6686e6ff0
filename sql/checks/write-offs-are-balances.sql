-- Of each loan that was written off and each part what was written off is what loan_days kept of it.
SELECT k.tenant AS tenant, k.loan AS loan, k.date AS date, k.part AS part,
  k.balance_minor AS expected_minor, w.written_off_minor AS actual_minor
FROM (
  SELECT tenant, loan, date, balance.1 AS part, balance.2 AS balance_minor
  FROM (SELECT * FROM days WHERE status = 'written_off' ORDER BY tenant, loan, date DESC LIMIT 1 BY tenant, loan)
  ARRAY JOIN [
    ('principal', outstanding_principal_minor), ('interest', interest_minor), ('fee', fee_minor), ('penalty', penalty_minor)
  ] AS balance
) AS k
LEFT JOIN (
  SELECT tenant, loan, toString(part) AS part, sum(written_off_minor) AS written_off_minor
  FROM ledger
  GROUP BY tenant, loan, part
) AS w ON w.tenant = k.tenant AND w.loan = k.loan AND w.part = k.part
WHERE expected_minor != actual_minor
