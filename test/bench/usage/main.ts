import { writeSync } from 'node:fs'

/** Loaded before a program that is measured: at its end it tells on descriptor 3 what the process has used. */

const USAGE_FD = 3

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const { user, system } = process.threadCpuUsage()
  const usage = {
    cpu_s: (userCPUTime + systemCPUTime) / 1e6,
    main_thread_s: (user + system) / 1e6,
    peak_mib: maxRSS / 1024,
  }
  writeSync(USAGE_FD, JSON.stringify(usage))
})
