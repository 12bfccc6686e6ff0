import { describe, expect, it } from 'vitest'
import { flawsOf } from './compose-flaws.ts'
import { type Compose, composeSchema } from './compose-shape.ts'
import { textOf, yamlOf } from './files.ts'

const compose = composeSchema.parse(yamlOf('deploy/compose.yaml')[0])
const configuration = JSON.parse(textOf('deploy/cluster.json')) as Record<string, unknown>

describe('the compose file', () => {
  it('starts Kafka, ClickHouse and the three roles', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['api', 'clickhouse', 'intake', 'kafka', 'topics', 'worker'])
  })

  it('fits together, and with its configuration', () => {
    expect(flawsOf(compose)).toEqual([])
  })

  it('has no field that compose does not know', () => {
    const spoilt = structuredClone(compose)
    Object.assign(spoilt.services['api']!, { health_check: {} })
    expect(composeSchema.safeParse(spoilt).success).toBe(false)
  })
})

type Services = Compose['services']

const SPOILT: readonly { readonly flaw: string; spoil(services: Services, compose: Compose): void }[] = [
  {
    flaw: 'kafka: apache/kafka:latest is not pinned',
    spoil: ({ kafka }) => Object.assign(kafka!, { image: 'apache/kafka:latest' }),
  },
  {
    flaw: 'api: waits for zookeeper, which is no service',
    spoil: ({ api }) => Object.assign(api!, { depends_on: { zookeeper: { condition: 'service_healthy' } } }),
  },
  {
    flaw: 'intake: waits for the health of clickhouse, which has no check',
    spoil: ({ clickhouse }) => {
      delete clickhouse!.healthcheck
    },
  },
  {
    flaw: 'intake: waits for the end of topics, which is started again and again',
    spoil: ({ topics }) => Object.assign(topics!, { restart: 'unless-stopped' }),
  },
  {
    flaw: 'api: has no health check',
    spoil: ({ api }) => {
      delete api!.healthcheck
    },
  },
  {
    flaw: 'api: mounts nowhere, which is no volume',
    spoil: ({ api }) => Object.assign(api!, { volumes: ['nowhere:/x'] }),
  },
  {
    flaw: 'api: is given other, which is no config',
    spoil: ({ api }) => Object.assign(api!, { configs: [{ source: 'other', target: '/x' }] }),
  },
  {
    flaw: 'api: the port 8080:8080 is open to other machines',
    spoil: ({ api }) => Object.assign(api!, { ports: ['8080:8080'] }),
  },
  {
    flaw: 'clickhouse: CLICKHOUSE_PASSWORD is written down',
    spoil: ({ clickhouse }) => Object.assign(clickhouse!.environment!, { CLICKHOUSE_PASSWORD: 'secret' }),
  },
  {
    flaw: 'api: has another role',
    spoil: ({ api }) => {
      api!.command![2] = 'worker'
    },
  },
  {
    flaw: 'worker: its configuration is not mounted',
    spoil: ({ worker }) => {
      worker!.command![4] = '/etc/foreshock/other.json'
    },
  },
  {
    flaw: 'intake: its health check asks elsewhere',
    spoil: ({ intake }) => {
      intake!.command![8] = '8081'
    },
  },
  {
    flaw: 'worker: fewer than two of them',
    spoil: ({ worker }) => Object.assign(worker!, { deploy: { replicas: 1 } }),
  },
  {
    flaw: 'nobody uses keys',
    spoil: ({ api }) => {
      delete api!.volumes
    },
  },
  {
    flaw: 'no broker is kafka:9092',
    spoil: ({ kafka }) => Object.assign(kafka!.environment!, { KAFKA_ADVERTISED_LISTENERS: 'INSIDE://kafka:9095' }),
  },
  {
    flaw: 'no ClickHouse has the user foreshock',
    spoil: ({ clickhouse }) => Object.assign(clickhouse!.environment!, { CLICKHOUSE_USER: 'default' }),
  },
  {
    flaw: 'no ClickHouse has the database foreshock',
    spoil: ({ clickhouse }) => Object.assign(clickhouse!.environment!, { CLICKHOUSE_DB: 'default' }),
  },
  {
    flaw: 'topics: makes transactions where transactions, repayments, bureau-queries, signals are read',
    spoil: ({ topics }) => Object.assign(topics!, { command: ['for topic in transactions; do'] }),
  },
  {
    flaw: 'worker: /var/lib/foreshock/checkpoints is no volume',
    spoil: ({ worker }) => Object.assign(worker!, { volumes: ['checkpoints:/elsewhere'] }),
  },
  {
    flaw: 'worker: more of them than partitions',
    spoil: ({ worker }) => Object.assign(worker!, { deploy: { replicas: 5 } }),
  },
]

describe('a spoilt compose file', () => {
  it.each(SPOILT)('is found out: $flaw', ({ flaw, spoil }) => {
    const spoilt = structuredClone(compose)
    spoil(spoilt.services, spoilt)
    expect(flawsOf(spoilt)).toContain(flaw)
  })

  it('is found out when the configuration is none', () => {
    expect(flawsOf(compose, JSON.stringify({ ...configuration, partitons: 4 }))).toEqual([
      'cluster.json: configuration: Unrecognized key: "partitons"',
    ])
  })
})
