/** What one run of an engine took. */
export type Run = {
  readonly events: number
  /** User and system time of the process, all of its threads. */
  readonly cpu_s: number
  readonly wall_s: number
  readonly peak_mib: number
  /** Sums of the 45 columns over all outputs, in their order, a largest of none as −1. */
  readonly totals: readonly string[]
}

const US_PER_S = 1e6
const MS_PER_S = 1000
const KIB_PER_MIB = 1024

/** What the process took from its start until now. */
export function measureProcess() {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return {
    cpu_s: (userCPUTime + systemCPUTime) / US_PER_S,
    wall_s: process.uptime(),
    peak_mib: maxRSS / KIB_PER_MIB,
  }
}

/** What some work took, without what the process did before; the peak is the process's. */
export async function measureWork(work: () => void | Promise<void>) {
  const before = process.cpuUsage()
  const started = performance.now()
  await work()
  const { user, system } = process.cpuUsage(before)
  return {
    cpu_s: (user + system) / US_PER_S,
    wall_s: (performance.now() - started) / MS_PER_S,
    peak_mib: process.resourceUsage().maxRSS / KIB_PER_MIB,
  }
}
