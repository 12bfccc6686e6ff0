import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native engines (ClickHouse, onnxruntime) want a process of their own, and the suite must fit two cores.
    pool: 'forks',
    maxWorkers: 2,
    // More threads than sessions of the embedded engine: else a few long queries stop even the reading of files.
    env: { UV_THREADPOOL_SIZE: '16' },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    // A flaky test is a bug, a focused one hides the others.
    retry: 0,
    allowOnly: false,
    passWithNoTests: false,
    unstubGlobals: true,
    restoreMocks: true,
    reporters: ['default', './test/check/totals.ts'],
  },
})
