import { createProbes } from '../../api/probes.ts'
import type { Metrics } from '../watch/metrics.ts'
import { urlOf } from './address.ts'

/** What `/readyz` says: whether all is well, and what is not. */
export type Readiness = { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }

export type ProbeOptions = {
  readonly host: string
  readonly port: number
  readonly metrics: Metrics
  readonly readiness: () => Readiness
  readonly onError: (error: unknown, where: string) => void
}

export type Probes = { readonly url: string; readonly port: number; close(): Promise<void> }

/**
 * Answers `/livez`, `/readyz` and `/metrics` for a process without the API, and for one that is still starting: its state
 * may take minutes to come back, and nobody should think meanwhile that it hangs.
 */
export async function startProbes({ host, port, metrics, readiness, onError }: ProbeOptions): Promise<Probes> {
  const app = createProbes(
    { readiness, metrics: () => metrics.text() },
    { reportError: (error, { method, route }) => onError(error, `${method} ${route}`) },
  )
  await app.listen({ host, port })
  return {
    ...urlOf(app, host),
    async close() {
      // Answers are short; who keeps a connection open comes again elsewhere.
      const closed = app.close()
      app.server.closeAllConnections()
      await closed
    },
  }
}

/** All is well where every check says `ok`. */
export function readinessOf(checks: Readonly<Record<string, string>>): Readiness {
  return { ready: Object.values(checks).every((check) => check === 'ok'), checks }
}
