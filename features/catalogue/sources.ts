/**
 * Where entries come from, each with its grade: A a regulator's text or a project's own file, B one institution's or
 * vendor's practice or a summary of a regulation, C a weak page, good for a hint and never for a threshold.
 */
export const SOURCE = {
  SAMA_INCOME: 'SAMA early-warning rules, appendix 1 (payroll down, fewer incoming transfers, overdraft exceeded) (A)',
  SAMA_RECORD: 'SAMA early-warning rules, appendix 1 (instalment to payroll, guarantor default, legal proceeding) (A)',
  SAMA_BALANCE: 'SAMA early-warning rules, appendix 1 (average credit balance against the debt, its fall) (A)',
  SAMA_ARREARS: 'SAMA early-warning rules, appendix 1 (early arrears of 5 to 30 days) (A)',
  FLOW: "lenders' post-loan handbooks: flow of funds and its breaks (B)",
  USE: "lenders' post-loan handbooks: use of the loan, returning money (B)",
  HABIT: "lenders' post-loan handbooks: repayment habit (early, late, partial) (B)",
  LEDGER: "lenders' post-loan handbooks: ledger of loans, limit and term (B)",
  COLLATERAL: "lenders' post-loan handbooks: collateral and guarantor (B)",
  MACRO: "lenders' post-loan handbooks: industry and macro changes (B)",
  STATEMENTS:
    'corporate signals: current ratio below 1, debt ratio rising, turnover of receivables and stock slowing (B)',
  FLAGS:
    'current ratio below 1 is a corporate signal (B); the other three thresholds are ours, common in bank covenants',
  RBI: "RBI's list of 45 early-warning signals: repayments made from other banks' loans (B)",
  SALARY: 'salary practice: one payer for at least 6 months, monthly deviation within 15 % (C), made explicit by us',
  BUFFER: 'ours, after the rule of thumb that a balance should cover 1.5 instalments (C)',
  ACQUIRERS: "acquirers' cash-out rules: scope by merchant category, round and night amounts (B)",
  TERMINAL_STUDY: 'mobile-terminal cash-out study: manual entry, suspect merchants, share of credit (B)',
  REPAY_SPEND: 'cash-out practice: repay, then spend again within an hour (B)',
  LIMIT:
    'cash-out practice: a single amount of at least 80 % of the limit, the undrawn line falls (C), the ratio is ours',
  RETURN: 'cash-out practice: money back to the own account in 24 to 48 hours (C), the 5 % is ours',
  PARSER: 'bureau-report practice: hard reasons only, windows end at the report date, institutions de-duplicated (B)',
  DICTIONARY: "a bureau vendor's dictionary: queries and institutions by window and type, gaps, night and weekend (B)",
  DPD: 'days past due from the oldest unpaid instalment, minus grace (Apache Fineract: A)',
} as const
