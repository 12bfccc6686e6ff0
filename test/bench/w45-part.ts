import { cpus } from 'node:os'
import type { Context, Outcome, Target } from './part.ts'
import { describeW45, measureW45, prepareW45, type W45Figures } from './w45.ts'

const QUICK_EVENTS = 200_000
const EVENTS = 2_000_000
const ROUNDS = 3
/** Ours per core-second against the others', on as many cores as the machine has. */
const DUCKDB_NDJSON_MIN = 2.4
const DUCKDB_COLUMNS_MIN = 2
const CLICKHOUSE_COLUMNS_MIN = 1

/** The workload that other engines' figures exist for, from a file and from columns in memory. */
export async function measureW45Part({ folder, isQuick }: Context): Promise<Outcome> {
  const events = isQuick ? QUICK_EVENTS : EVENTS
  const data = prepareW45(folder, events)
  if (data === undefined) return { lines: ['Not run: its generator or what that needs is not here.'], targets: [] }
  const rounds = isQuick ? 1 : ROUNDS
  const ndjson = await measureW45(data, 'ndjson', events, rounds)
  const columns = await measureW45(data, 'columns', events, rounds)
  return {
    lines: [...describeW45(ndjson), ...describeW45(columns)],
    targets: [
      ratioTarget(ndjson, 'duckdb', "W45, NDJSON to binary rows, against DuckDB's", DUCKDB_NDJSON_MIN),
      ratioTarget(columns, 'duckdb', "W45 from columns in memory, against DuckDB's", DUCKDB_COLUMNS_MIN),
      ratioTarget(columns, 'clickhouse', "W45 from columns in memory, against ClickHouse's", CLICKHOUSE_COLUMNS_MIN),
    ],
  }
}

function ratioTarget({ runs }: W45Figures, other: 'duckdb' | 'clickhouse', what: string, limit: number): Target {
  const ours = runs.get('foreshock') ?? []
  const theirs = runs.get(other) ?? []
  return {
    what: `${what} figure on ${cpus().length} cores`,
    // Of one round each, so that both met the same machine.
    values: theirs.map((run, round) => run.cpu_s / (ours[round]?.cpu_s ?? Number.NaN)),
    unit: 'times per core-second',
    digits: 2,
    bound: 'at least',
    limit,
    scaling: 'none',
  }
}
