#!/usr/bin/env node
import { sizeThreadPool } from '../config.ts'

sizeThreadPool()
// Everything else is loaded after the size of the thread pool is set.
const { runCommandLine } = await import('./program.ts')
await runCommandLine(process.argv)
