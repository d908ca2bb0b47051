import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,contract,integration,e2e}/**/*.test.ts'],
    globalSetup: [],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    alias: [{ find: /^obsidian$/, replacement: 'obsidian-test-mocks/obsidian' }],
  },
});
