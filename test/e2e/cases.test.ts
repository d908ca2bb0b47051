import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeWorld } from '../support/case-world.ts';
import { expectSound, notesBeside } from '../support/case-soundness.ts';
import { renderCases } from '../support/render-cases.ts';
import { runOnce, seenOf } from '../support/run-case.ts';
import { caseGroups } from './cases/index.ts';

describe.each(caseGroups)('$title', ({ cases }) => {
  // "$name" would cut a long name short.
  test.concurrent.each(cases.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const world = makeWorld(row.world);
    try {
      const others = notesBeside(world);
      const outcome = await (row.act ?? runOnce)(world);
      expect(seenOf(world, outcome)).toEqual(row.expected);
      expectSound(world, outcome, others);
      await row.check?.(world, outcome);
    } finally {
      world.dispose();
    }
  });
});

test('docs/cases.md says what is tested here', async () => {
  const file = join(import.meta.dirname, '../../docs/cases.md');
  const rendered = await renderCases(caseGroups, file);
  if (process.env['OPUS_WRITE_CASES']) writeFileSync(file, rendered);
  expect(readFileSync(file, 'utf8')).toBe(rendered);
});
