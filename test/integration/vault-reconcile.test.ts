import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { createVaultFiles } from '../../runner/adapters/vault/vault-files.ts';
import { reconcile, type ReconcileOptions } from '../../runner/cli/vault-reconcile.ts';
import type { Job } from '../../runner/core/ports/job-registry.ts';
import { findDamage, settleDamage, type ReconcileDependencies } from '../../runner/engine/reconcile.ts';
import { startScript } from '../support/child-process.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { aJob } from '../support/records.ts';
import { VaultFolder } from '../support/vault-folder.ts';

const bin = join(import.meta.dirname, '../../bin/opus.mjs');
const files = VaultFolder.forEachTest();
const note = (id: string, body = 'Body\n', status = 'planned'): string =>
  `---\nid: ${id}\ntitle: ${id}\nstatus: ${status}\n---\n${body}`;
const marked = 'A\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> x\nB\n';

interface Shown {
  readonly findings: readonly {
    readonly code: string;
    readonly path: string;
    readonly line: number | null;
    readonly settles: string;
    readonly choices: readonly string[];
    readonly job: string | null;
    readonly outcome: { readonly kind: string; readonly what: string } | null;
  }[];
  readonly settled: number;
  readonly left: number;
}

function configure(): string {
  const config = join(files.folder, 'opus.yml');
  writeFileSync(
    config,
    'vault: { path: ./vault }\nrepos:\n  app: { url: ./app.git, base: main, forge: local }\ndata: ./.opus\n',
  );
  return config;
}

async function shown(options: ReconcileOptions = {}): Promise<Shown & { readonly exit: number }> {
  const terminal = fakeTerminal({ cwd: files.folder });
  const exit = await reconcile(terminal, { ...options, json: true, config: configure() });
  return { ...(JSON.parse(terminal.outLines.join('\n')) as Shown), exit };
}

async function printed(options: ReconcileOptions = {}): Promise<{ readonly exit: number; readonly text: string }> {
  const terminal = fakeTerminal({ cwd: files.folder });
  configure();
  return { exit: await reconcile(terminal, options), text: terminal.outLines.join('\n') };
}

function summary({ findings }: Shown): Record<string, string[]> {
  return Object.fromEntries(
    findings.map(({ code, path, settles, outcome }) => [path, [code, outcome?.kind ?? settles]]),
  );
}

/** Every file of the vault, `.trash` included, by its path. */
function everything(): Record<string, string> {
  const paths = readdirSync(files.root, { recursive: true, encoding: 'utf8' }).sort();
  const plain = paths.filter((path) => statSync(join(files.root, path)).isFile());
  return Object.fromEntries(plain.map((path) => [path, readFileSync(join(files.root, path), 'utf8')]));
}

function lines(texts: Record<string, string>): Set<string> {
  return new Set(Object.values(texts).flatMap((text) => text.split('\n')));
}

function insertJob(fields: Partial<Job>): void {
  const registry = openRegistry({ file: join(files.folder, '.opus/registry.db'), clock: { now: () => 1 } });
  registry.commit(null, null, { insertJob: aJob(fields) });
  registry.close();
}

function recordedStatus(): string | undefined {
  const registry = openRegistry({ file: join(files.folder, '.opus/registry.db'), clock: { now: () => 1 } });
  const status = registry.job('FR-1-1')?.noteStatus;
  registry.close();
  return status;
}

describe('a vault with nothing to settle', () => {
  it('is said to be so, with 0, also where it has no folder of reports', async () => {
    await files.put('10_features/FR-1.md', note('FR-1', '```\n<<<<<<< shown\n```\n'));
    expect(await printed()).toEqual({
      exit: 0,
      text: 'Nothing to settle: no copies, no conflict markers, no clashes.',
    });
    expect(await shown({ yes: true })).toEqual({ findings: [], settled: 0, left: 0, exit: 0 });
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
    await files.put('10_features/FR-1.md', note('FR-1'));
    await files.put(`10_features/${name}.md`, note('FR-1'));
    expect(summary(await shown())).toEqual({ [`10_features/${name}.md`]: ['copy.identical', 'yes'] });
    expect(await shown({ yes: true })).toMatchObject({ settled: 1, left: 0, exit: 0 });
    expect(everything()).toEqual({ '10_features/FR-1.md': note('FR-1'), [`.trash/${name}.md`]: note('FR-1') });
    expect(await shown()).toMatchObject({ findings: [], exit: 0 });
  });

  it('are only shown without --yes where nobody can be asked', async () => {
    await files.put('10_features/FR-1.md', note('FR-1'));
    await files.put('10_features/FR-1 (conflicted copy).md', note('FR-1', 'Body\nMore\n'));
    const before = everything();
    const { exit, text } = await printed({ keep: 'ours' });
    expect([exit, everything()]).toEqual([3, before]);
    expect(text.split('\n')).toEqual([
      '10_features/FR-1 (conflicted copy).md: copy: It is a copy of 10_features/FR-1.md with one line more and none changed. (copy.adds)',
      '    Settling adds it to 10_features/FR-1.md and moves the copy to .trash.',
      '',
      '1 thing to settle: 1 without a choice.',
      expect.stringMatching(/^Settle what needs no choice: .*opus.* vault reconcile --yes$/),
    ]);
  });

  it('that only add are merged, two of them into one note as well, and every version is kept', async () => {
    await files.put('10_features/FR-1.md', note('FR-1', 'One\nTwo\n'));
    await files.put('10_features/FR-1 (conflicted copy a).md', note('FR-1', 'One\nOne and a half\nTwo\n'));
    await files.put('10_features/FR-1 (conflicted copy b).md', note('FR-1', 'One\nOne and a half\nTwo\nThree\n'));
    const before = lines(everything());
    expect(await shown({ yes: true })).toMatchObject({ settled: 2, exit: 0 });
    expect(await files.get('10_features/FR-1.md')).toBe(note('FR-1', 'One\nOne and a half\nTwo\nThree\n'));
    expect(Object.keys(everything())).toEqual([
      '.trash/FR-1 (conflicted copy a).md',
      '.trash/FR-1 (conflicted copy b).md',
      '.trash/FR-1 1.md',
      '.trash/FR-1.md',
      '10_features/FR-1.md',
    ]);
    const after = lines(everything());
    expect([...before].filter((line) => !after.has(line))).toEqual([]);
  });

  it('that say something else stay beside, with what to do', async () => {
    await files.put('10_features/FR-1.md', note('FR-1', 'Mine\n'));
    await files.put('10_features/FR-1 (conflicted copy).md', note('FR-1', 'Theirs\n'));
    await files.put('10_features/FR-2 (conflicted copy).md', note('FR-2'));
    await files.put('10_features/FR-3.md', Buffer.from([0xff, 10]));
    await files.put('10_features/FR-3 (conflicted copy).md', note('FR-3'));
    const before = everything();
    const result = await shown({ yes: true, keep: 'theirs' });
    expect(summary(result)).toEqual({
      '10_features/FR-1 (conflicted copy).md': ['copy.differs', 'by-hand'],
      '10_features/FR-2 (conflicted copy).md': ['copy.no-original', 'by-hand'],
      '10_features/FR-3 (conflicted copy).md': ['copy.unreadable', 'by-hand'],
    });
    expect([result.exit, everything()]).toEqual([3, before]);
  });

  it('of reports and agent notes count as well, and no other folder is looked at', async () => {
    for (const folder of ['20_runs', '00_system/opus/agents', 'diary', '10_features/.hidden']) {
      await files.put(`${folder}/a.md`, 'x\n');
      await files.put(`${folder}/a (conflicted copy).md`, 'x\n');
    }
    expect(Object.keys(summary(await shown()))).toEqual([
      '00_system/opus/agents/a (conflicted copy).md',
      '20_runs/a (conflicted copy).md',
    ]);
  });
});

describe('duplicate ids', () => {
  it('are shown once for all notes that have one, with an id that is free', async () => {
    await files.put('10_features/FR-009.md', note('FR-009'));
    await files.put('10_features/b/Other.md', note('FR-009', 'Other\n'));
    await files.put('10_features/FR-009 2.md', note('FR-009', 'Changed\n'));
    const { text, exit } = await printed({ yes: true, keep: 'both' });
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
      const target = await files.put('10_features/FR-1.md', note('FR-1', marked + marked));
      await chmod(target, 0o640);
      const before = await shown();
      expect(before.findings.map(({ code, line }) => [code, line])).toEqual([
        ['markers.region', 7],
        ['markers.region', 14],
      ]);
      expect(await shown({ yes: true })).toMatchObject({ left: 2, exit: 3 });
      expect(await shown({ yes: true, keep })).toMatchObject({ settled: 2, exit: 0 });
      expect(everything()).toEqual({
        '10_features/FR-1.md': note('FR-1', body + body),
        '.trash/FR-1.md': note('FR-1', marked + marked),
      });
      expect(statSync(target).mode & 0o777).toBe(0o640);
    },
  );

  it('in properties cannot both be kept', async () => {
    const text = '---\nid: FR-1\n<<<<<<< a\nstatus: planned\n=======\nstatus: parked\n>>>>>>> b\n---\nBody\n';
    await files.put('10_features/FR-1.md', text);
    const result = await shown({ yes: true, keep: 'both' });
    expect([result.exit, result.findings[0]?.choices]).toEqual([3, ['ours', 'theirs']]);
    expect(await files.get('10_features/FR-1.md')).toBe(text);
    expect(await shown({ yes: true, keep: 'theirs' })).toMatchObject({ exit: 0 });
    expect(await files.get('10_features/FR-1.md')).toBe('---\nid: FR-1\nstatus: parked\n---\nBody\n');
  });

  it('that do not fit together are left to a person', async () => {
    await files.put('10_features/FR-1.md', note('FR-1', 'A\n<<<<<<< x\n'));
    expect(await shown({ yes: true, keep: 'ours' })).toMatchObject({
      findings: [{ code: 'markers.broken', line: 7, settles: 'by-hand', outcome: null }],
      exit: 3,
    });
  });

  it('show both versions, without what would move the cursor', async () => {
    await files.put('10_features/FR-1.md', note('FR-1', marked.replace('ours', '\u001b[2Jours\n2\n3\n4\n5')));
    const { text } = await printed();
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

describe('a status that is not what the runner wrote', () => {
  const path = '10_features/FR-1.md';

  it('is shown with job, note’s value and runner’s value', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, note('FR-1', 'x\n', 'blocked'));
    const { text, exit } = await printed();
    expect([exit, text.split('\n')[0]]).toEqual([
      3,
      `${path}:4: clash: The note of FR-1-1 says "blocked"; the runner wrote "in-progress" last. (status.clash)`,
    ]);
  });

  it('stands with --keep theirs, and the registry takes it as last seen', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, note('FR-1', 'x\n', 'blocked'));
    expect(await shown({ yes: true, keep: 'theirs' })).toMatchObject({ settled: 1, exit: 0 });
    expect([recordedStatus(), await files.get(path)]).toEqual(['blocked', note('FR-1', 'x\n', 'blocked')]);
    expect(await shown()).toMatchObject({ findings: [], exit: 0 });
  });

  it('is written again with --keep ours, and the rest of the note stays', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, note('FR-1', 'x\n', 'blocked # mine'));
    expect(await shown({ yes: true, keep: 'ours' })).toMatchObject({ settled: 1, exit: 0 });
    expect([recordedStatus(), await files.get(path)]).toEqual([
      'in-progress',
      note('FR-1', 'x\n', 'in-progress # mine'),
    ]);
    expect(await files.get('.trash/FR-1.md')).toBe(note('FR-1', 'x\n', 'blocked # mine'));
  });

  it('is left to the runner that holds the registry, while notes are written all the same', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, note('FR-1', 'x\n', 'blocked'));
    const runner = startScript('hold-runner-lock.ts', join(files.folder, '.opus'));
    await runner.line((line) => line === 'held');
    try {
      const theirs = await shown({ yes: true, keep: 'theirs' });
      expect([theirs.exit, theirs.findings[0]?.outcome?.kind]).toEqual([0, 'left-to-runner']);
      const ours = await shown({ yes: true, keep: 'ours' });
      expect([ours.exit, ours.findings[0]?.outcome?.kind]).toEqual([0, 'settled']);
    } finally {
      await runner.kill();
    }
    expect([recordedStatus(), await files.get(path)]).toEqual(['in-progress', note('FR-1', 'x\n', 'in-progress')]);
  });

  it.each([
    ['parked', 'in-progress', /asks it to cancel the job/],
    ['planned', 'needs-human', /asks it to begin anew/],
  ] as const)('%s over %s asks for something, which recording it would hide', async (found, noteStatus, sentence) => {
    insertJob({ noteStatus });
    await files.put(path, note('FR-1', 'x\n', found));
    expect((await printed()).text).toMatch(sentence);
    const result = await shown({ yes: true, keep: 'theirs' });
    expect([result.exit, result.findings[0]?.outcome?.kind, recordedStatus()]).toEqual([
      0,
      'left-to-runner',
      noteStatus,
    ]);
  });

  it('is no clash where the job is over, or where the note was only not told yet', async () => {
    await files.put(path, note('FR-1', 'x\n', 'planned'));
    insertJob({ id: 'FR-1-1', status: 'succeeded', noteStatus: 'done' });
    insertJob({ id: 'FR-1-2', number: 2, noteStatus: 'in-progress' });
    const registry = openRegistry({ file: join(files.folder, '.opus/registry.db'), clock: { now: () => 1 } });
    const write = { path, keys: [], status: { expect: ['planned'], to: 'in-progress' } } as const;
    registry.commit(null, null, { outbox: [{ jobId: 'FR-1-2', payload: { kind: 'keys', write } }] });
    expect((await shown()).findings).toEqual([]);
    registry.acknowledge(registry.outbox()[0]?.seq ?? 0, 'written');
    registry.close();
    expect((await shown()).findings.map(({ job }) => job)).toEqual(['FR-1-2']);
  });

  it('that is no status at all is left to a person', async () => {
    insertJob({ noteStatus: 'in-progress' });
    await files.put(path, note('FR-1', 'x\n', 'runing'));
    expect(await shown({ yes: true, keep: 'ours' })).toMatchObject({ findings: [{ settles: 'by-hand' }], exit: 3 });
  });
});

describe('what changes between being shown and being settled', () => {
  function dependencies(): ReconcileDependencies {
    const job = aJob({ noteStatus: 'in-progress' });
    return {
      vault: files.vault(),
      files: createVaultFiles({ root: files.root }),
      registry: { jobs: () => [job], outbox: () => [] },
      folders: ['10_features'],
      recordStatus: () => Promise.reject(new Error('It must not come to that.')),
    };
  }

  it.each([
    ['a copy that is the same', 'FR-2 (conflicted copy).md', note('FR-2'), 'FR-2 (conflicted copy).md'],
    ['the original of one', 'FR-2 (conflicted copy).md', note('FR-2'), 'FR-2.md'],
    ['a copy to be merged', 'FR-2 (conflicted copy).md', note('FR-2', 'Body\nMore\n'), 'FR-2 (conflicted copy).md'],
    ['the note to merge into', 'FR-2 (conflicted copy).md', note('FR-2', 'Body\nMore\n'), 'FR-2.md'],
    ['a note with markers', 'FR-3.md', note('FR-3', marked), 'FR-3.md'],
    ['a note with a clash', 'FR-1.md', note('FR-1', 'x\n', 'blocked'), 'FR-1.md'],
  ])('%s is left alone', async (_, damaged, text, edited) => {
    await files.put('10_features/FR-2.md', note('FR-2'));
    await files.put(`10_features/${damaged}`, text);
    const subject = dependencies();
    const [finding, ...others] = await findDamage(subject);
    if (!finding) throw new Error('Nothing was found.');
    expect(others).toEqual([]);
    await files.put(`10_features/${edited}`, 'written by somebody just now\n');
    const before = everything();
    for (const keep of ['ours', 'theirs'] as const) {
      const outcomes = await settleDamage(subject, [{ finding, keep }]);
      expect(outcomes.get(finding)?.kind).toBe('changed');
    }
    expect(everything()).toEqual(before);
  });

  it('is not lost either where it comes at the very last moment', async () => {
    await files.put('10_features/FR-2.md', note('FR-2'));
    const subject = createVaultFiles({ root: files.root });
    const seen = Buffer.from(note('FR-2'));
    await files.put('10_features/FR-2.md', 'newer\n');
    expect(await subject.trash('10_features/FR-2.md', seen)).toBeNull();
    expect(await subject.replace('10_features/FR-2.md', seen, Buffer.from('x'))).toBeNull();
    expect(await subject.trash('10_features/gone.md', seen)).toBeNull();
    expect(everything()).toEqual({ '10_features/FR-2.md': 'newer\n' });
  });
});

describe('the files of the vault', () => {
  it('are never read, replaced or moved through a link', async () => {
    await writeFile(join(files.folder, 'outside.md'), 'outside\n');
    await symlink(join(files.folder, 'outside.md'), join(files.root, '10_features/FR-1.md'));
    await symlink(files.folder, join(files.root, '20_runs'));
    const subject = createVaultFiles({ root: files.root });
    const outside = Buffer.from('outside\n');
    expect(await subject.read('10_features/FR-1.md')).toBeNull();
    for (const path of ['10_features/FR-1.md', '20_runs/outside.md', '../outside.md']) {
      await expect(subject.trash(path, outside)).rejects.toMatchObject({ code: 'vault.note-unreadable' });
      await expect(subject.replace(path, outside, outside)).rejects.toMatchObject({ code: 'vault.note-unreadable' });
    }
    await expect(subject.list(['20_runs'])).rejects.toMatchObject({ code: 'vault.note-unreadable' });
    expect(readFileSync(join(files.folder, 'outside.md'), 'utf8')).toBe('outside\n');
  });

  it('are not touched where nothing can be kept of them', async () => {
    await files.put('10_features/FR-1.md', note('FR-1'));
    await mkdir(join(files.folder, 'elsewhere'));
    await symlink(join(files.folder, 'elsewhere'), join(files.root, '.trash'));
    const subject = createVaultFiles({ root: files.root });
    const seen = Buffer.from(note('FR-1'));
    await expect(subject.trash('10_features/FR-1.md', seen)).rejects.toMatchObject({ code: 'vault.write-failed' });
    await expect(subject.replace('10_features/FR-1.md', seen, Buffer.from('x'))).rejects.toMatchObject({
      code: 'vault.write-failed',
    });
    expect([await files.get('10_features/FR-1.md'), readdirSync(join(files.folder, 'elsewhere'))]).toEqual([
      note('FR-1'),
      [],
    ]);
  });
});

describe('opus vault reconcile', () => {
  it('is one JSON document and an exit code in a process of its own', async () => {
    configure();
    await files.put('10_features/FR-1.md', note('FR-1', marked));
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
