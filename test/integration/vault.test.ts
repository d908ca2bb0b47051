import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { plannedNote, VaultFolder } from '../support/vault-folder.ts';

const path = '10_features/FR-1.md';
const files = VaultFolder.forEachTest();

function summary(notes: readonly FeatureRequest[]): Record<string, [string, string[]]> {
  return Object.fromEntries(notes.map((note) => [note.path, [note.id, note.problems.map((problem) => problem.code)]]));
}

describe('scanning', () => {
  it('finds every note below the folder and leaves hidden folders and other files alone', async () => {
    await files.put('10_features/03_planned/FR-1.md', plannedNote);
    await files.put('10_features/.trash/FR-2.md', plannedNote.replace('FR-1', 'FR-2'));
    await files.put('10_features/.obsidian/x.md', 'x');
    await files.put('10_features/picture.png', 'x');
    await files.put('20_runs/FR-3.md', plannedNote.replace('FR-1', 'FR-3'));
    expect(summary(await files.vault().scan())).toEqual({ '10_features/03_planned/FR-1.md': ['FR-1', []] });
  });

  it('goes on past every kind of broken note and says what is wrong with each', async () => {
    await files.put('10_features/a-good.md', plannedNote);
    await files.put('10_features/b-large.md', `---\nid: FR-2\nstatus: planned\n---\n${'x'.repeat(5 * 1024 * 1024)}`);
    await files.put(
      '10_features/c-latin.md',
      Buffer.concat([
        Buffer.from('---\nid: FR-3\nstatus: planned\ntitle: '),
        Buffer.from([0xe9, 10]),
        Buffer.from('---\n'),
      ]),
    );
    await files.put('10_features/d-empty.md', '');
    await files.put('10_features/e-readme.md', '# Read me\n');
    await files.put('10_features/f-open.md', '---\nid: FR-6\n');
    await files.put('10_features/g (conflicted copy 2026-01-01).md', plannedNote);
    await files.put('10_features/h-merge.md', plannedNote.replace('FR-1', 'FR-8') + '<<<<<<< a\n=======\n>>>>>>> b\n');
    await files.put('10_features/i-one.md', plannedNote.replace('FR-1', 'FR-9'));
    await files.put('10_features/j-two.md', plannedNote.replace('FR-1', 'FR-9'));
    await files.put('10_features/k-zeros.md', Buffer.alloc(100));
    await mkdir(join(files.root, '10_features/l-folder.md'));
    await files.put('10_features/m-wide.md', Buffer.from(`\ufeff${plannedNote}`, 'utf16le'));
    expect(summary(await files.vault().scan())).toEqual({
      '10_features/a-good.md': ['FR-1', []],
      '10_features/b-large.md': ['FR-2', ['note.too-large']],
      '10_features/c-latin.md': ['FR-3', ['note.not-utf8']],
      '10_features/d-empty.md': ['', ['note.empty']],
      '10_features/e-readme.md': ['', ['frontmatter.missing']],
      '10_features/f-open.md': ['FR-6', ['frontmatter.unterminated']],
      '10_features/g (conflicted copy 2026-01-01).md': ['FR-1', ['note.sync-conflict']],
      '10_features/h-merge.md': ['FR-8', ['note.conflict-marker']],
      '10_features/i-one.md': ['FR-9', ['id.duplicate']],
      '10_features/j-two.md': ['FR-9', ['id.duplicate']],
      '10_features/k-zeros.md': ['', ['frontmatter.missing']],
      '10_features/m-wide.md': ['', ['note.not-utf8', 'frontmatter.missing']],
    });
  });

  it('names the line that is not UTF-8', async () => {
    await files.put(path, Buffer.concat([Buffer.from(plannedNote), Buffer.from([0xff])]));
    const [note] = await files.vault().scan();
    expect(note?.problems[0]).toMatchObject({ code: 'note.not-utf8', line: 9 });
  });

  it('does not follow links, neither to files nor to folders', async () => {
    await writeFile(join(files.folder, 'secret.md'), plannedNote);
    await mkdir(join(files.folder, 'outside'));
    await writeFile(join(files.folder, 'outside', 'FR-2.md'), plannedNote);
    await symlink(join(files.folder, 'secret.md'), join(files.root, '10_features/link.md'));
    await symlink(join(files.folder, 'outside'), join(files.root, '10_features/linked'));
    expect(summary(await files.vault().scan())).toEqual({ '10_features/link.md': ['', ['note.unreadable']] });
  });

  it('rejects when the vault or its folder of feature requests is gone, rather than find nothing', async () => {
    await expect(files.vault({ root: join(files.folder, 'nowhere') }).scan()).rejects.toMatchObject({
      code: 'vault.not-found',
    });
    await expect(files.vault({ featureRequestFolder: 'elsewhere' }).scan()).rejects.toMatchObject({
      code: 'vault.not-found',
    });
    await symlink(files.folder, join(files.root, 'up'));
    await expect(files.vault({ featureRequestFolder: 'up' }).scan()).rejects.toMatchObject({ code: 'vault.not-found' });
    expect(() => files.vault({ featureRequestFolder: '../x' })).toThrow(
      expect.objectContaining({ code: 'config.invalid' }),
    );
  });

  it('sees a change of the same length, a rename and a deletion on the next scan', async () => {
    const subject = files.vault();
    const target = await files.put(path, plannedNote);
    const past = new Date(Date.now() - 60_000);
    await utimes(target, past, past);
    await subject.scan();
    await writeFile(target, plannedNote.replace('One', 'Two'));
    await utimes(target, past, past);
    expect((await subject.scan())[0]?.title).toBe('Two');
    await rename(target, join(files.root, '10_features/other.md'));
    expect((await subject.scan()).map((note) => note.path)).toEqual(['10_features/other.md']);
    await rm(join(files.root, '10_features/other.md'));
    expect(await subject.scan()).toEqual([]);
  });

  it('sees the last of many rapid edits', async () => {
    const subject = files.vault();
    for (let edit = 0; edit < 100; edit += 1) {
      await files.put(path, plannedNote.replace('One', `t${String(edit).padStart(3, '0')}`));
      expect((await subject.scan())[0]?.title).toBe(`t${String(edit).padStart(3, '0')}`);
    }
  });

  it('reads one note anew, with its links resolved by the last scan', async () => {
    const subject = files.vault();
    await files.put('10_features/Sign in.md', plannedNote.replace('FR-1', 'FR-2'));
    await files.put(path, plannedNote.replace('tags:', 'depends_on: "[[Sign in]]"\ntags:'));
    await subject.scan();
    expect(await subject.read(path)).toMatchObject({ id: 'FR-1', dependsOn: ['FR-2'], problems: [] });
    expect(await subject.read('10_features/gone.md')).toBeNull();
    expect(await subject.read('gone/gone.md')).toBeNull();
    await expect(subject.read('../secret.md')).rejects.toMatchObject({ code: 'vault.note-unreadable' });
  });
});

describe('other notes', () => {
  it('lists the names of run reports wherever they are, and none without the folder', async () => {
    expect(await files.vault().reportNames()).toEqual([]);
    await files.put('20_runs/FR-1-1.md', 'x');
    await files.put('20_runs/2026/11/FR-1-2.md', 'x');
    expect((await files.vault().reportNames()).sort()).toEqual(['FR-1-1', 'FR-1-2']);
  });

  it('gives policy, agent, rule and memory notes with the hash of their bytes', async () => {
    await files.put('00_system/opus/config.md', 'policy');
    await files.put('00_system/opus/agents/coder.md', 'agent');
    await files.put('00_system/opus/review-rules/naming.md', 'rule');
    await files.put('00_system/opus/memory/app.md', 'memory');
    await files.put('00_system/opus/templates/fr.md', 'template');
    await writeFile(join(files.folder, 'evil.md'), 'evil');
    await symlink(join(files.folder, 'evil.md'), join(files.root, '00_system/opus/agents/evil.md'));
    const notes = await files.vault().codeNotes();
    expect(notes.map((note) => [note.path, note.kind, note.text])).toEqual([
      ['00_system/opus/config.md', 'policy', 'policy'],
      ['00_system/opus/agents/coder.md', 'agent', 'agent'],
      ['00_system/opus/review-rules/naming.md', 'review-rule', 'rule'],
      ['00_system/opus/memory/app.md', 'memory', 'memory'],
    ]);
    expect(notes[1]?.hash).toBe('d4f0bc5a29de06b510f9aa428f1eedba926012b591fef7a518e776a7c9bd1824');
  });
});
