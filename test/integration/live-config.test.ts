import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLiveConfig, type LiveConfig, type ReloadOutcome } from '../../runner/config/live-config.ts';
import { loadConfig } from '../../runner/config/load.ts';

let root: string;
let file: string;
const stops: (() => void)[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'opus-live-'));
  file = join(root, 'project/opus.yml');
  write();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await rm(root, { recursive: true, force: true });
});

const content = (lines: readonly string[]): string =>
  ['vault: { path: ./vault }', 'repos: { app: { url: ./app.git } }', ...lines, ''].join('\n');

/** Synchronously, so that nobody in this process sees the file while it is empty. */
function write(...lines: string[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content(lines));
}

function live(): LiveConfig {
  return createLiveConfig(() => loadConfig(file), { pollMs: 10, settleMs: 10 });
}

describe('reloading opus.yml', () => {
  it('says that nothing changed', () => {
    const config = live();
    write('# a remark');
    expect(config.reload()).toEqual({ kind: 'unchanged' });
  });

  it('takes what may change at once and keeps the rest until the next start', () => {
    const config = live();
    const before = config.current();
    write('concurrency: 7', 'sandbox: off');
    const outcome = config.reload();
    expect(outcome).toEqual({
      kind: 'taken',
      config: { ...before, concurrency: 7 },
      changed: ['concurrency'],
      needsRestart: ['sandbox'],
    });
    expect(config.current()).toEqual({ ...before, concurrency: 7 });
    expect(config.reload()).toEqual({ kind: 'unchanged' });
  });

  it('goes on naming what waits for a start until it is taken back', () => {
    const config = live();
    write('trust: auto');
    config.reload();
    write('trust: auto', 'rounds: 9');
    expect(config.reload()).toMatchObject({ changed: ['rounds'], needsRestart: ['trust'] });
    write('rounds: 9');
    expect(config.reload()).toMatchObject({ kind: 'taken', changed: [], needsRestart: [] });
  });

  it('refuses a wrong file, says where it is wrong, and keeps the old one', () => {
    const config = live();
    const before = config.current();
    write('concurrency: many');
    expect(config.reload()).toMatchObject({
      kind: 'refused',
      error: { code: 'config.invalid', message: expect.stringContaining(`${file}:3: \`concurrency\``) as string },
    });
    expect(config.current()).toBe(before);
    write('concurrency: 4');
    expect(config.reload()).toMatchObject({ kind: 'taken', changed: ['concurrency'] });
  });

  it('refuses where the file is gone', async () => {
    const config = live();
    await rm(file);
    expect(config.reload()).toMatchObject({ kind: 'refused', error: { code: 'config.not-found' } });
  });

  it('throws where the file is wrong from the beginning', () => {
    write('concurrency: many');
    expect(live).toThrow(expect.objectContaining({ code: 'config.invalid' }));
  });
});

describe('watching opus.yml', () => {
  let outcomes: ReloadOutcome[];
  let config: LiveConfig;
  beforeEach(() => {
    outcomes = [];
    config = live();
    stops.push(config.watch((outcome) => outcomes.push(outcome)));
  });

  async function takes(concurrency: number): Promise<void> {
    await vi.waitFor(() => {
      expect(config.current().concurrency).toBe(concurrency);
    }, 5_000);
  }

  it('takes an edit in place', async () => {
    write('concurrency: 7');
    await takes(7);
    expect(outcomes).toMatchObject([{ kind: 'taken', changed: ['concurrency'] }]);
  });

  it('follows editors that write beside and rename, again and again', async () => {
    for (const concurrency of [7, 8, 9]) {
      await writeFile(`${file}~`, content([`concurrency: ${concurrency}`]));
      await rename(`${file}~`, file);
      await takes(concurrency);
    }
    expect(outcomes).toHaveLength(3);
  });

  it.each(['the file', 'its folder'])('waits while %s is gone', async (what) => {
    await takes(3);
    await rm(what === 'the file' ? file : dirname(file), { recursive: true });
    // Long enough that the absence is seen.
    for (let looks = 0; looks < 5; looks += 1) await setTimeout(10);
    write('concurrency: 7');
    await takes(7);
    write('concurrency: 8');
    await takes(8);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['taken', 'taken']);
  });

  it('follows a link whose target changes', async () => {
    const target = join(root, 'target.yml');
    await writeFile(target, content(['concurrency: 7']));
    await rm(file);
    await symlink(target, file);
    await takes(7);
    writeFileSync(target, content(['concurrency: 8']));
    await takes(8);
  });

  it('tells of a wrong file, and that it is right again', async () => {
    write('concurrency: many');
    await vi.waitFor(() => {
      expect(outcomes).toMatchObject([{ kind: 'refused' }]);
    }, 5_000);
    write();
    await vi.waitFor(() => {
      expect(outcomes).toMatchObject([{ kind: 'refused' }, { kind: 'unchanged' }]);
    }, 5_000);
  });

  it('takes nothing more once it is stopped', async () => {
    for (const stop of stops.splice(0)) stop();
    const other = live();
    stops.push(other.watch(() => {}));
    write('concurrency: 7');
    await vi.waitFor(() => {
      expect(other.current().concurrency).toBe(7);
    }, 5_000);
    expect(config.current().concurrency).toBe(3);
  });
});
