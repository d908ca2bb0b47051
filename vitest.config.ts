import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,contract,integration,e2e}/**/*.test.ts'],
    benchmark: { include: ['test/bench/**/*.bench.ts'] },
    setupFiles: ['test/support/leaks.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Leaks are looked for among a worker's own processes.
    pool: 'forks',
    alias: [{ find: /^obsidian$/, replacement: 'obsidian-test-mocks/obsidian' }],
  },
});
