-- Of each loan and part the opening of a date on which something moved is the closing of the last such date before.
SELECT tenant, loan, date, toString(part) AS part, closing_before AS expected_minor, opening_minor AS actual_minor
FROM (
  SELECT
    tenant, loan, date, part, opening_minor,
    lagInFrame(closing_minor, 1, toInt64(0)) OVER (
      PARTITION BY tenant, loan, part ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS closing_before
  FROM ledger
)
WHERE opening_minor != closing_before
