/** Nobody waits longer for an answer: a statement that hangs must be seen as one. */
const ANSWER_MS_MAX = 60_000

/** Asks ClickHouse over HTTP, and nothing of the product. */
export class ClickHouse {
  readonly url: string
  readonly database: string

  constructor(url: string, database: string) {
    this.url = url
    this.database = database
  }

  async rows<Row>(sql: string): Promise<Row[]> {
    return (await this.lines(sql)).map((line) => JSON.parse(line) as Row)
  }

  /** Rows as JSON texts, merged. */
  async lines(sql: string): Promise<string[]> {
    const text = await this.#ask(sql, this.database)
    return text === '' ? [] : text.trimEnd().split('\n')
  }

  async create(): Promise<void> {
    await this.#ask(`CREATE DATABASE IF NOT EXISTS ${this.database}`, 'default')
  }

  async #ask(sql: string, database: string): Promise<string> {
    const url = new URL(this.url)
    const settings = {
      database,
      default_format: 'JSONEachRow',
      wait_end_of_query: '1',
      final: '1',
      session_timezone: 'UTC',
      output_format_json_quote_64bit_integers: '0',
    }
    for (const [name, value] of Object.entries(settings)) url.searchParams.set(name, value)
    const authorization = `Basic ${Buffer.from('default:').toString('base64')}`
    const signal = AbortSignal.timeout(ANSWER_MS_MAX)
    const response = await fetch(url, { method: 'POST', body: sql, headers: { authorization }, signal })
    const text = await response.text()
    if (!response.ok) throw new Error(`${sql.slice(0, 80)}: ${text}`)
    return text
  }
}
