-- Of each loan, date and part the balance in loan_days is the closing of the last date on which something of it moved; of a
-- loan that was written off all has left the books.
SELECT b.tenant AS tenant, b.loan AS loan, b.date AS date, b.part AS part,
  m.closing_minor AS expected_minor, b.balance_minor AS actual_minor
FROM (
  SELECT tenant, loan, date, balance.1 AS part, if(status = 'written_off', 0, balance.2) AS balance_minor
  FROM days
  ARRAY JOIN [
    ('principal', outstanding_principal_minor), ('interest', interest_minor), ('fee', fee_minor), ('penalty', penalty_minor)
  ] AS balance
) AS b
ASOF LEFT JOIN (SELECT tenant, loan, date, toString(part) AS part, closing_minor FROM ledger) AS m
  ON m.tenant = b.tenant AND m.loan = b.loan AND m.part = b.part AND m.date <= b.date
WHERE expected_minor != actual_minor
