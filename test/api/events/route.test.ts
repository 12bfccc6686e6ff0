import { describe, expect, it } from 'vitest'
import type { EventResult } from '../../../api/dependencies.ts'
import { EVENTS_PER_REQUEST_MAX } from '../../../api/events/route.ts'
import { bearer, createTestApp, eventOf } from '../support.ts'

type Answer = {
  request: string
  counts: Record<string, number>
  results: { id: string | null; status: string; reason?: string }[]
}

function post(test: ReturnType<typeof createTestApp>, payload: string | Buffer, mediaType = 'application/json') {
  const headers = { ...bearer('bank'), 'content-type': mediaType }
  return test.app.inject({ method: 'POST', url: '/v1/events', headers, payload })
}

describe('POST /v1/events', () => {
  it('takes one event', async () => {
    const test = createTestApp()
    const response = await post(test, JSON.stringify(eventOf('e1')))
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({
      request: response.headers['x-request-id'],
      counts: { accepted: 1, repeat: 0, refused: 0 },
      results: [{ id: 'e1', status: 'accepted' }],
    })
    expect(test.submitted).toEqual([
      { tenant: 'bank', text: JSON.stringify(eventOf('e1')), request: response.headers['x-request-id'] },
    ])
  })

  it('answers an array in its order, refused events beside accepted ones and repeats', async () => {
    const test = createTestApp()
    const elements = [
      JSON.stringify(eventOf('e1')),
      '{"id":"e2","__proto__":{"x":1}}',
      JSON.stringify({ ...eventOf('e3'), tenant: 'lender' }),
      JSON.stringify({ ...eventOf('e4'), type: 'day.closed' }),
      '7',
      JSON.stringify(eventOf('e1')),
    ]
    const answer = (await post(test, `[${elements.join(',\n')}]`)).json<Answer>()
    expect(answer.results.map(({ status, reason }) => reason ?? status)).toEqual([
      'accepted',
      'forbidden_key',
      'wrong_tenant',
      'control_from_outside',
      'not_an_object',
      'repeat',
    ])
    expect(answer.counts).toEqual({ accepted: 1, repeat: 1, refused: 4 })
    expect(test.submitted.map(({ text }) => text)).toEqual(elements)
  })

  it('answers NDJSON line by line; a line that is not JSON is one refused event', async () => {
    const test = createTestApp()
    const lines = [JSON.stringify(eventOf('e1')), '{ not json', '\xff\xfe', JSON.stringify(eventOf('e2'))]
    const body = Buffer.from(`${lines.join('\n')}\n`, 'latin1')
    const answer = (await post(test, body, 'application/x-ndjson; charset=utf-8')).json<Answer>()
    expect(answer.results.map(({ id, status, reason }) => [id, reason ?? status])).toEqual([
      ['e1', 'accepted'],
      [null, 'not_json'],
      [null, 'not_utf8'],
      ['e2', 'accepted'],
    ])
  })

  it('takes an empty array as no events', async () => {
    expect((await post(createTestApp(), '[]')).json<Answer>().results).toEqual([])
  })

  it('takes a bounded number of events', async () => {
    const test = createTestApp()
    const most = await post(test, '1\n'.repeat(EVENTS_PER_REQUEST_MAX), 'application/x-ndjson')
    expect(most.json<Answer>().counts['refused']).toBe(EVENTS_PER_REQUEST_MAX)
    const more = await post(test, '1\n'.repeat(EVENTS_PER_REQUEST_MAX + 1), 'application/x-ndjson')
    expect([more.statusCode, more.json<{ type: string }>().type]).toEqual([413, 'urn:foreshock:problem:too_large'])
    expect(test.submitted).toHaveLength(EVENTS_PER_REQUEST_MAX)
  })

  it('gives back the memory of a body when it has answered', async () => {
    const test = createTestApp()
    const body = Buffer.alloc(10 << 20, 0x20)
    body.write('[]')
    // More in all than may be in flight at a time.
    for (let i = 0; i < 8; i++) expect((await post(test, body)).statusCode).toBe(200)
  })

  it('asks to come back later when the bodies of a tenant would fill the memory', async () => {
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const submit = async () => gate.then((): EventResult[] => [{ id: null, status: 'refused' }])
    const test = createTestApp({ fault: { submit } })
    const body = Buffer.alloc(10 << 20, 0x20)
    body.write('{}')
    const answers = Array.from({ length: 7 }, async () => (await post(test, body)).statusCode)
    const first = await Promise.race(answers)
    release()
    expect(first).toBe(503)
    expect((await Promise.all(answers)).filter((status) => status === 200)).toHaveLength(6)
  })

  it('asks to come back later when intake is busy', async () => {
    const response = await post(createTestApp({ fault: { submit: async () => 'busy' } }), JSON.stringify(eventOf('e1')))
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('1')
    expect(response.json()).toMatchObject({ type: 'urn:foreshock:problem:busy' })
  })

  it('gives the operator the tenant that it names', async () => {
    const test = createTestApp()
    const headers = { ...bearer('operator-token-of-the-tests-0123456789'), 'content-type': 'application/json' }
    const payload = JSON.stringify(eventOf('e1'))
    await test.app.inject({ method: 'POST', url: '/v1/events?tenant=lender', headers, payload })
    await test.app.inject({ method: 'POST', url: '/v1/events', headers, payload })
    expect(test.submitted.map(({ tenant }) => tenant)).toEqual(['lender', 'default'])
  })

  it('fails aloud when results are missing', async () => {
    const test = createTestApp({ fault: { submit: async () => [] } })
    expect((await post(test, JSON.stringify(eventOf('e1')))).statusCode).toBe(500)
    expect(test.errors).toHaveLength(1)
  })
})
