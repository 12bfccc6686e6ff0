import type { Logger } from '../kafka/port.ts'
import { createRegistryClient } from '../registry/client.ts'
import { createSchemaSource, type SchemaSource } from '../registry/schemas.ts'
import type { ClusterConfig } from './cluster-config.ts'

/** The schemas of a cluster's registry; nothing is asked of it yet. Without one nothing may be asked. */
export function openSchemas(
  { schema_registry: registry }: Pick<ClusterConfig, 'schema_registry'>,
  { schemaRegistryPassword: password }: { readonly schemaRegistryPassword?: string | undefined },
  logger: Logger,
): SchemaSource {
  if (registry === undefined) {
    return createSchemaSource({ fetchSchema: () => Promise.reject(new Error('there is no schema registry')) })
  }
  const { url, user, timeout_ms } = registry
  return createSchemaSource({
    fetchSchema: createRegistryClient({ url, user, password, timeoutMs: timeout_ms }),
    onOutage: (outage) => {
      if (outage === undefined) logger('info', 'the schema registry answers again', {})
      else {
        const { fault, detail } = outage
        logger('warn', `the schema registry does not answer (${fault}): waiting for it`, { url, reason: detail })
      }
    },
  })
}
