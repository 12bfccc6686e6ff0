-- Views of how delinquency goes on. A path of a loan is read without FINAL: a row that is there twice changes no maximum and
-- no set.

CREATE OR REPLACE VIEW roll_rates AS
SELECT
  tenant, dataset, month, toUInt8(stage) AS stage,
  arrayStringConcat(arraySort(arrayFilter((b, s) -> s = stage, buckets, stages)), ' ') AS from_bucket,
  arrayStringConcat(arraySort(arrayFilter((b, s) -> s = next_stage, buckets, stages)), ' ') AS to_bucket,
  opening, rolled, stayed, improved, if(stage = 0, NULL, cured_amount) AS cured, closed, vanished,
  roll_rate,
  if(stage = 0, NULL, cured_amount / nullIf(opening, 0)) AS cure_rate,
  -- The product of the rates from this stage on; NULL where a stage on the way was empty, since nothing is known of it.
  if(
    count(roll_rate) OVER onward = length(arrayFilter(x -> x >= stage AND x < last_stage, arrayDistinct(stages))),
    arrayProduct(groupArray(roll_rate) OVER onward),
    NULL
  ) AS rate_to_loss
FROM (
  SELECT
    tenant, dataset, month, from_stage AS stage,
    any(buckets) AS buckets, any(stages) AS stages, any(last_stage) AS last_stage,
    arrayMin(arrayFilter(x -> x > stage, arrayPushBack(stages, 101))) AS next_stage,
    sum(amount) AS opening,
    sum(amount * (to_stage > from_stage)) AS rolled,
    sum(amount * (to_stage = from_stage)) AS stayed,
    sum(amount * (to_stage > 0 AND to_stage < from_stage)) AS improved,
    sum(amount * (to_stage = 0)) AS cured_amount,
    sum(amount * (to_stage = -1)) AS closed,
    sum(amount * (to_stage = -2)) AS vanished,
    rolled / nullIf(opening, 0) AS roll_rate
  FROM (
    SELECT m.*, s.buckets AS buckets, s.stages AS stages, s.last_stage AS last_stage,
      s.stages[indexOf(s.buckets, m.from_bucket)] AS from_stage,
      multiIf(m.to_bucket = 'closed', -1, m.to_bucket = 'vanished', -2, s.stages[indexOf(s.buckets, m.to_bucket)]) AS to_stage,
      if({basis:String} = 'balance', m.opening_balance_minor, m.loans) AS amount
    FROM bucket_moves(from_month = {from_month:Date}, to_month = {to_month:Date}, horizon_months = 1) AS m
    INNER JOIN (
      SELECT tenant, dataset, groupArray(toString(bucket)) AS buckets, groupArray(toInt16(stage)) AS stages, max(stage) AS last_stage
      FROM bucket_stages
      GROUP BY tenant, dataset
    ) AS s ON s.tenant = m.tenant AND s.dataset = m.dataset
    WHERE m.from_bucket NOT IN ('new', 'taken_over', 'reappeared') AND from_stage < last_stage
      AND throwIf({basis:String} NOT IN ('count', 'balance'), 'basis is count or balance') = 0
  )
  GROUP BY tenant, dataset, month, from_stage
)
WINDOW onward AS (PARTITION BY tenant, dataset, month ORDER BY stage DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
COMMENT 'roll_rates(from_month, to_month, basis): one row per tenant, data set, opening month and stage of delinquency but the last that had a loan: what became of the loans at that stage (from_bucket) by the next month end. basis count: opening, rolled, ... are loans; balance: their opening balances (NULL where a tape has none). opening = rolled (at to_bucket, the next stage, or worse) + stayed + improved (past due, but less) + cured (not past due; NULL for stage 0, where those stayed) + closed + vanished (a tape\'s gap). roll_rate = rolled / opening; cure_rate = cured / opening; rate_to_loss = product of roll_rate from this stage on to the last one, written off where there is one; NULL where a stage on the way had no loan. The series of one stage over the months is the usual M0-M1, M1-M2 chart.';

CREATE OR REPLACE VIEW roll_rates_worst AS
WITH
  (
    SELECT tuple(
      groupArray(bucket_hash), groupArray(toString(tenant)), groupArray(toString(dataset)), groupArray(toString(bucket)),
      groupArray(last_month)
    )
    FROM bucket_stages
  ) AS names,
  toStartOfMonth({observation_month:Date}) AS last_observed
SELECT
  tenant, dataset, from_bucket, to_bucket, loans,
  loans / sum(loans) OVER (PARTITION BY tenant, dataset, from_bucket) AS share_of_loans
FROM (
  SELECT
    names.2[indexOf(names.1, from_hash)] AS tenant, names.3[indexOf(names.1, from_hash)] AS dataset,
    names.4[indexOf(names.1, from_hash)] AS from_bucket, names.4[indexOf(names.1, to_hash)] AS to_bucket,
    names.5[indexOf(names.1, from_hash)] AS last_month,
    toInt64(count()) AS loans
  FROM (
    SELECT
      -- Of months equally bad the latest one's bucket.
      argMaxIf(bucket_hash, if(status = 'written_off', 100000, dpd) * 4096 + toRelativeMonthNum(month) % 4096,
        month <= last_observed) AS from_hash,
      argMaxIf(bucket_hash, if(status = 'written_off', 100000, dpd) * 4096 + toRelativeMonthNum(month) % 4096,
        month > last_observed) AS to_hash,
      min(month) <= last_observed AND max(month) > last_observed AS is_seen
    FROM loan_months
    WHERE month > addMonths(last_observed, -{window_months:Int32}) AND month <= addMonths(last_observed, {window_months:Int32})
    GROUP BY loan_hash
    SETTINGS final = 0
  )
  WHERE is_seen
  GROUP BY from_hash, to_hash
)
WHERE addMonths(last_observed, {window_months:Int32}) <= last_month
  AND throwIf({window_months:Int32} < 1, 'window_months is at least 1') = 0
COMMENT 'roll_rates_worst(observation_month, window_months): the second definition of a roll rate. One row per tenant, data set, worst bucket in the window_months months that end with observation_month (from_bucket) and worst bucket in the as many months after it (to_bucket), of loans with a row in both windows; only when the later window is closed. loans; share_of_loans = loans / loans of from_bucket. Worst is by days past due, written off above all; of months equally bad the latest one\'s bucket.';

CREATE OR REPLACE VIEW m1_m3_conversion AS
WITH
  (
    SELECT tuple(
      groupArray(bucket_hash), groupArray(stage), groupArray(toString(tenant)), groupArray(toString(dataset)),
      groupArray(toRelativeMonthNum(last_month))
    )
    FROM bucket_stages
  ) AS names,
  toRelativeMonthNum({from_month:Date}) AS first_number,
  toRelativeMonthNum({to_month:Date}) AS last_number
SELECT
  names.3[named] AS tenant, names.4[named] AS dataset,
  addMonths(toStartOfMonth({from_month:Date}), toInt64(entry) - first_number) AS month,
  toInt32(since) AS months_since,
  toInt64(count()) AS entered,
  toInt64(countIf(state = 3)) AS reached_m3,
  toInt64(countIf(state = 0)) AS cured,
  toInt64(countIf(state = 1)) AS still,
  toInt64(countIf(state = 4)) AS closed,
  toInt64(countIf(state = 5)) AS vanished,
  reached_m3 / entered AS reached_m3_rate,
  (cured + closed) / entered AS cure_rate,
  still / entered AS still_rate
FROM (
  SELECT
    named, entry, path, is_closed,
    toUInt32(arrayFirst(x -> intDiv(x, 256) > entry AND x % 256 >= 3, path)) AS third,
    intDiv(path[-1], 256) AS last_seen,
    arrayJoin(range(toUInt32(names.5[named] - entry + 1))) AS since,
    multiIf(
      third != 0 AND entry + since >= intDiv(third, 256), 3,
      has(path, toUInt32((entry + since) * 256)), 0,
      has(path, toUInt32((entry + since) * 256 + 1)) OR has(path, toUInt32((entry + since) * 256 + 2)), 1,
      is_closed AND entry + since > last_seen, 4,
      5
    ) AS state
  FROM (
    SELECT
      named, path, is_closed, first_month,
      arrayJoin(arrayFilter(
        (x, before) -> x % 256 = 1 AND intDiv(x, 256) BETWEEN first_number AND last_number
          AND if(before = 0, intDiv(x, 256) = cohort_number, before = x - 1 - 256),
        path, arrayPushFront(arrayPopBack(path), toUInt32(0))
      )) AS entered,
      intDiv(entered, 256) AS entry
    FROM (
      SELECT
        loan_hash,
        indexOf(names.1, any(bucket_hash)) AS named,
        arraySort(groupUniqArray(toUInt32(toRelativeMonthNum(month) * 256 + transform(bucket_hash, names.1, names.2, toUInt8(0))))) AS path,
        toRelativeMonthNum(any(cohort)) AS cohort_number,
        min(month) AS first_month,
        loan_hash IN (SELECT cityHash64(tenant, dataset, loan) FROM loans FINAL WHERE status = 'closed') AS is_closed
      FROM loan_months
      WHERE toRelativeMonthNum(month) >= first_number - 1
      GROUP BY loan_hash
      HAVING max(dpd) > 0 OR max(status) = 'written_off'
      SETTINGS final = 0
    )
  )
  WHERE entry <= names.5[named]
)
GROUP BY tenant, dataset, month, months_since
COMMENT 'm1_m3_conversion(from_month, to_month): one row per tenant, data set, month in which loans entered M1 (month, from from_month to to_month) and months_since that, from 0 to the last closed month end. entered: loans at stage 1 (M1, or a tape\'s first bucket past due) at that month end and not past due at the one before, or disbursed in that month. Each is one of: reached_m3, at stage 3 or worse or written off at some month end since; cured, not past due now; still, at stage 1 or 2 now; closed; vanished (a tape\'s gap). reached_m3_rate = reached_m3 / entered; cure_rate = (cured + closed) / entered; still_rate = still / entered.';

CREATE OR REPLACE VIEW portfolio_at_risk AS
SELECT
  tenant, dataset, month, loans, balance_minor,
  par_1_loans, par_30_loans, par_60_loans, par_90_loans,
  par_1_balance_minor, par_30_balance_minor, par_60_balance_minor, par_90_balance_minor,
  par_1_balance_minor / nullIf(balance_minor, 0) AS par_1,
  par_30_balance_minor / nullIf(balance_minor, 0) AS par_30,
  par_60_balance_minor / nullIf(balance_minor, 0) AS par_60,
  par_90_balance_minor / nullIf(balance_minor, 0) AS par_90,
  written_off_loans, written_off_balance_minor
FROM (
  SELECT
    p.tenant AS tenant, p.dataset AS dataset, month, loans, balance_minor,
    par_1_loans, par_30_loans, par_60_loans, par_90_loans,
    -- A tape without balances has none past due either.
    if(balance_minor IS NULL, NULL, ifNull(at_1, 0)) AS par_1_balance_minor,
    if(balance_minor IS NULL, NULL, ifNull(at_30, 0)) AS par_30_balance_minor,
    if(balance_minor IS NULL, NULL, ifNull(at_60, 0)) AS par_60_balance_minor,
    if(balance_minor IS NULL, NULL, ifNull(at_90, 0)) AS par_90_balance_minor,
    written_off_loans,
    if(all_balances IS NULL, NULL, ifNull(lost, 0)) AS written_off_balance_minor,
    if(dataset = '' AND e.tenant != '', e.last_month, month) AS last_month
  FROM (
    SELECT
      tenant, dataset, month,
      toInt64(countIf(status != 'written_off')) AS loans,
      sumIf(balance, status != 'written_off') AS balance_minor,
      toInt64(countIf(status != 'written_off' AND dpd >= 1)) AS par_1_loans,
      toInt64(countIf(status != 'written_off' AND dpd >= 30)) AS par_30_loans,
      toInt64(countIf(status != 'written_off' AND dpd >= 60)) AS par_60_loans,
      toInt64(countIf(status != 'written_off' AND dpd >= 90)) AS par_90_loans,
      sumIf(balance, status != 'written_off' AND dpd >= 1) AS at_1,
      sumIf(balance, status != 'written_off' AND dpd >= 30) AS at_30,
      sumIf(balance, status != 'written_off' AND dpd >= 60) AS at_60,
      sumIf(balance, status != 'written_off' AND dpd >= 90) AS at_90,
      toInt64(countIf(status = 'written_off')) AS written_off_loans,
      sumIf(balance, status = 'written_off') AS lost,
      sum(balance) AS all_balances
    FROM (
      SELECT tenant, dataset, month, status, dpd, balance_minor AS balance
      FROM loan_months FINAL
      WHERE month BETWEEN toStartOfMonth({from_month:Date}) AND toStartOfMonth({to_month:Date})
    )
    GROUP BY tenant, dataset, month
  ) AS p
  LEFT JOIN closed_dates AS e ON e.tenant = p.tenant
)
WHERE month <= last_month
COMMENT 'portfolio_at_risk(from_month, to_month): one row per tenant, data set and closed month end. loans and balance_minor: those not written off. par_t_loans, par_t_balance_minor: of these the ones at t or more days past due; par_t = par_t_balance_minor / balance_minor, for t = 1, 30, 60, 90. written_off_loans, written_off_balance_minor: written off by then, with the balance at write-off; they are in no rate. Balances are NULL where a tape has none.';
