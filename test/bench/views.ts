import { join } from 'node:path'
import type { Sql } from '../../sql/client.ts'
import { openEmbedded } from '../../sql/embedded.ts'
import { migrate } from '../../sql/migrate.ts'
import { processCpu_us } from './clock.ts'
import { type Context, number, type Outcome, spread, type Target, tableHead, tableRow } from './part.ts'
import { writeSyntheticBook } from './views-data.ts'

const LOAN_MONTHS = 1_000_000
const QUICK_LOAN_MONTHS = 50_000
const ROUNDS = 9
const QUICK_ROUNDS = 3
const VIEW_MS_MAX = 100

/** All months of the book, but where a view is of a range that people look at. */
const ALL = "from_month = '2021-01-01', to_month = '2023-12-01'"
const MOVES = "from_month = '2021-01-01', to_month = '2023-11-01', horizon_months = 1"
const YEAR = "from_month = '2022-12-01', to_month = '2023-11-01'"

const CALLS: readonly (readonly [what: string, query: string])[] = [
  ['vintage, count, ever', "SELECT * FROM vintage(threshold_dpd = 30, basis = 'count', series = 'ever')"],
  ['vintage, balance, current', "SELECT * FROM vintage(threshold_dpd = 30, basis = 'balance', series = 'current')"],
  ['migration_matrix, 35 openings', `SELECT * FROM migration_matrix(${MOVES})`],
  ['migration_matrix, 12 openings', `SELECT * FROM migration_matrix(${YEAR}, horizon_months = 1)`],
  ['migration_flows, 12 openings', `SELECT * FROM migration_flows(${YEAR}, horizon_months = 1)`],
  ['roll_rates, 12 openings', `SELECT * FROM roll_rates(${YEAR}, basis = 'balance')`],
  [
    'roll_rates_worst, 6 and 6 months',
    "SELECT * FROM roll_rates_worst(observation_month = '2023-06-01', window_months = 6)",
  ],
  ['m1_m3_conversion, 12 months of entry', `SELECT * FROM m1_m3_conversion(${YEAR})`],
  ['portfolio_at_risk, 36 months', `SELECT * FROM portfolio_at_risk(${ALL})`],
  ['first_payment_default, 12 cohorts', `SELECT * FROM first_payment_default(${YEAR})`],
  [
    'collection_performance, a month',
    "SELECT * FROM collection_performance(from_date = '2023-06-01', to_date = '2023-06-30', within_days = 7)",
  ],
  [
    'warning_outcomes, by signal',
    'SELECT signal, count(), avg(is_hit_30) FROM warning_outcomes(horizon_days = 90) WHERE is_matured GROUP BY signal',
  ],
  ['loan_card', "SELECT * FROM loan_card(loan = 'loan-00000007')"],
]

type Timing = { readonly wall_ms: number[]; readonly cpu_ms: number[] }

/** Each analytical view on a synthetic book, as inserts leave the tables and once they are merged whole. */
export async function measureViews({ folder, isQuick }: Context): Promise<Outcome> {
  const database = await openEmbedded(join(folder, 'data'))
  if ('locked' in database) throw new Error('the directory is held')
  const sql = database.session()
  await migrate(sql)
  await writeSyntheticBook(sql, isQuick ? QUICK_LOAN_MONTHS : LOAN_MONTHS)
  const rounds = isQuick ? QUICK_ROUNDS : ROUNDS
  const size = await describeTables(sql)
  const inserted = await measureCalls(sql, rounds)
  for (const table of ['loan_months', 'loan_days', 'loans']) await sql.command(`OPTIMIZE TABLE ${table} FINAL`)
  const merged = await measureCalls(sql, rounds)
  await database.close()
  return { lines: linesOf(size, inserted, merged), targets: targetsOf(inserted) }
}

async function describeTables(sql: Sql): Promise<string> {
  const rows = await sql.query<{ table: string; rows: number; parts: number }>(
    `SELECT table, sum(rows) AS rows, count() AS parts FROM system.parts
     WHERE active AND database = currentDatabase() AND table IN ('loan_months', 'loan_days', 'loans') GROUP BY table ORDER BY table`,
  )
  return rows.map(({ table, rows: count, parts }) => `${table}: ${number(count)} rows in ${parts} parts`).join('; ')
}

/** Round by round over all calls, so that each meets the same machine. */
async function measureCalls(sql: Sql, rounds: number): Promise<Map<string, Timing>> {
  const timings = new Map<string, Timing>(CALLS.map(([what]) => [what, { wall_ms: [], cpu_ms: [] }]))
  for (let round = -1; round < rounds; round++) {
    for (const [what, query] of CALLS) {
      const cpu = processCpu_us()
      const started = performance.now()
      await sql.bytes(query, 'Native')
      // The first round fills caches.
      if (round < 0) continue
      timings.get(what)?.wall_ms.push(performance.now() - started)
      timings.get(what)?.cpu_ms.push((processCpu_us() - cpu) / 1000)
    }
  }
  return timings
}

function linesOf(size: string, inserted: ReadonlyMap<string, Timing>, merged: ReadonlyMap<string, Timing>): string[] {
  const head = ['view', 'as inserted, ms', 'of processor time, ms', 'merged, ms', 'of processor time, ms']
  const rows = CALLS.map(([what]) => {
    const cells = [inserted, merged].flatMap((timings) => {
      const timing = timings.get(what)
      return [spread(timing?.wall_ms ?? []), spread(timing?.cpu_ms ?? [])]
    })
    return tableRow([what, ...cells])
  })
  return [`A synthetic book made in the engine. ${size}. The engine uses all cores.`, '', ...tableHead(head), ...rows]
}

function targetsOf(inserted: ReadonlyMap<string, Timing>): Target[] {
  return CALLS.map(([what]) => ({
    what: `${what}, on 1 000 000 loan-months`,
    values: inserted.get(what)?.wall_ms ?? [],
    unit: 'ms',
    bound: 'at most',
    limit: VIEW_MS_MAX,
    scaling: 'time',
  }))
}
