import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistryReader } from '../../runner/adapters/registry/registry-reader.ts';
import { startScript } from '../support/child-process.ts';

describe('a runner that dies in the middle of a step', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-crash-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function dieIn(step: string): Promise<void> {
    const runner = startScript('run-engine.ts', folder, step);
    await runner.line((line) => line === `body ${step}`);
    await runner.kill();
  }

  function stepsDone(): unknown[] {
    const reader = openRegistryReader({ file: join(folder, 'registry.db') });
    const names = reader.events({ afterSeq: 0, limit: 100 }).map((event) => event.data['name']);
    reader.close();
    return names;
  }

  const allSteps = Array.from({ length: 10 }, (_, index) => `step-${index}`);

  it('goes on in that step at the next start and repeats no finished one', async () => {
    await dieIn('step-3');
    await dieIn('step-7');
    const last = startScript('run-engine.ts', folder);
    expect(await last.ended()).toBe(0);
    expect(last.lines).toEqual(['body step-7', 'body step-8', 'body step-9', 'end']);
    expect(stepsDone()).toEqual(allSteps);
  });

  it('has no effect twice when the engine’s database was deleted meanwhile', async () => {
    await dieIn('step-5');
    for (const file of readdirSync(folder).filter((name) => name.startsWith('engine.db'))) rmSync(join(folder, file));
    const last = startScript('run-engine.ts', folder);
    expect(await last.ended()).toBe(0);
    expect(last.lines).toContain('body step-0');
    expect(stepsDone()).toEqual(allSteps);
  });

  it('moves a damaged engine database aside and goes on from the registry', async () => {
    await dieIn('step-5');
    for (const file of readdirSync(folder).filter((name) => name.startsWith('engine.db'))) rmSync(join(folder, file));
    writeFileSync(join(folder, 'engine.db'), 'this is no database, whatever its name says');
    const last = startScript('run-engine.ts', folder);
    expect(await last.ended()).toBe(0);
    expect(stepsDone()).toEqual(allSteps);
    expect(readdirSync(folder).filter((name) => name.includes('.damaged-'))).toHaveLength(1);
  });
});
