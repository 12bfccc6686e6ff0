import type { Database } from '../../sql/client.ts'
import { migrate } from '../../sql/migrate.ts'
import { type CheckResult, listChecks, runCheck } from '../../sql/queries/ledger-checks.ts'
import type { JobProgress } from '../jobs.ts'

export type LedgerReport = {
  /** Loans that have rows. */
  readonly loans: number
  readonly movements: number
  readonly checks: readonly CheckResult[]
  readonly differing: number
  readonly seconds: number
}

export type LedgerParts = {
  readonly database: Database
  /** The one tenant to check; without it all. */
  readonly tenant?: string
  readonly onProgress?: (progress: JobProgress) => void
  readonly signal?: AbortSignal
}

/**
 * Asks whether the ledger adds up to the minor unit: every check of `sql/checks/`, over the tables as far as `progress`
 * vouches for them; they may grow meanwhile. Throws the signal's reason when it fires.
 */
export async function verifyLedger({ database, tenant, onProgress, signal }: LedgerParts): Promise<LedgerReport> {
  const started = performance.now()
  const sql = database.session()
  try {
    await migrate(sql)
    const names = listChecks()
    const checks: CheckResult[] = []
    for (const name of names) {
      signal?.throwIfAborted()
      onProgress?.({ events: 0, share: checks.length / names.length, detail: name })
      checks.push(await runCheck(sql, name, tenant))
    }
    const [counts] = await sql.query<{ loans: number; movements: number }>(
      `SELECT toUInt32(uniqExact(tenant, loan)) AS loans, toUInt32(count()) AS movements FROM loan_ledger
       WHERE dataset = '' AND ({tenant:String} = '' OR tenant = {tenant:String})`,
      { params: { tenant: tenant ?? '' } },
    )
    return {
      loans: counts?.loans ?? 0,
      movements: counts?.movements ?? 0,
      checks,
      differing: checks.reduce((sum, one) => sum + one.differing, 0),
      seconds: Math.round(performance.now() - started) / 1000,
    }
  } finally {
    await sql.close()
  }
}
