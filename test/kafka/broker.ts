import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { answersMetadata } from './answers.ts'
import { brokerJars } from './jars.ts'
import { type Proxy, startProxy } from './proxy.ts'

const run = promisify(execFile)

const START_MS_MAX = 60_000
const STOP_MS_MAX = 20_000
const POLL_MS = 100
const JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/** A broker of its own process on loopback. Its ports and data stay while it is stopped and started again. */
export type TestBroker = {
  /** `host:port` of the direct listener. */
  readonly address: string
  /** `host:port` of the listener that is advertised behind `proxy`. */
  readonly proxied: string
  readonly proxy: Proxy
  readonly pid: () => number | undefined
  /** Ends the broker: in order (SIGTERM) or at once (SIGKILL). */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Starts it again on the same ports and data, and waits until it answers. */
  start(): Promise<void>
  /** Ends it and removes its data. */
  close(): Promise<void>
}

/** Starts a Kafka broker with jars from the cache folder, and returns when it answers a metadata request. */
export async function startBroker(cache: string): Promise<TestBroker> {
  const jars = await brokerJars(cache)
  const directory = await mkdtemp(join(tmpdir(), 'foreshock-kafka-'))
  const proxy = await startProxy()
  const [port, behindProxy, controller] = await freePorts(3)
  proxy.forwardTo(behindProxy!)
  await writeFile(join(directory, 'server.properties'), properties(directory, port!, behindProxy!, controller!, proxy))
  const classPath = ['-cp', join(jars, '*')]
  const uuid = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
  // One word: the id may begin with a hyphen.
  const format = ['kafka.tools.StorageTool', 'format', `--cluster-id=${uuid}`, '--standalone', '-c']
  const watcher = watch(directory)
  let java: ChildProcess | undefined
  let ended: Promise<void> = Promise.resolve()
  const address = `127.0.0.1:${port}`

  async function start(): Promise<void> {
    const server = spawn('java', [...JVM, ...classPath, 'kafka.Kafka', join(directory, 'server.properties')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    java = server
    ended = new Promise((resolve) => {
      server.once('exit', () => resolve())
      server.once('error', () => resolve())
    })
    for (const output of [server.stdout, server.stderr]) {
      output.pipe(createWriteStream(join(directory, 'broker.log'), { flags: 'a' }))
    }
    await writeFile(join(directory, 'pid'), String(server.pid))
    const until = performance.now() + START_MS_MAX
    while (!(await answersMetadata('127.0.0.1', port!))) {
      if (server.exitCode !== null || server.signalCode !== null || performance.now() > until) {
        const log = await readFile(join(directory, 'broker.log'), 'utf8')
        throw new Error(`the Kafka broker does not answer; the end of its log:\n${log.slice(-3000)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  async function kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    java?.kill(signal)
    const late = setTimeout(() => java?.kill('SIGKILL'), STOP_MS_MAX)
    await ended
    clearTimeout(late)
  }

  async function close(): Promise<void> {
    await kill('SIGKILL')
    await proxy.close()
    watcher.stdin?.end()
    await new Promise<void>((resolve) => {
      watcher.once('exit', () => resolve())
    })
  }

  try {
    await run('java', [...JVM, ...classPath, ...format, join(directory, 'server.properties')])
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return { address, proxied: `127.0.0.1:${proxy.port}`, proxy, pid: () => java?.pid, kill, start, close }
}

/**
 * A process that outlives this one: when the other end of its input is closed, by `close` or because this process is gone in
 * whatever way, it ends the broker and removes the data.
 */
function watch(directory: string): ChildProcess {
  const script = 'cat > /dev/null; kill -9 "$(cat "$0/pid")" 2> /dev/null; rm -rf "$0"'
  return spawn('sh', ['-c', script, directory], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address !== null && typeof address !== 'string') ports.push(address.port)
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  return ports
}

function properties(directory: string, port: number, behindProxy: number, controller: number, proxy: Proxy): string {
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `DIRECT://127.0.0.1:${port},PROXIED://127.0.0.1:${behindProxy},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `DIRECT://127.0.0.1:${port},PROXIED://127.0.0.1:${proxy.port}`,
    'listener.security.protocol.map': 'DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'DIRECT',
    'log.dirs': join(directory, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Tests use sessions of seconds.
    'group.min.session.timeout.ms': 1000,
    'auto.create.topics.enable': false,
    'log.retention.check.interval.ms': 500,
    'log.initial.task.delay.ms': 500,
    'log.segment.delete.delay.ms': 0,
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
