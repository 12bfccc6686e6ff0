#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { sizeThreadPool } from '../config.ts'
import { moveStandardInput, wantsStandardInput } from './standard-input.ts'

sizeThreadPool()
moveStandardInput(wantsStandardInput(process.argv.slice(2)))
// Most of a short command's time would be the compiling of what it loads.
enableCompileCache()
// Everything else is loaded after the size of the thread pool is set.
const { runCommandLine } = await import('./program.ts')
await runCommandLine(process.argv)
