import { z } from 'zod'

/**
 * The Kubernetes objects that `deploy/` uses, as far as it uses them, with the names and types of the API's own schema.
 * Objects are strict: a misspelt field would be dropped in silence by some servers.
 */

const name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
const labels = z.record(z.string(), z.string())
const quantity = z.string().regex(/^\d+(?:m|Mi|Gi)?$/)
const metadata = z.strictObject({ name, namespace: z.literal('foreshock'), labels })
const matchLabels = z.strictObject({ matchLabels: labels })

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith('/'), port: name }),
  periodSeconds: z.int().min(1),
  timeoutSeconds: z.int().min(1),
  failureThreshold: z.int().min(1),
})

const container = z.strictObject({
  name,
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(
    z.strictObject({
      name: z.string().regex(/^[A-Z_]+$/),
      valueFrom: z.strictObject({
        secretKeyRef: z.strictObject({ name, key: z.string(), optional: z.boolean().optional() }),
      }),
    }),
  ),
  ports: z.array(z.strictObject({ name, containerPort: z.int().min(1).max(65_535) })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({
    requests: z.strictObject({ cpu: quantity, memory: quantity }),
    limits: z.strictObject({ cpu: quantity, memory: quantity }),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(
    z.strictObject({ name, mountPath: z.string().startsWith('/'), readOnly: z.boolean().optional() }),
  ),
})

const volume = z.union([
  z.strictObject({ name, configMap: z.strictObject({ name }) }),
  z.strictObject({ name, secret: z.strictObject({ secretName: name, defaultMode: z.int().min(0).max(0o777) }) }),
  z.strictObject({ name, emptyDir: z.strictObject({ sizeLimit: quantity }) }),
])

const template = z.strictObject({
  metadata: z.strictObject({ labels, annotations: labels }),
  spec: z.strictObject({
    automountServiceAccountToken: z.literal(false),
    terminationGracePeriodSeconds: z.int(),
    nodeSelector: labels,
    affinity: z.strictObject({
      podAntiAffinity: z.strictObject({
        preferredDuringSchedulingIgnoredDuringExecution: z.array(
          z.strictObject({
            weight: z.int().min(1).max(100),
            podAffinityTerm: z.strictObject({ topologyKey: z.string(), labelSelector: matchLabels }),
          }),
        ),
      }),
    }),
    securityContext: z.strictObject({
      runAsNonRoot: z.literal(true),
      runAsUser: z.int().min(1),
      runAsGroup: z.int().min(1),
      fsGroup: z.int().min(1),
      fsGroupChangePolicy: z.enum(['Always', 'OnRootMismatch']),
      seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
    }),
    containers: z.array(container).min(1),
    volumes: z.array(volume),
  }),
})

const deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata,
  spec: z.strictObject({
    replicas: z.int().min(1),
    selector: matchLabels,
    strategy: z.strictObject({ rollingUpdate: z.strictObject({ maxSurge: z.int(), maxUnavailable: z.int() }) }),
    template,
  }),
})

const statefulSet = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('StatefulSet'),
  metadata,
  spec: z.strictObject({
    replicas: z.int().min(1),
    serviceName: name,
    selector: matchLabels,
    podManagementPolicy: z.enum(['OrderedReady', 'Parallel']),
    updateStrategy: z.strictObject({ type: z.enum(['RollingUpdate', 'OnDelete']) }),
    template,
    persistentVolumeClaimRetentionPolicy: z.strictObject({
      whenDeleted: z.enum(['Retain', 'Delete']),
      whenScaled: z.enum(['Retain', 'Delete']),
    }),
    volumeClaimTemplates: z.array(
      z.strictObject({
        metadata: z.strictObject({ name }),
        spec: z.strictObject({
          accessModes: z.array(z.enum(['ReadWriteOnce', 'ReadWriteMany'])).min(1),
          resources: z.strictObject({ requests: z.strictObject({ storage: quantity }) }),
        }),
      }),
    ),
  }),
})

const service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata,
  spec: z.strictObject({
    clusterIP: z.literal('None').optional(),
    publishNotReadyAddresses: z.boolean().optional(),
    selector: labels,
    ports: z.array(z.strictObject({ name, port: z.int().min(1).max(65_535), targetPort: name })).min(1),
  }),
})

const disruptionBudget = z.strictObject({
  apiVersion: z.literal('policy/v1'),
  kind: z.literal('PodDisruptionBudget'),
  metadata,
  spec: z.strictObject({
    maxUnavailable: z.int().min(1),
    unhealthyPodEvictionPolicy: z.enum(['AlwaysAllow', 'IfHealthyBudget']),
    selector: matchLabels,
  }),
})

const configMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata,
  data: z.record(z.string(), z.string()),
})

export const objectSchema = z.discriminatedUnion('kind', [
  deployment,
  statefulSet,
  service,
  disruptionBudget,
  configMap,
])

export type KubernetesObject = z.output<typeof objectSchema>
export type Workload = z.output<typeof deployment> | z.output<typeof statefulSet>
export type Labels = Readonly<Record<string, string>>
