import { describe, expect, test } from 'vitest';
import { makeWorld } from '../support/case-world.ts';
import { expectSound, notesBeside } from '../support/case-soundness.ts';
import { runOnce, seenOf } from '../support/run-case.ts';
import { caseGroups } from './cases/index.ts';

describe.each(caseGroups)('$title', ({ cases }) => {
  test.concurrent.for(cases)('$name', async (row) => {
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
