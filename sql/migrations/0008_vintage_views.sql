-- Views by cohort.

CREATE OR REPLACE VIEW vintage AS
WITH
  -- Own loans that may have no row any more and are bad all the same.
  ended AS (
    SELECT cityHash64(tenant, dataset, loan)
    FROM loans FINAL
    WHERE dataset = '' AND (is_worst_dpd_known OR {series:String} = 'current') AND (
      status = 'written_off' OR (status = 'closed' AND {series:String} = 'ever' AND worst_dpd >= {threshold_dpd:Int32})
    )
  ),
  last_mobs AS (
    SELECT loan_hash, max(mob) AS last_mob FROM loan_months WHERE loan_hash IN ended GROUP BY loan_hash SETTINGS final = 0
  ),
  -- What happens in a cell of the cohort, at which months on book: loans that join it, rows, loans that end.
  happened AS (
    SELECT
      tenant, dataset, cohort, product, channel, mob,
      toInt64(0) AS joined_count, toInt64(0) AS joined_balance,
      toInt64(count()) AS row_count, sum(balance_minor) AS row_balance,
      toInt64(countIf(is_bad)) AS bad_count, sumIf(balance_minor, is_bad) AS bad_balance,
      toInt64(0) AS ended_count, toInt64(0) AS ended_balance, dataset != '' AS is_cell
    FROM (
      SELECT
        tenant, dataset, cohort, product, channel, mob, balance_minor,
        status = 'written_off' OR if({series:String} = 'ever', worst_dpd, dpd) >= {threshold_dpd:Int32} AS is_bad
      FROM loan_months FINAL
      -- Where the worst before a loan was taken over is missing, nothing can be said of "ever".
      WHERE is_worst_dpd_known OR {series:String} = 'current'
    )
    GROUP BY tenant, dataset, cohort, product, channel, mob
    UNION ALL
    SELECT
      tenant, dataset, cohort, product, channel,
      toInt32(if(taken_over_at IS NULL, 0, greatest(0, dateDiff('month', cohort, assumeNotNull(taken_over_at))))) AS mob,
      toInt64(count()), sum(principal_minor), 0, NULL, 0, NULL, 0, 0, 0
    FROM loans FINAL
    WHERE dataset = '' AND (is_worst_dpd_known OR {series:String} = 'current')
    GROUP BY tenant, dataset, cohort, product, channel, mob
    UNION ALL
    SELECT
      l.tenant, l.dataset, l.cohort, l.product, l.channel,
      toInt32(greatest(dateDiff('month', l.cohort, ifNull(l.status_date, l.cohort)), if(r.loan_hash = 0, 0, r.last_mob + 1))) AS mob,
      0, 0, 0, NULL, 0, NULL, toInt64(count()), sum(if(l.status = 'written_off', l.written_off_balance_minor, 0)), 0
    FROM (SELECT *, cityHash64(tenant, dataset, loan) AS loan_hash FROM loans FINAL) AS l
    LEFT JOIN last_mobs AS r ON r.loan_hash = l.loan_hash
    WHERE l.loan_hash IN ended
    GROUP BY l.tenant, l.dataset, l.cohort, l.product, l.channel, mob
    UNION ALL
    -- The cells of own loans: every cohort at every month end that is closed, whether anything happened or not.
    SELECT
      c.tenant, '', cohort, product, channel,
      toInt32(arrayJoin(range(toUInt32(greatest(0, dateDiff('month', cohort, if(e.tenant = '', s.last_seen, e.last_month)) + 1))))) AS mob,
      0, 0, 0, NULL, 0, NULL, 0, 0, 1
    FROM (SELECT DISTINCT tenant, cohort, product, channel FROM loans FINAL WHERE dataset = '') AS c
    LEFT JOIN closed_dates AS e ON e.tenant = c.tenant
    LEFT JOIN (
      SELECT tenant, max(month) AS last_seen FROM loan_months WHERE dataset = '' GROUP BY tenant SETTINGS final = 0
    ) AS s ON s.tenant = c.tenant
  ),
  counted AS (
    SELECT
      tenant, dataset, cohort, mob, product, channel,
      if({basis:String} = 'count', if(dataset = '', joined_so_far, row_count), if(dataset = '', paid_out, row_balance)) AS loans,
      if({basis:String} = 'count', bad_count + ended_so_far, if(loans IS NULL, NULL, ifNull(bad_balance, 0) + lost)) AS bad
    FROM (
      SELECT
        tenant, dataset, cohort, product, channel, mob, row_count, row_balance, bad_count, bad_balance, is_cell,
        sum(joined_count) OVER so_far AS joined_so_far, sum(joined_balance) OVER so_far AS paid_out,
        sum(ended_count) OVER so_far AS ended_so_far, sum(ended_balance) OVER so_far AS lost
      FROM (
        SELECT
          tenant, dataset, cohort, product, channel, mob,
          sum(joined_count) AS joined_count, sum(joined_balance) AS joined_balance, sum(row_count) AS row_count,
          sum(row_balance) AS row_balance, sum(bad_count) AS bad_count, sum(bad_balance) AS bad_balance,
          sum(ended_count) AS ended_count, sum(ended_balance) AS ended_balance, max(is_cell) AS is_cell
        FROM happened
        GROUP BY tenant, dataset, cohort, product, channel, mob
      )
      WINDOW so_far AS (
        PARTITION BY tenant, dataset, cohort, product, channel ORDER BY mob ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      )
    )
    WHERE is_cell AND (dataset != '' OR joined_so_far > 0)
  )
SELECT
  tenant, dataset, cohort, mob, product, channel, loans, bad,
  bad / nullIf(loans, 0) AS rate,
  if({basis:String} = 'count', greatest(0, (rate + 1.920729410347062 / loans
    - 1.959963984540054 * sqrt(rate * (1 - rate) / loans + 0.960364705173531 / (loans * loans)))
    / (1 + 3.841458820694124 / loans)), NULL) AS rate_low,
  if({basis:String} = 'count', least(1, (rate + 1.920729410347062 / loans
    + 1.959963984540054 * sqrt(rate * (1 - rate) / loans + 0.960364705173531 / (loans * loans)))
    / (1 + 3.841458820694124 / loans)), NULL) AS rate_high
FROM counted
WHERE throwIf({basis:String} NOT IN ('count', 'balance'), 'basis is count or balance') = 0
  AND throwIf({series:String} NOT IN ('ever', 'current'), 'series is ever or current') = 0
COMMENT 'vintage(threshold_dpd, basis, series): one row per tenant, data set, cohort (first day of the month of disbursement), months on book (mob; 0 is the month of disbursement), product and channel, up to the last month end that is closed. basis count: loans = all loans of the cohort, also after they ended (of a tape those with a row at that mob); bad = those past the threshold; rate = bad / loans with a Wilson interval of 95 % (rate_low, rate_high). basis balance: loans = principal disbursed (of a tape the balances at that mob); bad = what bad loans owe at that month end. series ever: worst so far >= threshold_dpd; current: at that month end. A written-off loan is bad from then on, with its balance at write-off. A loan that was taken over counts from the first month end after that on, in ever only if its worst before is known: what is missing is not zero.';
