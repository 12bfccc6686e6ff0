/** Keeps what is compiled for the next process: a run starts dozens of them. */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

enableCompileCache(join(tmpdir(), 'foreshock-compiled'))
await import('./process.ts')
// Not every one of them comes to its end.
flushCompileCache()
