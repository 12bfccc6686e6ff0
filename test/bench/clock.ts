/** Processor time, which other work on the machine does not lengthen as it does the clock's, and memory. */

/** Microseconds of all threads of this process: garbage collection, the compiler and the model run on others. */
export function processCpu_us(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Microseconds of this thread alone. */
export function threadCpu_us(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/** Processor time of some work by this thread and by the others, in microseconds. */
export type Work = { readonly total_us: number; readonly main_us: number; readonly wall_us: number }

export async function measureWork(work: () => void | Promise<void>): Promise<Work> {
  const wall = performance.now()
  const total = processCpu_us()
  const main = threadCpu_us()
  await work()
  return {
    total_us: processCpu_us() - total,
    main_us: threadCpu_us() - main,
    wall_us: (performance.now() - wall) * 1000,
  }
}

/** Bytes that are in use once what is not has been collected: heap and array buffers. */
export function memoryInUse(): number {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('memory is measured with node --expose-gc')
  gc()
  // What the first collection let go of may hold array buffers that only the next one frees.
  gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
