import { z } from 'zod'
import type { Api } from '../api.ts'
import { principalOf } from '../authentication.ts'
import type { Feed } from '../dependencies.ts'
import { encodeCursor } from '../feed/cursor.ts'
import { type Page, readPage } from '../feed/page.ts'
import type { Waiting, Watch } from '../feed/waiting.ts'
import { answers, GUARDED, json } from '../openapi/document.ts'
import { integerParameter } from '../parameters.ts'
import { sendProblem } from '../problem.ts'
import { feedRow } from '../rows.ts'
import { feedParameters, filterOf, startingPositions, tooManyWaiting } from './parameters.ts'

export const PAGE_ROWS_MAX = 1_000
const PAGE_ROWS_DEFAULT = 100
const WAIT_SECONDS_MAX = 30

const warningsPage = z
  .object({
    warnings: z.array(feedRow),
    next: z.string().describe('the cursor to go on with, also after an empty page'),
    more: z.boolean().describe('there may be more at once'),
  })
  .meta({ id: 'WarningsPage' })

const warningsSchema = {
  operationId: 'listWarnings',
  tags: ['warnings'],
  summary: 'Read the feed of warnings',
  description:
    'Pages through the feed without gap or duplicate: give `next` as `after`. Order holds per borrower. A filter does ' +
    'not stop the cursor, so that a page may be empty and `more` true. With `wait` an empty page is held back until a ' +
    'row arrives or the seconds have passed.',
  querystring: z.strictObject({
    ...feedParameters,
    limit: integerParameter(1, PAGE_ROWS_MAX, `Rows at most, ${PAGE_ROWS_DEFAULT} by default.`).optional(),
    wait: integerParameter(0, WAIT_SECONDS_MAX, 'Seconds to wait for a row, 0 by default.').optional(),
  }),
  response: answers(json('A page.', warningsPage), [...GUARDED, 429]),
}

/** `GET /v1/warnings`. */
export function registerWarnings(app: Api, { feed, waiting }: { feed: Feed; waiting: Waiting }): void {
  app.get('/v1/warnings', { config: { access: 'warnings:read' }, schema: warningsSchema }, async (request, reply) => {
    const { tenant } = principalOf(request)
    const { after, limit = PAGE_ROWS_DEFAULT, wait = 0 } = request.query
    const start = startingPositions(tenant, feed.partitions, after)
    if (!start.ok) return sendProblem(reply, start.problem)
    const filter = filterOf(request.query)

    const read = (from: readonly number[]) => readPage(feed, tenant, from, filter, limit)
    let page: Page
    if (wait === 0) page = await read(start.positions)
    else {
      const watch = waiting.watch(tenant)
      if (watch === undefined) return sendProblem(reply, tooManyWaiting())
      reply.raw.once('close', watch.end)
      try {
        page = await readOrWait(read, start.positions, watch, wait * 1_000)
      } finally {
        watch.end()
      }
    }
    return { warnings: [...page.rows], next: encodeCursor(tenant, page.positions), more: page.more }
  })
}

/** Reads until there is a row, or more to look at, or the time is up. */
async function readOrWait(
  read: (from: readonly number[]) => Promise<Page>,
  from: readonly number[],
  watch: Watch,
  wait_ms: number,
): Promise<Page> {
  const deadline = performance.now() + wait_ms
  for (let positions = from; ; ) {
    watch.reset()
    const page = await read(positions)
    const left_ms = deadline - performance.now()
    if (page.rows.length > 0 || page.more || left_ms <= 0) return page
    if ((await watch.next(left_ms)) !== 'rows') return page
    positions = page.positions
  }
}
