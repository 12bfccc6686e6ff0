import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { RedriveSummary } from '../../../pipelines/deadletters/summary.ts'
import type { DeadLetter } from '../../../sql/queries/dead-letters.ts'
import { disbursement, noon, type RawEvent, repayment, toIncoming, transaction } from '../run/events.ts'
import { openAt } from '../run/open.ts'
import { foreshock, startRun, stop, temporaryFolder } from './support.ts'

/** `deadletters` as people use it: processes of their own, so that each command meets what the one before left on the disk. */

const folder = temporaryFolder()

let clockEvents = 0
const reach = (time: number): RawEvent[] => [1, 2].map(() => transaction(`clock-${clockEvents++}`, time, 'clock'))

const UNDECODABLE = '{"id":"broken, and personal: 13800000000"'
let position = 1
async function take(directory: string, lines: readonly (RawEvent | string)[]): Promise<void> {
  const pipeline = await openAt(directory, { withoutModel: true })
  await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:x', position }), undefined)
  position += lines.length
  await pipeline.close()
}

async function json<Answer>(...args: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await foreshock('deadletters', ...args, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as Answer
}

const list = (directory: string, ...more: string[]) => json<DeadLetter[]>('list', '--data', directory, ...more)
const redrive = (directory: string, ...more: string[]) =>
  json<RedriveSummary>('redrive', '--data', directory, '--no-model', ...more)
const outcomes = ({ letters }: RedriveSummary) =>
  Object.fromEntries(letters.map(({ was, outcome, reason, detail }) => [was, [outcome, reason, detail]]))

async function query(directory: string, statement: string): Promise<unknown[]> {
  const { stdout } = await foreshock('sql', statement, '--data', directory, '--format', 'JSONEachRow')
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

/** A payment that was booked before the day on which it counts. */
function paidAhead(event: RawEvent, paid_at: number): RawEvent {
  return { ...event, data: { ...event.data, paid_at } }
}

describe('over a directory that nobody holds', () => {
  const directory = join(folder, 'data')
  const outstanding = () => query(directory, "SELECT outstanding_principal_minor AS rest FROM loans WHERE loan = 'l'")

  beforeAll(async () => {
    await take(directory, [
      ...reach(noon(0)),
      paidAhead(repayment('orphan', noon(0), 'b', 'l', 40_000), noon(9)),
      UNDECODABLE,
      transaction('twice', noon(0), 'b'),
      transaction('twice', noon(0), 'b', { amount_minor: 200 }),
      transaction('dollars', noon(0), 'b', { currency: 'USD' }),
      transaction('early', noon(500), 'b'),
      ...reach(noon(8)),
      disbursement('loan', noon(9), 'b', 'l'),
    ])
  })

  it('lists them with the filters, and shows the original bytes to whoever may read the files', async () => {
    const all = await list(directory)
    expect(all.map(({ step, reason }) => `${step} ${reason}`).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'apply currency_mismatch',
      'apply unknown_loan',
      'decode not_json',
      'intake conflict',
      'intake future',
    ])
    expect(new Set(all.map(({ id }) => id)).size).toBe(5)
    const filtered = ['--tenant', 'default', '--step', 'apply', '--type', 'repayment.received', '--source', 'log/']
    expect(await list(directory, ...filtered)).toEqual(all.filter(({ reason }) => reason === 'unknown_loan'))
    expect(await list(directory, '--until', '2024-01-01')).toEqual([])
    expect(await list(directory, '--since', String(Date.now() - 600_000), '--limit', '2')).toEqual(all.slice(0, 2))

    const table = await foreshock('deadletters', 'list', '--data', directory)
    expect(table.stdout).toMatch(/^id +recorded at +tenant +step +reason/)
    expect(table.stdout).toMatch(/\napply +unknown_loan +1 +1\n/)
    const undecodable = all.find(({ reason }) => reason === 'not_json')?.id ?? ''
    const shown = await foreshock('deadletters', 'show', undecodable, '--data', directory)
    expect(shown.stdout).toContain(UNDECODABLE)
    expect(await json('show', undecodable, '--data', directory)).toMatchObject({
      original_base64: Buffer.from(UNDECODABLE).toString('base64'),
    })
    const orphan = all.find(({ reason }) => reason === 'unknown_loan')?.id ?? ''
    const record = await foreshock('deadletters', 'show', orphan, '--data', directory)
    expect(record.stdout).toMatch(/\n\{"id":"orphan",.*"amount_minor":40000/)
    expect(statSync(join(directory, 'originals')).mode & 0o077).toBe(0)
  })

  it('previews, then sends again what can be taken now, once', async () => {
    const expected = {
      unknown_loan: ['accepted', '', 'loan l is known'],
      not_json: ['refused', 'not_json', expect.any(String)],
      conflict: ['refused', 'conflict', 'another event of bank has the id twice'],
      currency_mismatch: ['refused', 'currency_mismatch', "USD, but the tenant's currency is CNY"],
      future: ['refused', 'future', expect.stringContaining('too far ahead')],
    }
    const preview = await redrive(directory, '--dry-run')
    expect(preview).toMatchObject({ dry_run: true, dead_letters: 5, accepted: 1, repeats: 0, lost: 0, left: false })
    expect(outcomes(preview)).toEqual(expected)
    expect(await query(directory, 'SELECT count() AS n FROM redrives')).toEqual([{ n: 0 }])
    expect(await outstanding()).toEqual([{ rest: 300_000 }])

    const sent = await redrive(directory)
    expect(sent).toMatchObject({ dry_run: false, dead_letters: 5, accepted: 1 })
    expect(outcomes(sent)).toEqual({ ...expected, unknown_loan: ['accepted', '', ''] })
    expect(await outstanding()).toEqual([{ rest: 260_000 }])
    const verified = await foreshock('verify', '--data', directory)
    expect(verified.code, verified.stdout).toBe(0)

    // The wrong currency was refused at its new place, under a dead letter of its own.
    const open = await list(directory, '--open')
    expect(open.map(({ reason, attempts }) => [reason, attempts])).toEqual([
      ['not_json', 1],
      ['conflict', 1],
      ['future', 1],
      ['currency_mismatch', 0],
    ])
    const orphan = (await list(directory, '--reason', 'unknown_loan'))[0]
    expect(orphan).toMatchObject({ attempts: 1, outcome: 'accepted' })
    const again = await redrive(directory, orphan?.id ?? '')
    expect(again).toMatchObject({ dead_letters: 1, accepted: 0, repeats: 1 })
    expect(await outstanding()).toEqual([{ rest: 260_000 }])
    expect((await list(directory, '--reason', 'unknown_loan'))[0]).toMatchObject({ attempts: 2, outcome: 'repeat' })
    expect(await query(directory, "SELECT count() AS n FROM events WHERE id = 'orphan'")).toEqual([{ n: 2 }])
  })

  it('takes an event whose time has come', async () => {
    await take(directory, reach(noon(150)))
    expect(await redrive(directory, '--reason', 'future')).toMatchObject({ dead_letters: 1, accepted: 1 })
    expect(await redrive(directory, '--reason', 'future')).toMatchObject({ dead_letters: 0 })
    expect((await foreshock('verify', '--data', directory)).code).toBe(0)
  })

  it.each([
    [['show', '0000000000000000'], 1, /there is no dead letter/],
    [['show', 'nonsense'], 2, /16 hexadecimal digits/],
    [['list', '--step', 'nonsense'], 2, /decode, intake, apply/],
    [['list', '--since', 'yesterday'], 2, /YYYY-MM-DD/],
    [['redrive', '0000000000000000', '--no-model'], 1, /do not exist/],
  ] as const)('%j: exit %i and one line', async (args, code, reason) => {
    const outcome = await foreshock('deadletters', ...args, '--data', directory)
    expect(outcome.code).toBe(code)
    expect(outcome.stderr.trimEnd().split('\n').at(-1)).toMatch(reason)
  })
})

it('is handed to the run that holds the directory', async () => {
  const directory = join(folder, 'held')
  const running = await startRun(directory)
  const key = (await foreshock('keys', 'create', '--data', directory)).stdout.trim()
  const { url } = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as { url: string }
  const now = Date.now()
  const response = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify([
      transaction('twice', now, 'b'),
      transaction('twice', now, 'b', { amount_minor: 200 }),
      transaction('dollars', now, 'b', { currency: 'USD' }),
      { id: 'incomplete' },
    ]),
  })
  expect(response.status).toBe(200)
  const sent = await redrive(directory)
  expect(sent.letters.map(({ event_id, outcome, reason }) => [event_id, outcome, reason])).toEqual(
    expect.arrayContaining([
      ['twice', 'refused', 'conflict'],
      ['dollars', 'refused', 'currency_mismatch'],
      ['', 'refused', expect.any(String)],
    ]),
  )
  expect(sent.letters).toHaveLength(3)
  const incomplete = (await list(directory, '--step', 'decode'))[0]
  expect(incomplete).toMatchObject({ attempts: 1, outcome: 'refused' })
  const shown = await foreshock('deadletters', 'show', incomplete?.id ?? '', '--data', directory)
  expect(shown.stdout).toContain('{"id":"incomplete"}')
  expect((await stop(running)).code).toBe(0)
  expect((await foreshock('verify', '--data', directory)).code).toBe(0)
})
