import { isTerminal } from '../config.ts'
import type { Log } from '../watch/log.ts'
import { groupDigits } from './output.ts'

const REDRAW_MS = 200
const PLAIN_LINE_MS = 5000
const BAR_WIDTH = 30

/** Progress on standard error: a bar that redraws itself on a terminal, a line every few seconds elsewhere. */
export class Progress {
  readonly #label: string
  readonly #isTerminal: boolean
  readonly #log: Log | undefined
  readonly #started = performance.now()
  #shown = 0
  #isOpen = false

  /** With a log it takes the lines. */
  constructor(label: string, log?: Log) {
    this.#label = label
    this.#log = log
    this.#isTerminal = log === undefined && isTerminal(process.stderr)
  }

  /** `share` is how much is done, 0 to 1, or undefined where nobody knows; `events` are counted from the start. */
  show(events: number, share: number | undefined, detail = ''): void {
    const now = performance.now()
    if (now - this.#shown < (this.#isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return
    this.#shown = now
    this.#draw(events, share, detail)
  }

  end(events: number, detail = ''): void {
    this.#draw(events, 1, detail)
    if (this.#isOpen) process.stderr.write('\n')
    this.#isOpen = false
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000
  }

  #draw(events: number, share: number | undefined, detail: string): void {
    const rate = groupDigits(events / Math.max(this.seconds, 0.001))
    const percent = share === undefined ? '' : `${String(Math.floor(share * 100)).padStart(3)} % `
    const text = `${percent}${groupDigits(events)} events, ${rate} events/s${detail === '' ? '' : `, ${detail}`}`
    if (this.#log !== undefined) {
      this.#log('info', `${this.#label}: ${text}`, { events, ...(share === undefined ? {} : { share }) })
      return
    }
    if (!this.#isTerminal) {
      process.stderr.write(`${this.#label}: ${text}\n`)
      return
    }
    const filled = Math.round((share ?? 0) * BAR_WIDTH)
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
    process.stderr.write(`\r\u001b[2K${this.#label} ${bar} ${text}`)
    this.#isOpen = true
  }
}
