import { z } from 'zod'
import { decodeCursor } from '../feed/cursor.ts'
import type { Filter } from '../feed/page.ts'
import { cursorParameter, instantParameter, tenantParameter, tokenParameter, wordsParameter } from '../parameters.ts'
import { type Problem, problem } from '../problem.ts'
import { SEVERITIES, WARNING_TYPES } from '../rows.ts'

/** What the list and the stream of warnings have in common. */

export const feedParameters = {
  after: cursorParameter.optional(),
  severity: wordsParameter(SEVERITIES, 'Only these severities; repeat it or separate by commas.').optional(),
  type: wordsParameter(WARNING_TYPES, 'Only these types; repeat it or separate by commas.').optional(),
  borrower: tokenParameter.optional().describe('Only this borrower.'),
  since: instantParameter(
    'Only rows whose `time` is not before it: ISO 8601 with zone, or UTC milliseconds.',
  ).optional(),
  tenant: tenantParameter,
}

const feedQuery = z.strictObject(feedParameters)

export function filterOf({ severity, type, borrower, since }: z.output<typeof feedQuery>): Filter {
  return { severity, type, borrower, since }
}

/** The positions that `after` names, the first of all partitions without it. */
export function startingPositions(
  tenant: string,
  partitions: number,
  after: string | undefined,
): { ok: true; positions: readonly number[] } | { ok: false; problem: Problem } {
  if (after === undefined) return { ok: true, positions: new Array<number>(partitions).fill(0) }
  const cursor = decodeCursor(tenant, partitions, after)
  return cursor.ok ? cursor : { ok: false, problem: problem(400, 'invalid_cursor', cursor.detail) }
}

export function tooManyWaiting(): Problem {
  return problem(429, 'too_many_waiting', undefined, { headers: { 'retry-after': '5' } })
}
