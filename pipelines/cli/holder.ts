import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { RUN_FILE } from '../run/run-file.ts'
