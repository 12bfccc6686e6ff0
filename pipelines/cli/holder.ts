import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure } from './output.ts'

/**
 * Talks to the `run` that holds a data directory. It writes `run.json` there, readable by its user alone, with the
 * address it listens on and a bearer token that is made anew at each start.
 */

const RUN_FILE = 'run.json'
/** What the engine writes while a process has the directory open. */
const STATUS_FILE = 'status'
/** A process that lives answers this soon, however busy it is. */
const ALIVE_TIMEOUT_MS = 1000
const PLAIN_TEXT = 'text/plain; charset=utf-8'

const runFile = z.object({
  pid: z.int().min(1),
  url: z.url({ protocol: /^https?$/ }),
  operator_token: z.string().min(1),
})

/** The process that holds a directory and serves it. */
export type Holder = z.output<typeof runFile>

/** The holder stopped, or is not the one that wrote `run.json`: look again who holds the directory. */
export class HolderGone extends Error {}

/** The holder answered, with an error. The message is its own, in one line. */
export class Refused extends Failure {
  readonly status: number
  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/**
 * The `run` that holds this directory, or undefined: some other command holds it, or `run` is just starting or stopping.
 * To be asked when the directory was found locked. A `run.json` that a killed process left behind names another process
 * than the engine's status file does, so the token never goes to whoever has that address now.
 */
export async function findHolder(directory: string): Promise<Holder | undefined> {
  const holder = readRunFile(join(directory, RUN_FILE))
  if (holder === undefined || holder.pid !== readStatusPid(join(directory, STATUS_FILE))) return undefined
  try {
    const response = await fetch(new URL('/livez', holder.url), { signal: AbortSignal.timeout(ALIVE_TIMEOUT_MS) })
    await response.body?.cancel()
    return response.ok ? holder : undefined
  } catch {
    return undefined
  }
}

/**
 * Sends one request as the operator: a POST where there is a body or that is asked for. Throws `HolderGone` when nobody answers or the
 * process is stopping, `Refused` on any other answer that is no success, and what `signal` throws.
 */
export async function ask(
  holder: Holder,
  path: string,
  options: {
    readonly method?: 'POST'
    readonly body?: string
    readonly type?: string
    readonly signal?: AbortSignal
  } = {},
): Promise<Response> {
  const { body, type = PLAIN_TEXT, signal, method = body === undefined ? 'GET' : 'POST' } = options
  const headers: Record<string, string> = { authorization: `Bearer ${holder.operator_token}` }
  if (body !== undefined) headers['content-type'] = type
  let response: Response
  try {
    response = await fetch(new URL(path, holder.url), {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    signal?.throwIfAborted()
    throw new HolderGone('no answer', { cause: error })
  }
  if (response.ok) return response
  const detail = await readDetail(response)
  const isOfStatement = response.headers.has('x-clickhouse-exception-code')
  // 401: another process has the address by now.
  if (!isOfStatement && (response.status === 503 || response.status === 401)) throw new HolderGone(detail)
  throw new Refused(detail, response.status)
}

/** The whole text of an answer. A connection that breaks in between is a `HolderGone` too. */
export async function askText(holder: Holder, path: string, signal?: AbortSignal): Promise<string> {
  const response = await ask(holder, path, signal === undefined ? {} : { signal })
  try {
    return await response.text()
  } catch (error) {
    signal?.throwIfAborted()
    throw new HolderGone('the answer broke off', { cause: error })
  }
}

/** What a problem document or ClickHouse says, else the status. */
async function readDetail(response: Response): Promise<string> {
  const text = await response.text().catch(() => '')
  if (response.headers.has('x-clickhouse-exception-code'))
    return text.trim().replace(/^Code: \d+\. DB::Exception: /, '')
  const said = z.object({ detail: z.string() }).safeParse(parseJson(text))
  return said.success ? said.data.detail : `the running process answered ${response.status}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readRunFile(path: string): Holder | undefined {
  try {
    return runFile.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data
  } catch {
    return undefined
  }
}

function readStatusPid(path: string): number | undefined {
  try {
    return Number(/^PID: (\d+)/m.exec(readFileSync(path, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}
