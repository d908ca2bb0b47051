import { writeSync } from 'node:fs';
import type { Reporter } from 'vitest/node';
import { findChromium } from './browser/find-chromium.ts';

/** Ends the output with one line for machines: `tests: N passed, N failed`. */
export default class ClosingLine implements Reporter {
  onTestRunEnd: NonNullable<Reporter['onTestRunEnd']> = (modules, unhandledErrors) => {
    let passed = 0;
    let failed = unhandledErrors.length;
    for (const module of modules) {
      const before = failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        if (state === 'failed') failed += 1;
      }
      // A file that did not load, or whose hook failed, has no failed test to show for it.
      if (failed === before && module.state() === 'failed') failed += 1;
    }
    if (findChromium() === null) {
      process.once('exit', () =>
        writeSync(
          1,
          '\nNOT RUN: the browser tests. Chromium is missing: apt-get install chromium, or name one in OPUS_CHROMIUM.\n\n',
        ),
      );
    }
    process.once('exit', () => writeSync(1, `tests: ${passed} passed, ${failed} failed\n`));
  };
}
