import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { findChromium } from './test/support/browser/find-chromium.ts';

/** The files that take longest begin first, so that no worker is left alone with one of them at the end. */
class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve([...files].sort((left, right) => rank(left.moduleId) - rank(right.moduleId)));
  }
}

const longest = [/test\/browser\//, /e2e\/service-kill/, /e2e\/cases/, /\/e2e\//, /\/contract\//, /\/integration\//];

function rank(file: string): number {
  const found = longest.findIndex((pattern) => pattern.test(file));
  return found < 0 ? longest.length : found;
}

const compiled = join(import.meta.dirname, 'node_modules', '.cache', 'compiled');

const browserTests = {
  extends: true as const,
  test: {
    name: 'browser',
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/support/browser/build-pages.ts'],
  },
};

export default defineConfig({
  test: {
    projects: [
      // Nothing of these outlives its test, so that one worker can do them all.
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      // These start many processes, which takes longer the larger the worker has grown: each file has one of its own.
      { extends: true, test: { name: 'whole', include: ['test/{contract,integration,e2e}/**/*.test.ts'] } },
      // Without a browser nothing of these can run; the closing lines say so.
      ...(findChromium() === null ? [] : [browserTests]),
    ],
    // The many processes that tests start spend half of their time on compiling otherwise.
    env: { NODE_COMPILE_CACHE: compiled },
    benchmark: { include: ['test/bench/**/*.bench.ts'] },
    setupFiles: ['test/support/leaks.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
    // Leaks are looked for among a worker's own processes.
    pool: 'forks',
    alias: [{ find: /^obsidian$/, replacement: 'obsidian-test-mocks/obsidian' }],
  },
});
