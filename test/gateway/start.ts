import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the gateway ended (${String(code ?? signal)})`)
  })
  ended.catch(() => {})
  async function message(): Promise<unknown> {
    const [said] = (await Promise.race([once(child, 'message'), ended])) as unknown[]
    return said
  }
  const { port } = (await message()) as { readonly port: number }
  let asked: Promise<unknown> = Promise.resolve()
  return {
    url: `http://127.0.0.1:${port}`,
    password,
    pid: child.pid as number,
    async fault(fault) {
      // One question at a time, so that each has its answer.
      const answer = asked.then(() => {
        child.send({ fault })
        return message()
      })
      asked = answer.catch(() => {})
      const said = await answer
      if (said !== 'ok') throw new Error(`the gateway said ${String(said)}`)
    },
    async close() {
      if (child.connected) child.disconnect()
      await ended.catch(() => {})
    },
  }
}
