-- The five categories of a loan, and views on them. Views say FINAL themselves, so that they are right in any session.

ALTER TABLE loans
  ADD COLUMN IF NOT EXISTS is_retail UInt8 COMMENT '1 where the classification takes the loan as retail',
  ADD COLUMN IF NOT EXISTS is_self_directed UInt8 COMMENT '1 where the borrower pays out of the loan itself (self-directed payment)',
  ADD COLUMN IF NOT EXISTS disbursed_date Date COMMENT 'Business date of disbursement in the zone of the tenant';

ALTER TABLE loan_days
  ADD COLUMN IF NOT EXISTS category LowCardinality(String) COMMENT 'pass, special_mention, substandard, doubtful or loss; empty for a closed loan',
  ADD COLUMN IF NOT EXISTS category_clause LowCardinality(String) COMMENT 'Table and version, kind of loan, and the clause that decided';

ALTER TABLE loan_months
  ADD COLUMN IF NOT EXISTS category LowCardinality(String) COMMENT 'pass, special_mention, substandard, doubtful or loss at the month end; empty where nobody classified',
  ADD COLUMN IF NOT EXISTS category_clause LowCardinality(String) COMMENT 'Table and version, kind of loan, and the clause that decided';
