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
      toInt64(0) AS ended_count, toInt64(0) AS ended_balance
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
      toInt64(count()), sum(principal_minor), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0)
    FROM loans FINAL
    WHERE dataset = '' AND (is_worst_dpd_known OR {series:String} = 'current')
    GROUP BY tenant, dataset, cohort, product, channel, mob
    UNION ALL
    SELECT
      l.tenant, l.dataset, l.cohort, l.product, l.channel,
      toInt32(greatest(dateDiff('month', l.cohort, ifNull(l.status_date, l.cohort)), if(r.loan_hash = 0, 0, r.last_mob + 1))) AS mob,
      toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0),
      toInt64(count()), sum(if(l.status = 'written_off', l.written_off_balance_minor, 0))
    FROM (SELECT *, cityHash64(tenant, dataset, loan) AS loan_hash FROM loans FINAL) AS l
    LEFT JOIN last_mobs AS r ON r.loan_hash = l.loan_hash
    WHERE l.loan_hash IN ended
    GROUP BY l.tenant, l.dataset, l.cohort, l.product, l.channel, mob
  ),
  cohorts AS (
    SELECT
      tenant, dataset, cohort, product, channel,
      groupArray(mob) AS mobs,
      groupArray(tuple(joined_count, joined_balance)) AS joined,
      groupArray(tuple(row_count, row_balance, bad_count, bad_balance)) AS seen,
      groupArray(tuple(ended_count, ended_balance)) AS ended,
      max(max(if(row_count > 0, addMonths(cohort, mob), toDate(0)))) OVER (PARTITION BY tenant, dataset) AS last_seen
    FROM happened
    GROUP BY tenant, dataset, cohort, product, channel
  ),
  cells AS (
    SELECT
      tenant, dataset, cohort, product, channel, last_month,
      arrayJoin(range(toUInt32(greatest(0, dateDiff('month', cohort, last_month) + 1)))) AS mob,
      arraySum((at, x) -> if(at <= mob, x.1, 0), mobs, joined) AS joined_count,
      arraySum((at, x) -> if(at <= mob, x.2, 0), mobs, joined) AS joined_balance,
      arraySum((at, x) -> if(at = mob, x.1, 0), mobs, seen) AS row_count,
      arraySum((at, x) -> if(at = mob, ifNull(x.2, 0), 0), mobs, seen) AS row_balance,
      arraySum((at, x) -> if(at = mob, x.3, 0), mobs, seen) + arraySum((at, x) -> if(at <= mob, x.1, 0), mobs, ended) AS bad_count,
      arraySum((at, x) -> if(at = mob, ifNull(x.4, 0), 0), mobs, seen)
        + arraySum((at, x) -> if(at <= mob, x.2, 0), mobs, ended) AS bad_balance,
      dataset != '' AND NOT arrayExists((at, x) -> at = mob AND x.2 IS NOT NULL, mobs, seen) AS has_no_balance
    FROM (
      SELECT c.*, if(c.dataset = '' AND e.tenant != '', e.last_month, c.last_seen) AS last_month
      FROM cohorts AS c
      LEFT JOIN closed_dates AS e ON e.tenant = c.tenant
    )
  ),
  counted AS (
    SELECT
      tenant, dataset, cohort, toInt32(mob) AS mob, product, channel,
      multiIf(
        {basis:String} = 'count', if(dataset = '', joined_count, row_count),
        has_no_balance, NULL,
        dataset = '', joined_balance, row_balance
      ) AS loans,
      multiIf({basis:String} = 'count', bad_count, has_no_balance, NULL, bad_balance) AS bad
    FROM cells
    WHERE if(dataset = '', joined_count, row_count) > 0
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
