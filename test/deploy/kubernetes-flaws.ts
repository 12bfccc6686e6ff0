import { parseClusterConfig } from '../../pipelines/cluster/cluster-config.ts'
import { isPinned, optionOf, textOf } from './files.ts'
import type { KubernetesObject, Labels, Workload } from './kubernetes-shape.ts'

/** A worker's bound for SIGTERM is 10 s; checkpoints and a slow disk need room beside it. */
const GRACE_SECONDS_MIN = 30
const ROLE_LABEL = 'app.kubernetes.io/component'

/** What is wrong between the objects of `deploy/kubernetes/`: each sentence begins with the name of the one at fault. */
export function flawsOf(objects: readonly KubernetesObject[]): string[] {
  const workloads = objects.filter((one) => one.kind === 'Deployment' || one.kind === 'StatefulSet')
  return [
    ...flawsOfNames(objects),
    ...workloads.flatMap((one) => [
      ...flawsOfSelection(one, workloads),
      ...flawsOfVolumes(one, objects),
      ...flawsOfContainers(one),
      ...flawsOfBudget(one, objects),
    ]),
    ...flawsOfServices(objects, workloads),
    ...flawsOfConfiguration(objects, workloads),
  ]
}

function flawsOfNames(objects: readonly KubernetesObject[]): string[] {
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  return names.filter((one, i) => names.indexOf(one) < i).map((one) => `${one}: is there twice`)
}

function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}

function podLabels(workload: Workload): Labels {
  return workload.spec.template.metadata.labels
}

function flawsOfSelection(workload: Workload, all: readonly Workload[]): string[] {
  const { spec, metadata } = workload
  const selector = spec.selector.matchLabels
  const flaws: string[] = []
  if (!selects(selector, podLabels(workload))) flaws.push('its selector is not that of its pods')
  if (all.some((other) => other !== workload && selects(selector, podLabels(other)))) {
    flaws.push("its selector takes another's pods")
  }
  const apart = spec.template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution
  if (!apart.some(({ podAffinityTerm }) => selects(podAffinityTerm.labelSelector.matchLabels, podLabels(workload)))) {
    flaws.push('its pods are not kept apart from each other')
  }
  return flaws.map((flaw) => `${metadata.name}: ${flaw}`)
}

/** Volumes that are mounted and not there, or there and not mounted; what they name and does not exist. */
function flawsOfVolumes(workload: Workload, objects: readonly KubernetesObject[]): string[] {
  const { spec, metadata } = workload
  const { volumes, containers } = spec.template.spec
  const claims = workload.kind === 'StatefulSet' ? workload.spec.volumeClaimTemplates : []
  const there = [...volumes.map(({ name }) => name), ...claims.map((claim) => claim.metadata.name)]
  const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name))
  const flaws = [
    ...mounted.filter((name) => !there.includes(name)).map((name) => `mounts ${name}, which is no volume of it`),
    ...there.filter((name) => !mounted.includes(name)).map((name) => `has the volume ${name} and does not mount it`),
  ]
  for (const volume of volumes) {
    if ('configMap' in volume && mapNamed(objects, volume.configMap.name) === undefined) {
      flaws.push(`there is no ConfigMap ${volume.configMap.name}`)
    }
    if ('secret' in volume && !secretKeys().has(`${volume.secret.secretName}/keys.ndjson`)) {
      flaws.push(`README.md makes no secret ${volume.secret.secretName} of keys`)
    }
  }
  return flaws.map((flaw) => `${metadata.name}: ${flaw}`)
}

function mapNamed(objects: readonly KubernetesObject[], name: string) {
  return objects.filter((one) => one.kind === 'ConfigMap').find(({ metadata }) => metadata.name === name)
}

/** `secret/key` of every secret that the page tells to make. */
function secretKeys(): ReadonlySet<string> {
  const lines = textOf('deploy/README.md').matchAll(/create secret generic (\S+)(.*)/g)
  return new Set(
    [...lines].flatMap(([, secret, rest = '']) =>
      [...rest.matchAll(/--from-(?:literal|file)=([\w.-]+)=/g)].map(([, key]) => `${secret}/${key}`),
    ),
  )
}

function flawsOfContainers({ metadata, spec }: Workload): string[] {
  const { template } = spec
  const flaws: string[] = []
  if (template.spec.terminationGracePeriodSeconds < GRACE_SECONDS_MIN) flaws.push('it is killed before it has drained')
  const scraped = template.metadata.annotations['prometheus.io/port']
  for (const { image, args, ports, env, startupProbe, livenessProbe, readinessProbe } of template.spec.containers) {
    if (!isPinned(image)) flaws.push(`${image} is not pinned`)
    if (optionOf(args, '--role') !== template.metadata.labels[ROLE_LABEL])
      flaws.push('its role is not that of its label')
    const port = ports.find(({ name }) => name === 'http')?.containerPort
    if (optionOf(args, '--port') !== String(port)) flaws.push('its port is not the one that it listens on')
    if (scraped !== String(port)) flaws.push('another port is scraped')
    const probes = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)
    if (probes.some((probe) => !ports.some(({ name }) => name === probe.port)))
      flaws.push('a port is probed that is none')
    if (probes.map(({ path }) => path).join() !== '/livez,/livez,/readyz') flaws.push('its probes ask the wrong paths')
    for (const { valueFrom } of env) {
      const { name, key, optional = false } = valueFrom.secretKeyRef
      if (!optional && !secretKeys().has(`${name}/${key}`)) flaws.push(`README.md makes no secret ${name} with ${key}`)
    }
  }
  return flaws.map((flaw) => `${metadata.name}: ${flaw}`)
}

function flawsOfBudget(workload: Workload, objects: readonly KubernetesObject[]): string[] {
  const { name } = workload.metadata
  const budgets = objects
    .filter((one) => one.kind === 'PodDisruptionBudget')
    .filter(({ spec }) => selects(spec.selector.matchLabels, podLabels(workload)))
  const [budget] = budgets
  if (budget === undefined || budgets.length > 1)
    return [`${name}: ${budgets.length} disruption budgets select its pods`]
  return budget.spec.maxUnavailable < workload.spec.replicas ? [] : [`${name}: its budget lets all pods go at once`]
}

function flawsOfServices(objects: readonly KubernetesObject[], workloads: readonly Workload[]): string[] {
  const services = objects.filter((one) => one.kind === 'Service')
  const flaws = services.flatMap(({ metadata, spec }) => {
    const selected = workloads.filter((one) => selects(spec.selector, podLabels(one)))
    if (selected.length !== 1) return [`${metadata.name}: selects the pods of ${selected.length} workloads`]
    const ports = selected.flatMap((one) => one.spec.template.spec.containers.flatMap((container) => container.ports))
    return spec.ports
      .filter(({ targetPort }) => !ports.some(({ name }) => name === targetPort))
      .map(({ targetPort }) => `${metadata.name}: no pod has a port ${targetPort}`)
  })
  for (const one of workloads) {
    if (one.kind !== 'StatefulSet') continue
    const governing = services.find(({ metadata }) => metadata.name === one.spec.serviceName)
    if (governing?.spec.clusterIP !== 'None' || !selects(governing.spec.selector, podLabels(one))) {
      flaws.push(`${one.metadata.name}: its service is not a headless one of its pods`)
    }
  }
  return flaws
}

/** The cluster configuration that each container is given, against what the container has. */
function flawsOfConfiguration(objects: readonly KubernetesObject[], workloads: readonly Workload[]): string[] {
  return workloads.flatMap(({ metadata, spec }) =>
    spec.template.spec.containers.flatMap(({ args, env, volumeMounts }) => {
      const at = optionOf(args, '--config') ?? ''
      const [folder, file] = [at.slice(0, at.lastIndexOf('/')), at.slice(at.lastIndexOf('/') + 1)]
      const mount = volumeMounts.find(({ mountPath }) => mountPath === folder)
      const volume = spec.template.spec.volumes.find(({ name }) => name === mount?.name)
      const map = volume !== undefined && 'configMap' in volume ? mapNamed(objects, volume.configMap.name) : undefined
      const text = map?.data[file]
      if (text === undefined) return [`${metadata.name}: ${at} is not mounted`]
      const flaws = flawsOfText(text)
      const read = parseClusterConfig(jsonOf(text), file)
      if (read.ok) {
        const { kafka, checkpoints, partitions } = read.config
        const variables = env.map(({ name }) => name)
        if (kafka.sasl !== undefined && !variables.includes('FORESHOCK_KAFKA_USER')) flaws.push('it has no Kafka user')
        if (kafka.sasl !== undefined && !variables.includes('FORESHOCK_KAFKA_PASSWORD'))
          flaws.push('it has no password')
        if (optionOf(args, '--role') === 'worker') {
          const store = volumeMounts.find(({ mountPath }) => mountPath === checkpoints)
          if (store === undefined || store.readOnly === true) flaws.push(`${checkpoints} is no volume of its own`)
          if (spec.replicas > partitions) flaws.push(`${spec.replicas} of them for ${partitions} partitions`)
        }
      }
      return flaws.map((flaw) => `${metadata.name}: ${flaw}`)
    }),
  )
}

function flawsOfText(text: string): string[] {
  const read = parseClusterConfig(jsonOf(text), 'cluster.json')
  if (!read.ok) return [read.detail]
  const { kafka, clickhouse, partitions } = read.config
  const shards = clickhouse.shards?.length ?? 1
  return [
    ...(partitions % shards === 0 ? [] : [`${partitions} partitions do not spread evenly over ${shards} shards`]),
    ...(kafka.replication >= 3 ? [] : ['fewer than three copies of the log']),
    ...(/password/i.test(text) ? ['a password is in the configuration'] : []),
  ]
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
