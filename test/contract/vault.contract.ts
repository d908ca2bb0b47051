import { describe, expect, it } from 'vitest';
import type { NoteKeyNames } from '../../shared/domain/note-keys.ts';
import type { Vault } from '../../runner/core/ports/vault.ts';
import { plannedNote } from '../support/vault-folder.ts';

export interface VaultUnderTest {
  /** With what was put by then. */
  open(options?: { readonly keys?: NoteKeyNames }): Promise<Vault>;
  put(path: string, content: string | Buffer): Promise<void>;
  get(path: string): Promise<string>;
  remove(path: string): Promise<void>;
}

const path = '10_features/FR-1.md';
const status = { expect: ['planned'], to: 'in-progress' } as const;

/** What every Vault does, wherever its notes are. */
export function vaultContract(name: string, create: () => Promise<VaultUnderTest>): void {
  describe(`the vault ${name}`, () => {
    it('reads every feature request, with what it depends on and what is wrong among them', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      await files.put('10_features/later/FR-2.md', '---\nid: FR-2\nstatus: idea\ndepends_on: "[[FR-1]]"\n---\n');
      await files.put('10_features/FR-3.md', '---\nid: FR-3\nstatus: nonsense\n---\n');
      await files.put('10_features/.hidden/FR-4.md', plannedNote);
      const notes = await (await files.open()).scan();
      expect(notes.map(({ id, dependsOn }) => [id, dependsOn])).toEqual([
        ['FR-1', []],
        ['FR-3', []],
        ['FR-2', ['FR-1']],
      ]);
      expect(notes[1]?.problems.map(({ code }) => code)).toEqual(['status.unknown']);
      expect(notes[0]).not.toHaveProperty('body');
    });

    it('reads one note with its body, and null when it is gone', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      const vault = await files.open();
      expect(await vault.read(path)).toMatchObject({ id: 'FR-1', status: 'planned', body: 'Body\n' });
      expect(await vault.read('10_features/other.md')).toBeNull();
    });

    it('changes those lines only, moves the status by compare-and-set, and sees what it wrote', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      const vault = await files.open();
      const write = { path, keys: [['run_state', 'queued']], status } as const;
      expect(await vault.writeKeys(write)).toEqual({ kind: 'written' });
      expect(await files.get(path)).toBe(
        '---\nid: FR-1\ntitle: One\nstatus: in-progress # mine\ntags:\n  - fr\nrun_state: queued\n---\nBody\n',
      );
      expect((await vault.read(path))?.status).toBe('in-progress');
      expect((await vault.scan())[0]?.status).toBe('in-progress');
      expect(await vault.writeKeys(write)).toEqual({ kind: 'unchanged' });
    });

    it('keeps the status that a person set meanwhile, and says so', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      const vault = await files.open();
      await files.put(path, plannedNote.replace('planned', 'parked'));
      const outcome = await vault.writeKeys({ path, keys: [['run_state', 'code']], status });
      expect(outcome).toEqual({ kind: 'clash', found: 'parked' });
      expect(await files.get(path)).toContain('status: parked # mine');
      expect(await files.get(path)).toContain('run_state: code');
    });

    it('uses the names that the vault has for properties', async () => {
      const files = await create();
      await files.put(path, '---\nid: FR-1\nstate: planned\ntags: fr\n---\n');
      const vault = await files.open({ keys: { status: 'state', run_state: 'opus' } });
      await vault.writeKeys({ path, keys: [['run_state', 'code']], status });
      expect(await files.get(path)).toBe('---\nid: FR-1\nstate: in-progress\ntags: fr\nopus: code\n---\n');
    });

    it('loses no write when many come at once', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      const vault = await files.open();
      const keys = Array.from({ length: 20 }, (_, index) => `key${index}`);
      await Promise.all(keys.map((key) => vault.writeKeys({ path, keys: [[key, key]], status: null })));
      const text = await files.get(path);
      expect(keys.filter((key) => !text.includes(`${key}: ${key}\n`))).toEqual([]);
    });

    it.each([
      ['broken frontmatter', '---\nid: FR-1\ntitle: a: b\n---\n', 'frontmatter.yaml'],
      ['a merge conflict', `${plannedNote}<<<<<<< x\n`, 'note.conflict-marker'],
      ['no frontmatter', 'Body\n', 'frontmatter.missing'],
      ['other bytes than UTF-8', Buffer.from([0x2d, 0xff]), 'note.not-utf8'],
      ['more than it reads', `${plannedNote}${'x'.repeat(3 * 1024 * 1024)}`, 'note.too-large'],
    ])('refuses a note with %s and leaves it', async (_, content, code) => {
      const files = await create();
      await files.put(path, content);
      const outcome = await (await files.open()).writeKeys({ path, keys: [['run_state', 'code']], status: null });
      expect(outcome).toMatchObject({ kind: 'refused', problem: { code } });
      expect(await files.get(path)).toBe(content.toString());
    });

    it('knows the id and the problem of a note that is too large', async () => {
      const files = await create();
      await files.put(path, `${plannedNote}${'x'.repeat(3 * 1024 * 1024)}`);
      const [note] = await (await files.open()).scan();
      expect(note).toMatchObject({ id: 'FR-1', problems: [{ code: 'note.too-large' }] });
    });

    it('says when the note is gone', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      const vault = await files.open();
      await files.remove(path);
      const write = { keys: [['run_state', 'code']], status: null } as const;
      expect(await vault.writeKeys({ ...write, path })).toEqual({ kind: 'gone' });
      expect(await vault.writeKeys({ ...write, path: 'no/folder.md' })).toEqual({ kind: 'gone' });
    });

    it('makes run reports with their folder, replaces them, lists them, and removes what is still its own', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      const vault = await files.open();
      expect(await vault.reportNames()).toEqual([]);
      const report = '20_runs/old/FR-1-1.md';
      await vault.writeNote(report, 'first\n', 'replace');
      await vault.writeNote(report, 'second\n', 'replace');
      expect(await files.get(report)).toBe('second\n');
      expect(await vault.reports()).toEqual([{ name: 'FR-1-1', path: report }]);
      expect(await vault.readNote(report)).toBe('second\n');
      expect(await vault.removeNote(report, 'first\n')).toBe(false);
      expect(await vault.removeNote(report, 'second\n')).toBe(true);
      expect(await vault.reportNames()).toEqual([]);
      expect(await vault.readNote(report)).toBeNull();
    });

    it('makes no note over one that is there', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      const vault = await files.open();
      await expect(vault.writeNote(path, 'x', 'create')).rejects.toMatchObject({ code: 'vault.clash' });
      await vault.writeNote('10_features/new/FR-9.md', '---\nid: FR-9\nstatus: idea\n---\n', 'create');
      expect((await vault.scan()).map(({ id }) => id)).toEqual(['FR-1', 'FR-9']);
      expect(await files.get(path)).toBe(plannedNote);
    });

    it('reads policy, agents, rules and memory by their place, and nothing deeper', async () => {
      const files = await create();
      await files.put(path, plannedNote);
      for (const name of ['config', 'agents/coder', 'review-rules/one', 'memory/app', 'agents/old/x', 'other/y']) {
        await files.put(`00_system/opus/${name}.md`, name);
      }
      const notes = await (await files.open()).codeNotes();
      expect(notes.map(({ path: at, kind, text }) => [at, kind, text]).sort()).toEqual([
        ['00_system/opus/agents/coder.md', 'agent', 'agents/coder'],
        ['00_system/opus/config.md', 'policy', 'config'],
        ['00_system/opus/memory/app.md', 'memory', 'memory/app'],
        ['00_system/opus/review-rules/one.md', 'review-rule', 'review-rules/one'],
      ]);
    });

    it.each(['../out.md', '/etc/out.md', '10_features/../../out.md', '.obsidian/x.md', 'a//b.md', 'a\\b.md'])(
      'never writes %s',
      async (unsafe) => {
        const files = await create();
        await files.put(path, plannedNote);
        const vault = await files.open();
        await expect(vault.writeNote(unsafe, 'x', 'replace')).rejects.toThrow();
        await expect(files.get(unsafe)).rejects.toThrow();
      },
    );
  });
}
