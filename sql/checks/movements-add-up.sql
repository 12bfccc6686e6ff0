-- Of each loan, date and part: closing = opening + disbursed + taken_over + accrued - allocated + reversed - waived
-- - written_off + capitalised, also in rows that were superseded since.
SELECT
  tenant, loan, date, toString(part) AS part,
  opening_minor + disbursed_minor + taken_over_minor + accrued_minor - allocated_minor + reversed_minor - waived_minor
    - written_off_minor + capitalised_minor AS expected_minor,
  closing_minor AS actual_minor
FROM movements
WHERE expected_minor != actual_minor
