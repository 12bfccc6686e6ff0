import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Fault } from './faults.ts'

export type Gateway = {
  readonly url: string
  readonly password: string
  readonly pid: number
  /** Switches a fault on, or with `none` off; it holds when the promise resolves. */
  fault(fault: Fault): Promise<void>
  close(): Promise<void>
}

/** Starts a gateway on a free port, in a process of its own, over an embedded engine in this directory. */
export async function startGateway(directory: string, password = 'gateway-secret'): Promise<Gateway> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, '--data', directory, '--password', password], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  async function line(): Promise<string> {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the gateway ended')
    return value
  }
  const { port } = JSON.parse(await line()) as { readonly port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    password,
    pid: child.pid as number,
    async fault(fault) {
      child.stdin.write(`${JSON.stringify({ fault })}\n`)
      const said = await line()
      if (said !== 'ok') throw new Error(`the gateway said ${said}`)
    },
    async close() {
      const exit = once(child, 'exit')
      child.stdin.end()
      await exit
    },
  }
}
