/** Bodies that may be in memory at a time, of all tenants and of one: no tenant can fill it for the others. */
export const BYTES_IN_FLIGHT_MAX = 128 * 1024 * 1024
export const BYTES_IN_FLIGHT_PER_TENANT_MAX = 64 * 1024 * 1024

/** Counts the bytes of request bodies between their arrival and their answer. */
export function createBytesInFlight() {
  const byTenant = new Map<string, number>()
  let total = 0

  return {
    /** Takes room for a body; undefined when there is none. The answer gives the room back, once. */
    take: (tenant: string, bytes: number): (() => void) | undefined => {
      const own = byTenant.get(tenant) ?? 0
      if (total + bytes > BYTES_IN_FLIGHT_MAX || own + bytes > BYTES_IN_FLIGHT_PER_TENANT_MAX) return undefined
      total += bytes
      byTenant.set(tenant, own + bytes)
      let held = true
      return () => {
        if (!held) return
        held = false
        total -= bytes
        const left = (byTenant.get(tenant) ?? 0) - bytes
        if (left > 0) byTenant.set(tenant, left)
        else byTenant.delete(tenant)
      }
    },
  }
}
