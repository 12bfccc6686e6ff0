import { parseClusterConfig } from '../../pipelines/cluster/cluster-config.ts'
import type { Compose, Service } from './compose-shape.ts'
import { isPinned, optionOf, textOf } from './files.ts'

const SECRETS = /PASSWORD$/
const LOOPBACK = /^127\.0\.0\.1:\d+:\d+$/

/** What is wrong inside the compose file and between it and `cluster.json`. */
export function flawsOf(compose: Compose, configuration = textOf('deploy/cluster.json')): string[] {
  const services = Object.entries(compose.services)
  return [
    ...services.flatMap(([name, service]) => flawsOfService(compose, service).map((flaw) => `${name}: ${flaw}`)),
    ...flawsOfRoles(compose),
    ...unused(compose),
    ...flawsOfConfiguration(compose, configuration),
  ]
}

function flawsOfService({ services, volumes, configs }: Compose, service: Service): string[] {
  const flaws: string[] = []
  if (!isPinned(service.image)) flaws.push(`${service.image} is not pinned`)
  for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
    const needed = services[other]
    if (needed === undefined) flaws.push(`waits for ${other}, which is no service`)
    else if (condition === 'service_healthy' && needed.healthcheck === undefined) {
      flaws.push(`waits for the health of ${other}, which has no check`)
    } else if (condition === 'service_completed_successfully' && needed.restart === 'unless-stopped') {
      flaws.push(`waits for the end of ${other}, which is started again and again`)
    }
  }
  if (service.healthcheck === undefined && service.restart === 'unless-stopped') flaws.push('has no health check')
  for (const mount of service.volumes ?? []) {
    const [volume = ''] = mount.split(':')
    if (volumes[volume] === undefined) flaws.push(`mounts ${volume}, which is no volume`)
  }
  for (const { source } of service.configs ?? []) {
    if (configs[source] === undefined) flaws.push(`is given ${source}, which is no config`)
  }
  for (const port of service.ports ?? []) {
    if (!LOOPBACK.test(port)) flaws.push(`the port ${port} is open to other machines`)
  }
  for (const [variable, value] of Object.entries(service.environment ?? {})) {
    if (SECRETS.test(variable) && !/^\$\{[A-Z_]+(?::[?-][^}]*)?\}$/.test(String(value))) {
      flaws.push(`${variable} is written down`)
    }
  }
  return flaws
}

/** Intake, at least two workers and the API, each asked at the port that it listens on. */
function flawsOfRoles({ services }: Compose): string[] {
  const flaws = ['intake', 'worker', 'api'].flatMap((role) => {
    const service = services[role]
    if (service?.command === undefined) return [`there is no ${role}`]
    const { command, configs = [], healthcheck } = service
    const port = optionOf(command, '--port')
    return [
      ...(optionOf(command, '--role') === role ? [] : [`${role}: has another role`]),
      ...(configs.some(({ target }) => target === optionOf(command, '--config'))
        ? []
        : [`${role}: its configuration is not mounted`]),
      ...(healthcheck?.test.join(' ').includes(`http://127.0.0.1:${port}/readyz`)
        ? []
        : [`${role}: its health check asks elsewhere`]),
    ]
  })
  if ((services['worker']?.deploy?.replicas ?? 1) < 2) flaws.push('worker: fewer than two of them')
  return flaws
}

function unused({ services, volumes, configs }: Compose): string[] {
  const all = Object.values(services)
  const mounted = new Set(all.flatMap((service) => service.volumes ?? []).map((mount) => mount.split(':')[0]))
  const given = new Set(all.flatMap((service) => service.configs ?? []).map(({ source }) => source))
  return [
    ...Object.keys(volumes).filter((name) => !mounted.has(name)),
    ...Object.keys(configs).filter((name) => !given.has(name)),
  ].map((name) => `nobody uses ${name}`)
}

function flawsOfConfiguration({ services }: Compose, text: string): string[] {
  const read = parseClusterConfig(JSON.parse(text), 'cluster.json')
  if (!read.ok) return [read.detail]
  const { kafka, clickhouse, inputs, checkpoints, partitions } = read.config
  const flaws: string[] = []
  for (const broker of kafka.brokers) {
    const host = broker.split(':')[0] ?? ''
    const advertised = String(services[host]?.environment?.['KAFKA_ADVERTISED_LISTENERS'] ?? '').split(',')
    if (!advertised.some((listener) => listener.endsWith(`://${broker}`))) flaws.push(`no broker is ${broker}`)
  }
  const { CLICKHOUSE_USER, CLICKHOUSE_DB } = services[new URL(clickhouse.url).hostname]?.environment ?? {}
  if (CLICKHOUSE_USER !== clickhouse.user) flaws.push(`no ClickHouse has the user ${clickhouse.user}`)
  if (CLICKHOUSE_DB !== clickhouse.database) flaws.push(`no ClickHouse has the database ${clickhouse.database}`)
  const made = /for topic in ([^;]+);/.exec(services['topics']?.command?.join(' ') ?? '')?.[1]?.split(' ') ?? []
  const read_topics = inputs.map(({ topic }) => topic)
  if (made.toSorted().join() !== read_topics.toSorted().join()) {
    flaws.push(`topics: makes ${made.join(', ')} where ${read_topics.join(', ')} are read`)
  }
  const worker = services['worker']
  if (!worker?.volumes?.some((mount) => mount.endsWith(`:${checkpoints}`)))
    flaws.push(`worker: ${checkpoints} is no volume`)
  if ((worker?.deploy?.replicas ?? 1) > partitions) flaws.push('worker: more of them than partitions')
  return flaws
}
