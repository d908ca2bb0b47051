import { mkdirSync, watch, writeFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { writeAtomically } from '../../runner/adapters/vault/atomic-write.ts';
import { createVaultWatcher, type VaultWatcherOptions } from '../../runner/adapters/vault/vault-watcher.ts';
import type { VaultWatcher } from '../../runner/core/ports/vault-watcher.ts';
import { plannedNote, VaultFolder } from '../support/vault-folder.ts';

/** What the system says when it is asked to watch a folder. */
const system = vi.hoisted(() => ({ refusal: (_folder: string): string | null => null }));

vi.mock(import('node:fs'), async (original) => {
  const actual = await original();
  const guarded = (folder: string, ...rest: unknown[]): unknown => {
    const code = system.refusal(folder);
    if (code !== null) throw Object.assign(new Error(`${code}: watch '${folder}'`), { code });
    return Reflect.apply(actual.watch, actual, [folder, ...rest]);
  };
  return { ...actual, watch: guarded as typeof actual.watch };
});

const path = '10_features/FR-1.md';
const files = VaultFolder.forEachTest();
const watchers: VaultWatcher[] = [];

afterEach(async () => {
  system.refusal = () => null;
  for (const watcher of watchers.splice(0)) await watcher.stop();
});

interface Watched {
  readonly watcher: VaultWatcher;
  readonly listener: { changes: number; readonly broken: string[]; onChange(): void; onBroken(reason: string): void };
  /** Settles when the next change is told. */
  readonly told: (act: () => unknown) => Promise<void>;
}

function created(options: Partial<VaultWatcherOptions> = {}): Watched {
  const watcher = createVaultWatcher({
    root: files.root,
    folders: () => ['10_features', '00_system/opus'],
    debounceMs: 5,
    ...options,
  });
  watchers.push(watcher);
  const listener: Watched['listener'] = {
    changes: 0,
    broken: [],
    onChange: () => (listener.changes += 1),
    onBroken: (reason) => listener.broken.push(reason),
  };
  return {
    watcher,
    listener,
    async told(act) {
      const before = listener.changes;
      await act();
      await vi.waitFor(() => {
        expect(listener.changes).toBeGreaterThan(before);
      }, 5_000);
      await quiet(listener);
    },
  };
}

async function started(options: Partial<VaultWatcherOptions> = {}): Promise<Watched> {
  const made = created(options);
  await made.watcher.start(made.listener);
  return made;
}

/** Until what the system has told by now has been passed on: a change of a folder of its own is told after all before it. */
async function quiet(listener: Watched['listener']): Promise<void> {
  for (let before = -1; before !== listener.changes;) {
    before = listener.changes;
    const sentinel = join(files.folder, 'sentinel');
    await mkdir(sentinel, { recursive: true });
    const { promise, resolve } = Promise.withResolvers<null>();
    const watcher = watch(sentinel, () => {
      resolve(null);
    });
    await writeFile(join(sentinel, 'x'), 'x');
    await promise;
    watcher.close();
    // Timers of the same length run in the order in which they were set, and a burst's was set before.
    await setTimeout(5);
  }
}

/** The system counts what was closed until a turn later. */
async function expectWatches(count: number): Promise<void> {
  await vi.waitFor(() => {
    expect(process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap')).toHaveLength(count);
  });
}

const edit = (name = path, text = 'Mine'): Promise<string> => files.put(name, plannedNote.replace('Body', text));

describe('a watched vault', () => {
  it('tells a burst of changes once', async () => {
    const { listener, told } = await started();
    await told(() => {
      for (let n = 0; n < 50; n += 1) writeFileSync(join(files.root, `10_features/FR-${n}.md`), plannedNote);
    });
    expect(listener.changes).toBe(1);
  });

  it('tells of edits that never pause', async () => {
    const { listener } = await started({ debounceMs: 200 });
    const deadline = Date.now() + 20_000;
    while (listener.changes === 0 && Date.now() < deadline) {
      writeFileSync(join(files.root, path), `${plannedNote}${Date.now()}`);
      await setTimeout(1);
    }
    expect(listener.changes).toBe(1);
  });

  it('tells after the last of 1,000 edits', async () => {
    let seen = '';
    const { listener, watcher } = created();
    await watcher.start({ ...listener, onChange: () => void files.get(path).then((text) => (seen = text)) });
    for (let n = 1; n <= 1_000; n += 1) await edit(path, `Edit ${n}.`);
    await vi.waitFor(() => {
      expect(seen).toContain('Edit 1000.');
    }, 5_000);
  });

  it('follows editors that write beside and rename, again and again', async () => {
    await edit();
    const { told } = await started();
    for (let n = 0; n < 3; n += 1) {
      await told(async () => {
        await edit('10_features/FR-1.md~', `Edit ${n}`);
        await rename(join(files.root, '10_features/FR-1.md~'), join(files.root, path));
      });
    }
    await told(() => edit());
    await told(() => rm(join(files.root, path)));
  });

  it('leaves hidden folders, temporary files and files that are no notes alone', async () => {
    await edit('10_features/.obsidian/note.md');
    await mkdir(join(files.root, '00_system'));
    const { listener } = await started();
    await edit('10_features/.obsidian/note.md', 'Changed');
    await edit('10_features/.trash/FR-1.md');
    await edit('10_features/.git/x/FR-1.md');
    await edit('10_features/.opus-FR-1.md-0123456789ab.tmp');
    await edit('10_features/picture.png');
    await edit('20_runs/FR-1-1.md');
    await edit('00_system/other/FR-1.md');
    await quiet(listener);
    expect(listener.changes).toBe(0);
  });

  it('tells of the runner’s own write once, when the note is in place', async () => {
    await edit();
    const { listener, told } = await started({ debounceMs: 0 });
    await told(() => writeAtomically(join(files.root, path), Buffer.from('x')));
    expect(listener.changes).toBe(1);
  });

  it('follows new folders, however deep', async () => {
    const { told } = await started();
    await told(() => edit('10_features/a/b/c/FR-2.md'));
    await told(() => edit('10_features/a/b/c/FR-2.md', 'Again'));
    await told(() => edit('10_features/a/b/FR-3.md'));
  });

  it('follows a folder that is moved, and forgets where it was', async () => {
    await edit('10_features/a/b/FR-2.md');
    const { listener, told } = await started();
    await told(() => rename(join(files.root, '10_features/a'), join(files.root, '10_features/z')));
    await told(() => edit('10_features/z/b/FR-2.md'));
    await told(() => rename(join(files.root, '10_features/z'), join(files.folder, 'outside')));
    const before = listener.changes;
    await writeFile(join(files.folder, 'outside/b/FR-2.md'), plannedNote);
    await quiet(listener);
    expect(listener.changes).toBe(before);
  });

  it.each(['moved away', 'removed'])('goes on in a folder that takes the place of one that was %s', async (how) => {
    const folder = join(files.root, '10_features/a');
    await edit('10_features/a/FR-2.md');
    const { told } = await started();
    await told(async () => {
      if (how === 'removed') await rm(folder, { recursive: true });
      else await rename(folder, join(files.folder, 'old'));
      await mkdir(folder);
    });
    await told(() => edit('10_features/a/FR-2.md'));
  });

  it('waits for folders that are not there yet', async () => {
    await rm(join(files.root, '10_features'), { recursive: true });
    const { told } = await started();
    await told(() => edit('00_system/opus/agents/coder.md'));
    await told(() => edit('00_system/opus/agents/coder.md', 'Again'));
    await told(() => edit());
  });

  it('follows a link to a folder inside the vault and none that leads out', async () => {
    await edit('notes/FR-1.md');
    await mkdir(join(files.folder, 'outside'));
    await rm(join(files.root, '10_features'), { recursive: true });
    await symlink('notes', join(files.root, '10_features'));
    await mkdir(join(files.root, '00_system'));
    await symlink(join(files.folder, 'outside'), join(files.root, '00_system/opus'));
    const { listener, told } = await started();
    await told(() => edit('notes/FR-1.md'));
    const before = listener.changes;
    await writeFile(join(files.folder, 'outside/config.md'), 'x');
    await quiet(listener);
    expect(listener.changes).toBe(before);
  });

  it('goes on when its listener throws', async () => {
    const { listener, watcher } = created();
    await watcher.start({
      ...listener,
      onChange: () => {
        listener.changes += 1;
        throw new Error('not now');
      },
    });
    for (const count of [1, 2]) {
      await edit();
      await vi.waitFor(() => {
        expect(listener.changes).toBe(count);
      });
    }
  });

  it('watches folders and no files, and leaves nothing behind when it is stopped', async () => {
    for (let n = 0; n < 100; n += 1) await edit(`10_features/${n % 5}/FR-${n}.md`);
    const { listener, watcher } = await started();
    // The root, 10_features and its five.
    await expectWatches(7);
    const timers = vi.spyOn(globalThis, 'clearInterval');
    await edit();
    await Promise.all([watcher.stop(), watcher.stop()]);
    expect(timers).toHaveBeenCalledTimes(1);
    await expectWatches(0);
    await quiet(listener);
    expect(listener.changes).toBe(0);
  });
});

describe('a vault that cannot be watched', () => {
  const away = (): string => join(files.folder, 'away');

  it.each(['moved', 'removed', 'replaced'])('says once that the vault was %s, and can start again', async (how) => {
    const { listener, told, watcher } = await started({ checkMs: 20 });
    if (how === 'removed') await rm(files.root, { recursive: true });
    else await rename(files.root, away());
    if (how === 'replaced') await mkdir(join(files.root, '10_features'), { recursive: true });
    await vi.waitFor(() => {
      expect(listener.broken).toEqual([`The vault ${files.root} was moved, removed or replaced.`]);
    });
    if (how !== 'replaced') {
      await expect(watcher.start(listener)).rejects.toMatchObject({
        code: 'vault.watch-failed',
        message: `The vault ${files.root} cannot be found.`,
      });
    }
    await mkdir(join(files.root, '10_features'), { recursive: true });
    await watcher.start(listener);
    await told(() => edit());
    expect(listener.broken).toHaveLength(1);
  });

  it.each([
    ['ENOSPC', 'max_user_watches'],
    ['EMFILE', 'max_user_instances'],
  ])('does not start where the system refuses with %s, and says which limit to raise', async (code, limit) => {
    await edit('10_features/a/FR-1.md');
    system.refusal = (folder) => (folder.endsWith('/a') ? code : null);
    const { listener, watcher } = created();
    await expect(watcher.start(listener)).rejects.toMatchObject({
      code: 'vault.watch-failed',
      hint: expect.stringContaining(`sysctl fs.inotify.${limit}`) as string,
    });
    await expectWatches(0);
    expect(listener.broken).toEqual([]);
  });

  it('is told as broken once when the limit is reached later', async () => {
    const { listener } = await started();
    system.refusal = (folder) => (folder.startsWith(files.root) ? 'ENOSPC' : null);
    for (const name of ['one', 'two', 'three']) mkdirSync(join(files.root, '10_features', name));
    await vi.waitFor(() => {
      expect(listener.broken).toEqual([expect.stringMatching(/lets nobody watch more folders.*max_user_watches/)]);
    });
    await quiet(listener);
    expect(listener.broken).toHaveLength(1);
    await expectWatches(0);
  });
});
