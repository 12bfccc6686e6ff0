import { describe, expect, it } from 'vitest'
import { filesBelow } from '../architecture/tree.ts'
import { yamlOf } from './files.ts'
import { flawsOf } from './kubernetes-flaws.ts'
import { type KubernetesObject, objectSchema, type Workload } from './kubernetes-shape.ts'

const documents = filesBelow('deploy/kubernetes').flatMap(yamlOf)
const objects = documents.map((document) => objectSchema.parse(document))

/** A copy of the objects, for spoiling. */
const copy = (): KubernetesObject[] => structuredClone(objects)

function workload(all: readonly KubernetesObject[], name: string): Workload {
  const found = all.find(
    ({ kind, metadata }) => metadata.name === name && (kind === 'Deployment' || kind === 'StatefulSet'),
  )
  return found as Workload
}

function container(all: readonly KubernetesObject[], name: string) {
  return workload(all, name).spec.template.spec.containers[0]!
}

function object<K extends KubernetesObject['kind']>(all: readonly KubernetesObject[], kind: K, name: string) {
  return all.find((one) => one.kind === kind && one.metadata.name === name) as Extract<KubernetesObject, { kind: K }>
}

describe('the Kubernetes manifests', () => {
  it('hold the three roles, with what belongs to them', () => {
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'ConfigMap foreshock-cluster',
      'Deployment foreshock-api',
      'Deployment foreshock-intake',
      'PodDisruptionBudget foreshock-api',
      'PodDisruptionBudget foreshock-intake',
      'PodDisruptionBudget foreshock-worker',
      'Service foreshock-api',
      'Service foreshock-worker',
      'StatefulSet foreshock-worker',
    ])
  })

  it('fit together', () => {
    expect(flawsOf(objects)).toEqual([])
  })

  it('have no field that the API does not know', () => {
    for (const spoil of [{ readynessProbe: {} }, { readinessProbe: undefined }, { resources: { limits: {} } }]) {
      const all = copy()
      Object.assign(container(all, 'foreshock-worker'), spoil)
      expect(objectSchema.safeParse(workload(all, 'foreshock-worker')).success, JSON.stringify(spoil)).toBe(false)
    }
  })
})

const SPOILT: readonly { readonly flaw: string; spoil(all: KubernetesObject[]): void }[] = [
  {
    flaw: 'Service foreshock-api: is there twice',
    spoil: (all) => all.push(object(all, 'Service', 'foreshock-api')),
  },
  {
    flaw: 'foreshock-api: its selector is not that of its pods',
    spoil: (all) => {
      workload(all, 'foreshock-api').spec.selector.matchLabels['app.kubernetes.io/name'] = 'other'
    },
  },
  {
    flaw: "foreshock-api: its selector takes another's pods",
    spoil: (all) => {
      delete workload(all, 'foreshock-api').spec.selector.matchLabels['app.kubernetes.io/component']
    },
  },
  {
    flaw: 'foreshock-worker: its pods are not kept apart from each other',
    spoil: (all) => {
      workload(
        all,
        'foreshock-worker',
      ).spec.template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.length = 0
    },
  },
  {
    flaw: 'foreshock-worker: mounts elsewhere, which is no volume of it',
    spoil: (all) => container(all, 'foreshock-worker').volumeMounts.push({ name: 'elsewhere', mountPath: '/x' }),
  },
  {
    flaw: 'foreshock-worker: has the volume tmp and does not mount it',
    spoil: (all) => container(all, 'foreshock-worker').volumeMounts.splice(1, 1),
  },
  {
    flaw: 'foreshock-intake: there is no ConfigMap foreshock-cluster',
    spoil: (all) => all.splice(all.indexOf(object(all, 'ConfigMap', 'foreshock-cluster')), 1),
  },
  {
    flaw: 'foreshock-api: README.md makes no secret foreshock-keys of keys',
    spoil: (all) => {
      const keys = workload(all, 'foreshock-api').spec.template.spec.volumes.find(({ name }) => name === 'keys')
      if (keys !== undefined && 'secret' in keys) keys.secret.secretName = 'foreshock-keys'
    },
  },
  {
    flaw: 'foreshock-intake: README.md makes no secret foreshock-secrets with kafka-users',
    spoil: (all) => {
      container(all, 'foreshock-intake').env[1]!.valueFrom.secretKeyRef.key = 'kafka-users'
    },
  },
  {
    flaw: 'foreshock-worker: it is killed before it has drained',
    spoil: (all) => {
      workload(all, 'foreshock-worker').spec.template.spec.terminationGracePeriodSeconds = 10
    },
  },
  {
    flaw: 'foreshock-api: foreshock:latest is not pinned',
    spoil: (all) => {
      container(all, 'foreshock-api').image = 'foreshock:latest'
    },
  },
  {
    flaw: 'foreshock-api: its role is not that of its label',
    spoil: (all) => {
      container(all, 'foreshock-api').args[2] = 'worker'
    },
  },
  {
    flaw: 'foreshock-api: its port is not the one that it listens on',
    spoil: (all) => {
      container(all, 'foreshock-api').ports[0]!.containerPort = 8081
    },
  },
  {
    flaw: 'foreshock-intake: another port is scraped',
    spoil: (all) => {
      workload(all, 'foreshock-intake').spec.template.metadata.annotations['prometheus.io/port'] = '9090'
    },
  },
  {
    flaw: 'foreshock-worker: a port is probed that is none',
    spoil: (all) => {
      container(all, 'foreshock-worker').readinessProbe.httpGet.port = 'metrics'
    },
  },
  {
    flaw: 'foreshock-worker: its probes ask the wrong paths',
    spoil: (all) => {
      container(all, 'foreshock-worker').livenessProbe.httpGet.path = '/readyz'
    },
  },
  {
    flaw: 'foreshock-worker: 0 disruption budgets select its pods',
    spoil: (all) => {
      object(all, 'PodDisruptionBudget', 'foreshock-worker').spec.selector.matchLabels['app.kubernetes.io/name'] =
        'other'
    },
  },
  {
    flaw: 'foreshock-intake: its budget lets all pods go at once',
    spoil: (all) => {
      object(all, 'PodDisruptionBudget', 'foreshock-intake').spec.maxUnavailable = 2
    },
  },
  {
    flaw: 'foreshock-api: selects the pods of 0 workloads',
    spoil: (all) => {
      object(all, 'Service', 'foreshock-api').spec.selector['app.kubernetes.io/component'] = 'feed'
    },
  },
  {
    flaw: 'foreshock-api: no pod has a port feed',
    spoil: (all) => {
      object(all, 'Service', 'foreshock-api').spec.ports[0]!.targetPort = 'feed'
    },
  },
  {
    flaw: 'foreshock-worker: its service is not a headless one of its pods',
    spoil: (all) => {
      delete object(all, 'Service', 'foreshock-worker').spec.clusterIP
    },
  },
  {
    flaw: 'foreshock-api: /etc/foreshock/other.json is not mounted',
    spoil: (all) => {
      container(all, 'foreshock-api').args[4] = '/etc/foreshock/other.json'
    },
  },
  {
    flaw: 'foreshock-api: it has no Kafka user',
    spoil: (all) => container(all, 'foreshock-api').env.splice(1, 1),
  },
  {
    flaw: 'foreshock-worker: /var/lib/foreshock/checkpoints is no volume of its own',
    spoil: (all) => {
      container(all, 'foreshock-worker').volumeMounts[2]!.mountPath = '/var/lib/foreshock'
    },
  },
  {
    flaw: 'foreshock-worker: 17 of them for 16 partitions',
    spoil: (all) => {
      workload(all, 'foreshock-worker').spec.replicas = 17
    },
  },
  {
    flaw: 'foreshock-worker: cluster.json: partitions: Invalid input: expected number, received string',
    spoil: (all) => configure(all, { partitions: '16' }),
  },
  {
    flaw: 'foreshock-worker: 15 partitions do not spread evenly over 2 shards',
    spoil: (all) => configure(all, { partitions: 15 }),
  },
  {
    flaw: 'foreshock-worker: fewer than three copies of the log',
    spoil: (all) => configure(all, { kafka: { brokers: ['kafka:9092'], replication: 2 } }),
  },
  {
    flaw: 'foreshock-worker: a password is in the configuration',
    spoil: (all) => configure(all, { clickhouse: { url: 'http://clickhouse:8123', user: 'password' } }),
  },
]

function configure(all: KubernetesObject[], change: Readonly<Record<string, unknown>>): void {
  const { data } = object(all, 'ConfigMap', 'foreshock-cluster')
  data['cluster.json'] = JSON.stringify({ ...JSON.parse(data['cluster.json'] ?? ''), ...change })
}

describe('a spoilt manifest', () => {
  it.each(SPOILT)('is found out: $flaw', ({ flaw, spoil }) => {
    const all = copy()
    spoil(all)
    expect(flawsOf(all)).toContain(flaw)
  })
})
