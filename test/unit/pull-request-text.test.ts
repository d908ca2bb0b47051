import { expect, it } from 'vitest';
import { pullRequestText } from '../../runner/core/reporting/pull-request-text.ts';
import { findTampering } from '../../runner/core/tamper/find-tampering.ts';
import { aJob } from '../support/records.ts';

const diff = `diff --git a/test/sum.test.ts b/test/sum.test.ts
--- a/test/sum.test.ts
+++ b/test/sum.test.ts
@@ -3,1 +3,1 @@
-it('adds', () => {
+it.skip('adds', () => {
`;

const bodyOf = (of: string, cost: string): string =>
  pullRequestText(
    aJob(),
    { id: 'FR-1', title: 'Dispatch', path: '10_features/FR-1.md' },
    [],
    { files: [], added: 1, removed: 1 },
    { tested: true, weaker: [], tampering: findTampering(of), cost, vaultName: 'vault' },
  ).body;

it('a pull request says where its change touches what tells whether it works, and what it cost', () => {
  const body = bodyOf(diff, '$0.42');
  expect(body).toMatch(
    /^## Look at these\n\nThe change touches what tells whether it works:\n\n- test\/sum\.test\.ts:3: /m,
  );
  expect(body).toContain('\n\nCost so far: $0.42.\n');
  expect(bodyOf('', '')).not.toMatch(/Look at these|Cost so far/);
});
