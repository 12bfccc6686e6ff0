-- Views of days, contacts and warnings. Of a loan's rows of one date the one known last holds.

CREATE OR REPLACE VIEW first_payment_default AS
WITH
  due AS (
    SELECT
      cityHash64(tenant, dataset, loan) AS loan_hash, tenant, dataset, cohort, product, channel,
      arraySlice(first_due_dates, 1, 3) AS dues, e.closed_through AS closed_through
    FROM loans AS l FINAL
    INNER JOIN closed_dates AS e ON e.tenant = l.tenant
    WHERE dataset = '' AND notEmpty(first_due_dates)
      AND cohort BETWEEN toStartOfMonth({from_month:Date}) AND toStartOfMonth({to_month:Date})
  ),
  days AS (
    SELECT loan_hash, arraySort(groupArray((date, offset, seq, if(status = 'written_off', toInt32(100000), dpd)))) AS states
    FROM loan_days
    WHERE dataset = '' AND date >= toStartOfMonth({from_month:Date}) AND loan_hash IN (SELECT loan_hash FROM due)
    GROUP BY loan_hash
    SETTINGS final = 0
  ),
  tried AS (
    SELECT
      d.tenant AS tenant, d.dataset AS dataset, d.cohort AS cohort, d.product AS product, d.channel AS channel,
      measure, days,
      -- The instalments that the measure looks at, and on which dates.
      arrayMap(x -> x + days, if(measure = 4, d.dues, arraySlice(d.dues, measure, 1))) AS dates,
      dates[-1] <= d.closed_through AS has_matured,
      has_matured AND arrayExists(x -> (arrayLast(s -> s.1 <= x, s.states) AS state).4 >= days, dates) AS is_bad
    FROM due AS d
    LEFT JOIN days AS s ON s.loan_hash = d.loan_hash
    ARRAY JOIN [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4] AS measure, [1, 7, 30, 1, 7, 30, 1, 7, 30, 1, 7, 30] AS days
    WHERE notEmpty(dates)
  )
SELECT
  tenant, dataset, cohort, product, channel, ['fpd', 'spd', 'tpd', 'first_three'][measure] AS measure, toInt32(days) AS days_past_due,
  toInt64(count()) AS loans,
  toInt64(countIf(has_matured)) AS matured,
  toInt64(countIf(is_bad)) AS bad,
  bad / nullIf(matured, 0) AS rate,
  matured = loans AS is_matured
FROM tried
GROUP BY tenant, dataset, cohort, product, channel, measure, days
COMMENT 'first_payment_default(from_month, to_month): one row per tenant, data set, cohort, product, channel, measure and days_past_due (1, 7, 30). measure fpd, spd, tpd: the first, second, third instalment as disbursed; first_three: any of them (of a loan with fewer those it has). An instalment due on D is t days past due if at the end of D + t the loan is t or more days past due or written off. loans: those that have the instalment; matured: of these the ones whose D + t is a closed day; bad: of the matured ones those past due; rate = bad / matured; is_matured: 1 when all are. Own loans alone; those taken over have no first instalment here.';

CREATE OR REPLACE VIEW warning_outcomes AS
WITH
  opened AS (
    SELECT
      w.tenant AS tenant, borrower, warning_id, severity, signals,
      -- The business date of an instant: the first day that ends at or after it.
      arrayFirst(x -> x.1 >= w.time, e.day_ends).2 AS by_end,
      if(trigger_date != '', toDate(trigger_date), if(by_end = toDate(0), e.closed_through + 1, by_end)) AS opened_on,
      e.closed_through AS closed_through
    FROM warnings AS w FINAL
    INNER JOIN closed_dates AS e ON e.tenant = w.tenant
    WHERE type = 'opened'
  ),
  days AS (
    SELECT
      tenant, borrower,
      arraySort(groupArrayIf(date, dpd >= 1)) AS dates_1,
      arraySort(groupArrayIf(date, dpd >= 30)) AS dates_30,
      arraySort(groupArrayIf(date, dpd >= 90)) AS dates_90
    FROM (
      SELECT tenant, any(borrower) AS borrower, date,
        argMax(if(status = 'written_off', toInt32(100000), dpd), (offset, seq)) AS dpd
      FROM loan_days
      WHERE dataset = ''
      GROUP BY tenant, loan_hash, date
      SETTINGS final = 0
    )
    WHERE dpd >= 1
    GROUP BY tenant, borrower
  )
SELECT
  o.tenant AS tenant, '' AS dataset, o.borrower AS borrower, o.warning_id AS warning_id, o.severity AS severity, opened_on,
  JSONExtractString(signal_json, 'signal') AS signal,
  JSONExtractString(signal_json, 'family') AS family,
  JSONExtractString(signal_json, 'severity') AS signal_severity,
  nullIf(arrayFirst(x -> x >= opened_on, d.dates_1), toDate(0)) AS first_dpd_1,
  nullIf(arrayFirst(x -> x >= opened_on, d.dates_30), toDate(0)) AS first_dpd_30,
  nullIf(arrayFirst(x -> x >= opened_on, d.dates_90), toDate(0)) AS first_dpd_90,
  first_dpd_1 - opened_on AS lead_days_1,
  first_dpd_30 - opened_on AS lead_days_30,
  first_dpd_90 - opened_on AS lead_days_90,
  opened_on + {horizon_days:Int32} <= closed_through AS is_matured,
  ifNull(lead_days_30 <= {horizon_days:Int32}, 0) AS is_hit_30
FROM opened AS o
LEFT JOIN days AS d ON d.tenant = o.tenant AND d.borrower = o.borrower
ARRAY JOIN JSONExtractArrayRaw(o.signals) AS signal_json
COMMENT 'warning_outcomes(horizon_days): one row per warning and signal active when it opened. opened_on: business date; signal as name@version with its family and severity; first_dpd_1, first_dpd_30, first_dpd_90: first business date on or after opened_on at whose end a loan of the borrower is so many days past due or written off, NULL if none yet; lead_days_1, lead_days_30, lead_days_90: days from opened_on to it; is_matured: whether horizon_days after opened_on are closed days; is_hit_30: whether DPD 30 came within them. Precision of a signal: avg(is_hit_30) of matured rows; its lead time: quantiles of lead_days_30. Own loans alone.';

CREATE OR REPLACE VIEW collection_performance AS
WITH
  actions AS (
    SELECT tenant, borrower, loan, date, 'contact' AS action, toString(channel) AS channel, toString(result) AS result
    FROM contacts FINAL
    WHERE date BETWEEN {from_date:Date} AND {to_date:Date}
    UNION ALL
    SELECT w.tenant, w.borrower, '', arrayFirst(x -> x.1 >= w.time, e.day_ends).2 AS warned_on, 'warning', toString(type), toString(severity)
    FROM warnings AS w FINAL
    INNER JOIN closed_dates AS e ON e.tenant = w.tenant
    WHERE type IN ('opened', 'escalated') AND warned_on BETWEEN {from_date:Date} AND {to_date:Date}
  ),
  concerned AS (
    SELECT
      a.tenant AS tenant, l.dataset AS dataset, a.date AS date, a.action AS action, a.channel AS channel, a.result AS result,
      cityHash64(l.tenant, l.dataset, l.loan) AS loan_hash
    FROM actions AS a
    INNER JOIN loans AS l FINAL ON l.tenant = a.tenant AND l.borrower = a.borrower
    WHERE l.dataset = '' AND (a.loan = '' OR a.loan = l.loan)
  ),
  days AS (
    SELECT loan_hash, arraySort(groupArray((date, offset, seq, dpd, toString(bucket), paid_minor, toString(status)))) AS states
    FROM loan_days
    WHERE dataset = '' AND date <= {to_date:Date} + {within_days:Int32} AND loan_hash IN (SELECT loan_hash FROM concerned)
    GROUP BY loan_hash
    SETTINGS final = 0
  ),
  followed AS (
    SELECT
      c.tenant AS tenant, c.dataset AS dataset, toStartOfMonth(c.date) AS month, action, channel, result, c.loan_hash AS loan_hash,
      arrayLast(s -> s.1 < c.date, d.states) AS before,
      arrayLast(s -> s.1 <= c.date + {within_days:Int32}, d.states) AS after,
      c.date + {within_days:Int32} <= e.closed_through AS is_matured
    FROM concerned AS c
    INNER JOIN days AS d ON d.loan_hash = c.loan_hash
    INNER JOIN closed_dates AS e ON e.tenant = c.tenant
    WHERE before.7 = 'open'
  )
SELECT
  tenant, dataset, month, action, channel, result, before.5 AS stage,
  toInt64(count()) AS actions,
  toInt64(uniqExact(loan_hash)) AS loans,
  toInt64(countIf(is_matured)) AS matured,
  toInt64(countIf(is_matured AND after.6 > before.6)) AS paid,
  toInt64(countIf(is_matured AND before.4 > 0 AND after.4 = 0 AND after.7 != 'written_off')) AS cured,
  toInt64(countIf(is_matured AND (after.7 = 'written_off' OR (after.4 > before.4 AND after.5 != before.5)))) AS rolled,
  paid / nullIf(matured, 0) AS paid_rate,
  if(stage = 'current', NULL, cured / nullIf(matured, 0)) AS cure_rate,
  rolled / nullIf(matured, 0) AS roll_rate
FROM followed
GROUP BY tenant, dataset, month, action, channel, result, stage
COMMENT 'collection_performance(from_date, to_date, within_days): one row per tenant, data set, month, action (contact or warning), channel (of a warning opened or escalated), result (of a warning its severity) and stage, the bucket of the loan at the end of the day before. actions: contacts or warnings of those dates times the open loans that they concern: the loan named, else all of the borrower; loans: different ones; matured: whose within_days are closed days. Of the matured ones paid: had paid more within_days later than the day before; cured: were past due and are not within_days later (closed counts); rolled: are in a worse bucket or written off. Rates are of matured. Own loans alone.';

CREATE OR REPLACE VIEW loan_card AS
WITH
  the_loan AS (
    SELECT l.*, e.day_ends AS day_ends, e.closed_through AS closed_through
    FROM loans AS l FINAL
    LEFT JOIN closed_dates AS e ON e.tenant = l.tenant
    WHERE loan = {loan:String}
  )
SELECT tenant, dataset, loan, borrower, date, kind, text, amount_minor, dpd
FROM (
  SELECT
    tenant, dataset, loan, borrower, cohort AS date, 1 AS rank, 'loan' AS kind,
    concat(product, ' by ', channel, ', ', toString(instalments), ' instalments, ', currency, ', ', status) AS text,
    toNullable(principal_minor) AS amount_minor, CAST(NULL AS Nullable(Int32)) AS dpd
  FROM the_loan
  UNION ALL
  SELECT
    l.tenant, l.dataset, l.loan, l.borrower,
    arrayFirst(x -> x.1 >= v.time, l.day_ends).2 AS booked_on,
    2, toString(v.type), v.data,
    nullIf(greatest(JSONExtractInt(v.data, 'amount_minor'), JSONExtractInt(v.data, 'principal_minor')), 0), NULL
  FROM events AS v FINAL
  INNER JOIN the_loan AS l ON l.tenant = v.tenant AND l.borrower = v.borrower
  WHERE v.borrower IN (SELECT borrower FROM the_loan) AND (v.type LIKE 'loan.%' OR v.type LIKE 'repayment.%')
    AND JSONExtractString(v.data, 'loan') = {loan:String}
  UNION ALL
  SELECT tenant, dataset, loan, borrower, date, 3, 'bucket', concat(was, ' -> ', bucket), overdue_minor, dpd
  FROM (
    SELECT
      tenant, dataset, loan, borrower, date, toString(bucket) AS bucket, toNullable(overdue_minor) AS overdue_minor, toNullable(dpd) AS dpd,
      lagInFrame(toNullable(toString(bucket))) OVER (
        PARTITION BY tenant, dataset, loan ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS was
    FROM (
      SELECT * FROM loan_days FINAL
      WHERE loan = {loan:String}
      ORDER BY date, offset DESC, seq DESC
      LIMIT 1 BY tenant, dataset, loan, date
    )
  )
  WHERE was != bucket
  UNION ALL
  SELECT tenant, dataset, loan, borrower, toLastDayOfMonth(month), 4, 'month end', concat('MOB ', toString(mob), ', ', bucket), balance_minor, toNullable(dpd)
  FROM loan_months FINAL
  WHERE loan = {loan:String}
  UNION ALL
  SELECT l.tenant, l.dataset, l.loan, l.borrower, c.date, 5, 'contact', concat(c.channel, if(c.result = '', '', ': '), c.result), NULL, NULL
  FROM contacts AS c FINAL
  INNER JOIN the_loan AS l ON l.tenant = c.tenant AND l.borrower = c.borrower
  WHERE c.loan IN ('', {loan:String})
  UNION ALL
  SELECT
    l.tenant, l.dataset, l.loan, l.borrower, arrayFirst(x -> x.1 >= w.time, l.day_ends).2 AS warned_on, 6, 'warning',
    concat(w.type, ' ', w.severity, ': ', arrayStringConcat(arrayMap(x -> JSONExtractString(x, 'signal'), JSONExtractArrayRaw(w.signals)), ', ')),
    NULL, NULL
  FROM warnings AS w FINAL
  INNER JOIN the_loan AS l ON l.tenant = w.tenant AND l.borrower = w.borrower
  WHERE w.borrower IN (SELECT borrower FROM the_loan)
)
ORDER BY tenant, dataset, date, rank
COMMENT 'loan_card(loan): the whole story of one loan for a post-loan report, oldest first. One row per fact: kind loan (its terms; date is the first of its month), loan.* and repayment.* events (text is their data), bucket (a change, with what is overdue), month end (with the balance), contact, warning (opened, escalated, cleared, with its signals). date: business date, of events that of their booking, 1970-01-01 until that day is closed; amount_minor; dpd.';
