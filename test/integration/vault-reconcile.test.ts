import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { everythingIn, markedBody, ReconcileLab, reconcilableNote, type Shown } from '../support/reconcile-lab.ts';
import { VaultFolder } from '../support/vault-folder.ts';

const bin = join(import.meta.dirname, '../../bin/opus.mjs');
const files = VaultFolder.forEachTest();
const lab = new ReconcileLab(files);

function summary({ findings }: Shown): Record<string, string[]> {
  return Object.fromEntries(
    findings.map(({ code, path, settles, outcome }) => [path, [code, outcome?.kind ?? settles]]),
  );
}

function lines(texts: Record<string, string>): Set<string> {
  return new Set(Object.values(texts).flatMap((text) => text.split('\n')));
}

describe('a vault with nothing to settle', () => {
  it('is said to be so, with 0, also where it has no folder of reports', async () => {
    await files.put('10_features/FR-1.md', reconcilableNote('FR-1', '```\n<<<<<<< shown\n```\n'));
    expect(await lab.printed()).toEqual({
      exit: 0,
      text: 'Nothing to settle: no copies, no conflict markers, no clashes.',
    });
    expect(await lab.shown({ yes: true })).toEqual({ findings: [], settled: 0, left: 0, exit: 0 });
  });
});

describe('conflict copies', () => {
  const copies = {
    'Dropbox or Obsidian Sync': "FR-1 (Me's conflicted copy 2026-01-01)",
    Nextcloud: 'FR-1 (conflicted copy 2026-01-01 120000)',
    Syncthing: 'FR-1.sync-conflict-20260101-120000-ABCDEFG',
    ownCloud: 'FR-1_conflict-20260101-120000',
    OneDrive: 'FR-1-LAPTOP',
    'Google Drive': 'FR-1 (1)',
  };

  it.each(Object.entries(copies))('of %s that are the same move to .trash', async (_, name) => {
    await files.put('10_features/FR-1.md', reconcilableNote('FR-1'));
    await files.put(`10_features/${name}.md`, reconcilableNote('FR-1'));
    expect(summary(await lab.shown())).toEqual({ [`10_features/${name}.md`]: ['copy.identical', 'yes'] });
    expect(await lab.shown({ yes: true })).toMatchObject({ settled: 1, left: 0, exit: 0 });
    expect(everythingIn(files.root)).toEqual({
      '10_features/FR-1.md': reconcilableNote('FR-1'),
      [`.trash/${name}.md`]: reconcilableNote('FR-1'),
    });
    expect(await lab.shown()).toMatchObject({ findings: [], exit: 0 });
  });

  it('are only shown without --yes where nobody can be asked', async () => {
    await files.put('10_features/FR-1.md', reconcilableNote('FR-1'));
    await files.put('10_features/FR-1 (conflicted copy).md', reconcilableNote('FR-1', 'Body\nMore\n'));
    const before = everythingIn(files.root);
    const { exit, text } = await lab.printed({ keep: 'ours' });
    expect([exit, everythingIn(files.root)]).toEqual([3, before]);
    expect(text.split('\n')).toEqual([
      '10_features/FR-1 (conflicted copy).md: copy: It is a copy of 10_features/FR-1.md with one line more and none changed. (copy.adds)',
      '    Settling adds it to 10_features/FR-1.md and moves the copy to .trash.',
      '',
      '1 thing to settle: 1 without a choice.',
      expect.stringMatching(/^Settle what needs no choice: .*opus.* vault reconcile --yes$/),
    ]);
  });

  it('that only add are merged, two of them into one note as well, and every version is kept', async () => {
    await files.put('10_features/FR-1.md', reconcilableNote('FR-1', 'One\nTwo\n'));
    await files.put('10_features/FR-1 (conflicted copy a).md', reconcilableNote('FR-1', 'One\nOne and a half\nTwo\n'));
    await files.put(
      '10_features/FR-1 (conflicted copy b).md',
      reconcilableNote('FR-1', 'One\nOne and a half\nTwo\nThree\n'),
    );
    const before = lines(everythingIn(files.root));
    expect(await lab.shown({ yes: true })).toMatchObject({ settled: 2, exit: 0 });
    expect(await files.get('10_features/FR-1.md')).toBe(reconcilableNote('FR-1', 'One\nOne and a half\nTwo\nThree\n'));
    expect(Object.keys(everythingIn(files.root))).toEqual([
      '.trash/FR-1 (conflicted copy a).md',
      '.trash/FR-1 (conflicted copy b).md',
      '.trash/FR-1 1.md',
      '.trash/FR-1.md',
      '10_features/FR-1.md',
    ]);
    const after = lines(everythingIn(files.root));
    expect([...before].filter((line) => !after.has(line))).toEqual([]);
  });

  it('that say something else stay beside, with what to do', async () => {
    await files.put('10_features/FR-1.md', reconcilableNote('FR-1', 'Mine\n'));
    await files.put('10_features/FR-1 (conflicted copy).md', reconcilableNote('FR-1', 'Theirs\n'));
    await files.put('10_features/FR-2 (conflicted copy).md', reconcilableNote('FR-2'));
    await files.put('10_features/FR-3.md', Buffer.from([0xff, 10]));
    await files.put('10_features/FR-3 (conflicted copy).md', reconcilableNote('FR-3'));
    const before = everythingIn(files.root);
    const result = await lab.shown({ yes: true, keep: 'theirs' });
    expect(summary(result)).toEqual({
      '10_features/FR-1 (conflicted copy).md': ['copy.differs', 'by-hand'],
      '10_features/FR-2 (conflicted copy).md': ['copy.no-original', 'by-hand'],
      '10_features/FR-3 (conflicted copy).md': ['copy.unreadable', 'by-hand'],
    });
    expect([result.exit, everythingIn(files.root)]).toEqual([3, before]);
  });

  it('of reports and agent notes count as well, and no other folder is looked at', async () => {
    for (const folder of ['20_runs', '00_system/opus/agents', 'diary', '10_features/.hidden']) {
      await files.put(`${folder}/a.md`, 'x\n');
      await files.put(`${folder}/a (conflicted copy).md`, 'x\n');
    }
    expect(Object.keys(summary(await lab.shown()))).toEqual([
      '00_system/opus/agents/a (conflicted copy).md',
      '20_runs/a (conflicted copy).md',
    ]);
  });
});

describe('duplicate ids', () => {
  it('are shown once for all notes that have one, with an id that is free', async () => {
    await files.put('10_features/FR-009.md', reconcilableNote('FR-009'));
    await files.put('10_features/b/Other.md', reconcilableNote('FR-009', 'Other\n'));
    await files.put('10_features/FR-009 2.md', reconcilableNote('FR-009', 'Changed\n'));
    const { text, exit } = await lab.printed({ yes: true, keep: 'both' });
    expect(exit).toBe(3);
    expect(text.split('\n').slice(0, 2)).toEqual([
      '10_features/FR-009.md:2: same id: FR-009 is the id of 10_features/b/Other.md and 10_features/FR-009 2.md too. 10_features/FR-009 2.md looks like a copy that a synchronisation made. (id.duplicate)',
      '    Give all but one of them another id (FR-010 is free), or delete what is a copy.',
    ]);
  });
});

describe('conflict markers', () => {
  it.each([
    ['ours', 'A\nours\nB\n'],
    ['theirs', 'A\ntheirs\nB\n'],
    ['both', 'A\nours\ntheirs\nB\n'],
  ] as const)(
    'are settled with --keep %s, in every place of the note, and the note is kept as it was',
    async (keep, body) => {
      const target = await files.put('10_features/FR-1.md', reconcilableNote('FR-1', markedBody + markedBody));
      await chmod(target, 0o640);
      const before = await lab.shown();
      expect(before.findings.map(({ code, line }) => [code, line])).toEqual([
        ['markers.region', 7],
        ['markers.region', 14],
      ]);
      expect(await lab.shown({ yes: true })).toMatchObject({ left: 2, exit: 3 });
      expect(await lab.shown({ yes: true, keep })).toMatchObject({ settled: 2, exit: 0 });
      expect(everythingIn(files.root)).toEqual({
        '10_features/FR-1.md': reconcilableNote('FR-1', body + body),
        '.trash/FR-1.md': reconcilableNote('FR-1', markedBody + markedBody),
      });
      expect(statSync(target).mode & 0o777).toBe(0o640);
    },
  );

  it('in properties cannot both be kept', async () => {
    const text = '---\nid: FR-1\n<<<<<<< a\nstatus: planned\n=======\nstatus: parked\n>>>>>>> b\n---\nBody\n';
    await files.put('10_features/FR-1.md', text);
    const result = await lab.shown({ yes: true, keep: 'both' });
    expect([result.exit, result.findings[0]?.choices]).toEqual([3, ['ours', 'theirs']]);
    expect(await files.get('10_features/FR-1.md')).toBe(text);
    expect(await lab.shown({ yes: true, keep: 'theirs' })).toMatchObject({ exit: 0 });
    expect(await files.get('10_features/FR-1.md')).toBe('---\nid: FR-1\nstatus: parked\n---\nBody\n');
  });

  it('that do not fit together are left to a person', async () => {
    await files.put('10_features/FR-1.md', reconcilableNote('FR-1', 'A\n<<<<<<< x\n'));
    expect(await lab.shown({ yes: true, keep: 'ours' })).toMatchObject({
      findings: [{ code: 'markers.broken', line: 7, settles: 'by-hand', outcome: null }],
      exit: 3,
    });
  });

  it('show both versions, without what would move the cursor', async () => {
    await files.put(
      '10_features/FR-1.md',
      reconcilableNote('FR-1', markedBody.replace('ours', '\u001b[2Jours\n2\n3\n4\n5')),
    );
    const { text } = await lab.printed();
    expect(text.split('\n').slice(1, 7)).toEqual([
      '    ours   │ ours',
      '           │ 2',
      '           │ 3',
      '           │ 4',
      '           │ … 1 more',
      '    theirs │ theirs',
    ]);
  });
});

describe('opus vault reconcile', () => {
  it('is one JSON document and an exit code in a process of its own', async () => {
    lab.configure();
    await files.put('10_features/FR-1.md', reconcilableNote('FR-1', markedBody));
    const opus = (...args: string[]) =>
      spawnSync(process.execPath, [bin, 'vault', 'reconcile', ...args], { cwd: files.folder, encoding: 'utf8' });
    const seen = opus('--json');
    expect([seen.status, JSON.parse(seen.stdout)]).toMatchObject([3, { left: 1 }]);
    expect(opus('--keep', 'mine', '--json').status).toBe(2);
    const ended = opus('--keep', 'ours', '--yes');
    expect(ended.status).toBe(0);
    expect(ended.stdout).toContain('\n1 settled, 0 left.\n');
  });
});
