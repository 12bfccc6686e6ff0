/** A member of a group with the partitions that it says it owns, and since which generation. */
export type GroupMember = {
  readonly id: string
  readonly owned: readonly string[]
  readonly generation: number
}

/**
 * Gives every partition to one member: as many to each as can be (they differ by one at most), and moves no partition that
 * need not move. The same members and partitions, in any order, give the same result. A partition that two members claim
 * belongs to the one with the later generation.
 *
 * Members and partitions are named by any text; partitions are dealt in their given order.
 */
export function assignSticky(members: readonly GroupMember[], partitions: readonly string[]): Map<string, string[]> {
  const byId = members.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const result = new Map(byId.map(({ id }): [string, string[]] => [id, []]))
  if (byId.length === 0) return result
  const owners = claims(byId, new Set(partitions))
  for (const partition of partitions) {
    const owner = owners.get(partition)
    if (owner !== undefined) result.get(owner)!.push(partition)
  }
  // The members that hold most keep the one partition more than the rest, so that it does not move.
  const least = Math.floor(partitions.length / byId.length)
  const extra = partitions.length % byId.length
  const ranked = byId.toSorted((a, b) => result.get(b.id)!.length - result.get(a.id)!.length)
  const free = new Set(partitions.filter((partition) => !owners.has(partition)))
  const quotas = ranked.map(({ id }, rank) => ({ id, quota: rank < extra ? least + 1 : least }))
  for (const { id, quota } of quotas) for (const partition of result.get(id)!.splice(quota)) free.add(partition)
  const dealt = partitions.filter((partition) => free.has(partition))
  for (const { id, quota } of quotas) {
    const own = result.get(id)!
    own.push(...dealt.splice(0, quota - own.length))
  }
  return result
}

/** Who owns what, of the partitions that there are: the claim of the latest generation counts, then the first name. */
function claims(members: readonly GroupMember[], partitions: ReadonlySet<string>): Map<string, string> {
  const owners = new Map<string, string>()
  for (const { id, owned } of members.toSorted((a, b) => b.generation - a.generation)) {
    for (const partition of owned) {
      if (partitions.has(partition) && !owners.has(partition)) owners.set(partition, id)
    }
  }
  return owners
}
