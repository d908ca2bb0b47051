import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plannedNote, VaultFolder } from '../support/vault-folder.ts';

const path = '10_features/FR-1.md';
const files = VaultFolder.forEachTest();

describe('writing keys', () => {
  it('changes those lines only and moves the status by compare-and-set', async () => {
    await files.put(path, plannedNote);
    const status = { expect: ['planned'], to: 'in-progress' } as const;
    const write = {
      path,
      keys: [
        ['run_state', 'queued'],
        ['commit', '1234e567'],
      ],
      status,
    } as const;
    expect(await files.vault().writeKeys(write)).toEqual({ kind: 'written' });
    expect(await files.get(path)).toBe(
      '---\nid: FR-1\ntitle: One\nstatus: in-progress # mine\ntags:\n  - fr\nrun_state: queued\ncommit: "1234e567"\n---\nBody\n',
    );
    expect(await files.vault().writeKeys(write)).toEqual({ kind: 'unchanged' });
  });

  it('leaves the file untouched when every value is there', async () => {
    const target = await files.put(path, plannedNote);
    const before = await stat(target);
    await files.vault().writeKeys({ path, keys: [['title', 'One']], status: { expect: [], to: 'planned' } });
    const after = await stat(target);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  it('keeps the status that a person set meanwhile, and says so', async () => {
    await files.put(path, plannedNote.replace('planned', 'parked'));
    const status = { expect: ['planned'], to: 'in-progress' } as const;
    expect(await files.vault().writeKeys({ path, keys: [['run_state', 'code']], status })).toEqual({
      kind: 'clash',
      found: 'parked',
    });
    expect(await files.get(path)).toContain('status: parked # mine');
    expect(await files.get(path)).toContain('run_state: code');
  });

  it('keeps byte order mark, line ends and permissions, and leaves nothing beside the note', async () => {
    const target = await files.put(path, `\ufeff${plannedNote.replaceAll('\n', '\r\n')}`);
    await chmod(target, 0o640);
    await files.vault().writeKeys({ path, keys: [['run_state', 'code']], status: null });
    expect(await files.get(path)).toBe(
      `\ufeff${plannedNote.replace('fr\n', 'fr\nrun_state: code\n').replaceAll('\n', '\r\n')}`,
    );
    expect((await stat(target)).mode & 0o777).toBe(0o640);
    expect(await readdir(join(files.root, '10_features'))).toEqual(['FR-1.md']);
  });

  it('uses the names that the vault has for properties', async () => {
    await files.put(path, '---\nid: FR-1\nstate: planned\ntags: fr\n---\n');
    const subject = files.vault({ keys: { status: 'state', run_state: 'opus' } });
    await subject.writeKeys({ path, keys: [['run_state', 'code']], status: { expect: ['planned'], to: 'done' } });
    expect(await files.get(path)).toBe('---\nid: FR-1\nstate: done\ntags: fr\nopus: code\n---\n');
  });

  it('loses no write when many come at once', async () => {
    await files.put(path, plannedNote);
    const subject = files.vault();
    const keys = Array.from({ length: 30 }, (_, index) => `key${index}`);
    await Promise.all(keys.map((key) => subject.writeKeys({ path, keys: [[key, key]], status: null })));
    const text = await files.get(path);
    expect(keys.filter((key) => !text.includes(`${key}: ${key}\n`))).toEqual([]);
  });

  it.each([
    ['broken frontmatter', '---\nid: FR-1\ntitle: a: b\n---\n', 'frontmatter.yaml'],
    ['a merge conflict', `${plannedNote}<<<<<<< x\n`, 'note.conflict-marker'],
    ['no frontmatter', 'Body\n', 'frontmatter.missing'],
    ['other bytes than UTF-8', Buffer.from([0x2d, 0xff]), 'note.not-utf8'],
    ['more than it reads', `${plannedNote}${'x'.repeat(3 * 1024 * 1024)}`, 'note.too-large'],
  ])('refuses a note with %s and leaves its bytes', async (_, content, code) => {
    const target = await files.put(path, content);
    const outcome = await files.vault().writeKeys({ path, keys: [['run_state', 'code']], status: null });
    expect(outcome).toMatchObject({ kind: 'refused', problem: { code } });
    expect(Buffer.from(content).equals(await readFile(target))).toBe(true);
  });

  it('says when the note is gone', async () => {
    const write = { keys: [['run_state', 'code']], status: null } as const;
    expect(await files.vault().writeKeys({ ...write, path })).toEqual({ kind: 'gone' });
    expect(await files.vault().writeKeys({ ...write, path: 'no/folder.md' })).toEqual({ kind: 'gone' });
  });

  it('says that it could not write where a folder has the name of a note', async () => {
    await mkdir(join(files.root, path));
    const write = files.vault().writeKeys({ path, keys: [['run_state', 'code']], status: null });
    await expect(write).rejects.toMatchObject({ code: 'vault.write-failed' });
    await expect(files.vault().writeNote(path, 'x', 'replace')).rejects.toMatchObject({ code: 'vault.write-failed' });
    expect(await readdir(join(files.root, '10_features'))).toEqual(['FR-1.md']);
  });

  it.runIf(process.getuid?.() !== 0)('says that it could not write, and leaves the note', async () => {
    await files.put(path, plannedNote);
    await chmod(join(files.root, '10_features'), 0o555);
    const write = files.vault().writeKeys({ path, keys: [['run_state', 'code']], status: null });
    await expect(write).rejects.toMatchObject({ code: 'vault.write-failed' });
    await chmod(join(files.root, '10_features'), 0o755);
    expect(await files.get(path)).toBe(plannedNote);
    expect(await readdir(join(files.root, '10_features'))).toEqual(['FR-1.md']);
  });

  it.each([
    '../out.md',
    '/etc/out.md',
    '10_features/../../out.md',
    'up/out.md',
    '10_features/link.md',
    '.obsidian/x.md',
    'a//b.md',
    'a\\b.md',
  ])('never touches %s', async (unsafe) => {
    await writeFile(join(files.folder, 'out.md'), plannedNote);
    await symlink(files.folder, join(files.root, 'up'));
    await symlink(join(files.folder, 'out.md'), join(files.root, '10_features/link.md'));
    const write = files.vault().writeKeys({ path: unsafe, keys: [['run_state', 'code']], status: null });
    await expect(write).rejects.toMatchObject({ code: 'vault.note-unreadable' });
    await expect(files.vault().writeNote(unsafe, 'x', 'replace')).rejects.toMatchObject({
      code: 'vault.note-unreadable',
    });
    expect(await readFile(join(files.folder, 'out.md'), 'utf8')).toBe(plannedNote);
    expect((await readdir(files.folder)).sort()).toEqual(['out.md', 'vault']);
  });
});

describe('writing notes', () => {
  it('creates folders on the way, and never replaces what it is told to create', async () => {
    const report = '20_runs/2026/FR-1-1.md';
    await files.vault().writeNote(report, 'one', 'create');
    await expect(files.vault().writeNote(report, 'two', 'create')).rejects.toMatchObject({ code: 'vault.clash' });
    expect(await files.get(report)).toBe('one');
    await files.vault().writeNote(report, 'two', 'replace');
    expect(await files.get(report)).toBe('two');
    expect(await readdir(join(files.root, '20_runs/2026'))).toEqual(['FR-1-1.md']);
  });

  it('lets one of many creators win', async () => {
    const creators = [files.vault(), files.vault(), files.vault(), files.vault()];
    const results = await Promise.allSettled(
      creators.map((one, index) => one.writeNote('n.md', String(index), 'create')),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  });

  it('makes no folder outside through a link', async () => {
    await mkdir(join(files.folder, 'outside'));
    await symlink(join(files.folder, 'outside'), join(files.root, 'runs'));
    await expect(files.vault().writeNote('runs/deep/x.md', 'x', 'create')).rejects.toMatchObject({
      code: 'vault.note-unreadable',
    });
    expect(await readdir(join(files.folder, 'outside'))).toEqual([]);
  });
});
