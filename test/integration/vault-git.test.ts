import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusal } from '../support/git-lab.ts';
import {
  first,
  noteText,
  quoted,
  replaced,
  report,
  reportText,
  second,
  VaultGitLab,
} from '../support/vault-git-lab.ts';

const lab = VaultGitLab.forEachTest();

describe('a round', () => {
  it('does nothing when there is nothing to do', async () => {
    await lab.sync();
    const [before, head] = [lab.snapshot(), lab.remoteHead()];
    expect(await lab.sync()).toEqual({ pulled: false, pushed: false, notes: [] });
    expect([lab.snapshot(), lab.remoteHead()]).toEqual([before, head]);
  });

  it('commits the runner’s keys and reports under the runner’s name and pushes them', async () => {
    lab.runnerWrites(first, [['run_state', 'code']], 'in-progress');
    lab.put(lab.vault, { [report]: reportText('FR-1-1') });
    expect(await lab.sync()).toEqual({ pulled: false, pushed: true, notes: [] });
    expect(lab.remoteText(first)).toContain('run_state: code');
    expect(lab.remoteText(first)).toContain('status: in-progress # see the guide');
    expect(lab.remoteText(report)).toContain('Running.');
    expect(lab.git(lab.remote, 'log', '-1', '--format=%an <%ae>', 'main')).toBe('Opus Orchestrator <opus@localhost>');
    expect(lab.status()).toEqual([]);
    const head = lab.remoteHead();
    await lab.sync();
    expect(lab.remoteHead()).toBe(head);
  });

  it('takes in what others pushed: new, changed, binary and deleted files', async () => {
    const picture = Buffer.from([0x89, 0x50, 0, 0xff, 0xfe, 10, 13, 10]);
    lab.onLaptop({ 'Bilder/ä ö.png': picture, [second]: null, [first]: noteText('FR-1', 'Other\n') });
    expect(await lab.sync()).toEqual({ pulled: true, pushed: false, notes: [] });
    expect(readFileSync(join(lab.vault, 'Bilder/ä ö.png'))).toEqual(picture);
    expect(existsSync(join(lab.vault, second))).toBe(false);
    expect(lab.read(first)).toBe(noteText('FR-1', 'Other\n'));
    expect(lab.status()).toEqual([]);
    expect(lab.inVault('rev-parse', 'HEAD')).toBe(lab.remoteHead());
  });

  it('leaves a person’s uncommitted edits uncommitted beside what the runner wrote in the same note', async () => {
    lab.edit(first, replaced('Middle.', 'Middle, not finished'));
    lab.edit(second, replaced('P2', 'P0'));
    lab.runnerWrites(first, [['run_state', 'plan']], 'in-progress');
    lab.put(lab.vault, { 'draft.md': 'mine' });
    const work = lab.read(first);
    await lab.sync();
    expect(lab.read(first)).toBe(work);
    expect(lab.remoteText(first)).toContain('run_state: plan');
    expect(lab.remoteText(first)).toContain('status: in-progress');
    expect(lab.remoteText(first)).not.toContain('not finished');
    expect(lab.remoteText(second)).toContain('P2');
    expect(lab.status()).toEqual([` M ${quoted(first)}`, ` M ${second}`, '?? draft.md']);
  });

  it('does not take a status that a person set alone, or a note of a person among the reports, for the runner’s', async () => {
    lab.onLaptop({ '20_runs/old thoughts.md': 'about the runs\n' });
    await lab.sync();
    lab.edit('20_runs/old thoughts.md', () => 'edited\n');
    lab.edit(first, replaced('status: planned', 'status: parked'));
    lab.put(lab.vault, { '20_runs/my thoughts.md': 'about the runs\n' });
    expect(await lab.sync()).toEqual({ pulled: false, pushed: false, notes: [] });
    expect(lab.remoteText(first)).toContain('status: planned');
  });

  it('does not commit a report that the vault ignores', async () => {
    lab.onLaptop({ '.gitignore': '20_runs/\n' });
    lab.put(lab.vault, { '.gitignore': '20_runs/\n', [report]: reportText('FR-1-1') });
    expect((await lab.sync()).pushed).toBe(false);
  });
});

describe('a vault edited at both ends at once', () => {
  it('merges properties one by one and the text by lines', async () => {
    lab.editOnLaptop(first, (text) =>
      text.replace('priority: P2', 'priority: P1').replace('Last line.', 'Last, edited.'),
    );
    lab.edit(first, replaced('First line', 'Very first line'));
    lab.runnerWrites(first, [
      ['run_state', 'code'],
      ['branch', 'opus/FR-1-1'],
    ]);
    expect(await lab.sync()).toEqual({ pulled: true, pushed: true, notes: [] });
    const work = lab.read(first);
    for (const piece of [
      'priority: P1',
      'run_state: code',
      'branch: opus/FR-1-1',
      'Very first line',
      'Last, edited.',
    ]) {
      expect(work).toContain(piece);
    }
    expect(lab.remoteText(first)).toContain('Last, edited.');
    expect(lab.remoteText(first)).toContain('run_state: code');
    expect(lab.remoteText(first)).not.toContain('Very first');
  });

  it('keeps the person’s status against the runner’s and says so', async () => {
    lab.editOnLaptop(first, replaced('status: planned', 'status: parked'));
    lab.runnerWrites(first, [['run_state', 'code']], 'in-progress');
    const { notes } = await lab.sync();
    expect(notes).toEqual([
      `${first}: \`status\` was set to 'in-progress' by the runner and to 'parked' by a person; the person's value stays.`,
    ]);
    expect(lab.read(first)).toContain('status: parked # see the guide');
    expect(lab.read(first)).toContain('run_state: code');
    expect(lab.remoteText(first)).toContain('status: parked');
    expect(lab.status()).toEqual([]);
  });

  it.each([
    ['a property', 'priority: P2', 'priority: P1', 'priority: P0', '`priority`'],
    ['the text', 'Middle.', 'Here.', 'There.', 'the text'],
  ])('refuses when people changed %s differently, and touches nothing', async (_what, from, here, there, where) => {
    lab.editOnLaptop(first, replaced(from, there));
    lab.onLaptop({ 'also new.md': 'new' });
    lab.edit(first, replaced(from, here));
    lab.runnerWrites(second, [['run_state', 'code']]);
    const [before, head] = [lab.snapshot(), lab.remoteHead()];
    const error = await refusal(lab.sync());
    expect(error.code).toBe('vault.git-conflict');
    expect(error.message).toContain(`${first} (${where})`);
    expect(error.hint).toContain('git merge refs/opus/theirs');
    expect([lab.snapshot(), lab.remoteHead()]).toEqual([before, head]);
    expect(lab.inVault('rev-parse', 'refs/opus/theirs')).toBe(head);
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-conflict' });

    lab.edit(first, replaced(here, there));
    expect(await lab.sync()).toMatchObject({ pulled: true, pushed: true });
    expect(lab.read('also new.md')).toBe('new');
    expect(lab.remoteText(second)).toContain('run_state: code');
    expect(() => lab.inVault('rev-parse', '--verify', '--quiet', 'refs/opus/theirs')).toThrow();
  });

  it('goes on after a person settled a conflict of commits with git', async () => {
    lab.editOnLaptop(first, replaced('Middle.', 'There.'));
    lab.edit(first, replaced('Middle.', 'Here.'));
    lab.inVault('commit', '--quiet', '--all', '--message', 'Mine');
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-conflict' });
    expect(() => lab.inVault('merge', '--quiet', 'refs/opus/theirs')).toThrow();
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-merging' });
    lab.put(lab.vault, { [first]: noteText('FR-1', 'Here and there.\n') });
    lab.inVault('commit', '--quiet', '--all', '--message', 'Both');
    expect(await lab.sync()).toMatchObject({ pushed: true });
    expect(lab.remoteText(first)).toContain('Here and there.');
  });

  it('keeps commits of people here in the history', async () => {
    lab.put(lab.vault, { 'mine.md': 'mine', Notes: null });
    lab.put(lab.vault, { Notes: 'a file where a folder was' });
    lab.inVault('add', '--all');
    lab.inVault('commit', '--quiet', '--message', 'Mine');
    const mine = lab.inVault('rev-parse', 'HEAD');
    lab.onLaptop({ 'theirs.md': 'theirs' });
    expect(await lab.sync()).toMatchObject({ pulled: true, pushed: true });
    expect(lab.git(lab.remote, 'merge-base', mine, 'main')).toBe(mine);
    expect(['mine.md', 'theirs.md', 'Notes'].map((path) => lab.remoteText(path))).toEqual([
      'mine',
      'theirs',
      'a file where a folder was',
    ]);
    expect(lab.status()).toEqual([]);
  });

  it('is a conflict when one has a folder where the other has a file', async () => {
    lab.put(lab.vault, { ideas: 'a file' });
    lab.inVault('add', '--all');
    lab.inVault('commit', '--quiet', '--message', 'Mine');
    lab.onLaptop({ 'ideas/one.md': 'in a folder' });
    const [before, head] = [lab.snapshot(), lab.remoteHead()];
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-conflict' });
    expect([lab.snapshot(), lab.remoteHead()]).toEqual([before, head]);
  });

  it('begins anew when the remote moves between fetch and push', async () => {
    lab.runnerWrites(first, [['run_state', 'code']]);
    let moves = 0;
    const options = lab.options({
      reportsFolder: () => {
        if (moves < 2) lab.onLaptop({ 'moved.md': `${(moves += 1)}` });
        return '20_runs';
      },
    });
    expect(await lab.sync(options)).toMatchObject({ pulled: true, pushed: true });
    expect(lab.remoteText('moved.md')).toBe('2');
    expect(lab.remoteText(first)).toContain('run_state: code');
    moves = -3;
    lab.runnerWrites(first, [['run_state', 'test']]);
    expect(await refusal(lab.sync({ ...options, retries: 1 }))).toMatchObject({ code: 'vault.git-failed' });
    expect(await lab.sync()).toMatchObject({ pushed: true });
  });

  it('keeps both versions of a run report', async () => {
    lab.put(lab.vault, { [report]: reportText('FR-1-1') });
    await lab.sync();
    lab.editOnLaptop(report, replaced('Running.', 'Running well, says a person.'));
    lab.put(lab.vault, { [report]: reportText('FR-1-1', 'Done.') });
    const { notes } = await lab.sync();
    expect(notes).toHaveLength(1);
    const copy = /kept as (.*)\.$/.exec(notes[0] ?? '')?.[1] ?? '';
    expect(copy).toMatch(/^20_runs\/FR-1-1 \(conflict 2026-01-02 [0-9a-f]{7}\)\.md$/);
    expect(lab.read(copy)).toContain('says a person');
    expect(lab.read(report)).toContain('Done.');
    expect(lab.status()).toEqual([]);
  });
});

describe('a deletion', () => {
  it('at the remote leaves a file that has edits here, and says so', async () => {
    lab.onLaptop({ [first]: null, [second]: null });
    lab.edit(first, replaced('Middle.', 'Still needed.'));
    lab.runnerWrites(second, [['run_state', 'code']]);
    const { notes } = await lab.sync();
    expect(notes.join('\n')).toContain(`${first} was deleted at the remote and has edits here; the file stays`);
    expect(lab.read(first)).toContain('Still needed.');
    expect(lab.status()).toEqual([`?? ${quoted(first)}`]);
    expect(existsSync(join(lab.vault, second))).toBe(false);
  });

  it('at the remote leaves a file that has committed edits here', async () => {
    lab.edit(first, replaced('Middle.', 'Still needed.'));
    lab.inVault('commit', '--quiet', '--all', '--message', 'Mine');
    lab.onLaptop({ [first]: null });
    const { notes } = await lab.sync();
    expect(notes).toEqual([`${first} was deleted at the remote and changed here; the changed file stays.`]);
    expect(lab.remoteText(first)).toContain('Still needed.');
    expect(lab.read(first)).toContain('Still needed.');
  });
});

describe('a note that was renamed at the remote', () => {
  it('gets what the runner wrote under its old name', async () => {
    lab.pullOnLaptop();
    lab.onLaptop({ [first]: null, '10_features/renamed.md': noteText('FR-1', 'Renamed and edited.\n') });
    lab.runnerWrites(first, [['run_state', 'code']], 'in-progress');
    expect(await lab.sync()).toEqual({ pulled: true, pushed: true, notes: [] });
    const text = lab.remoteText('10_features/renamed.md');
    for (const piece of ['Renamed and edited.', 'run_state: code', 'status: in-progress'])
      expect(text).toContain(piece);
    expect(existsSync(join(lab.vault, first))).toBe(false);
    expect(lab.read('10_features/renamed.md').trimEnd()).toBe(text);
    expect(lab.status()).toEqual([]);
  });

  it('leaves uncommitted edits of a person in the old file', async () => {
    lab.onLaptop({ [first]: null, '10_features/renamed.md': noteText('FR-1') });
    lab.runnerWrites(first, [['run_state', 'code']]);
    lab.edit(first, replaced('Middle.', 'Still needed.'));
    expect((await lab.sync()).notes).toHaveLength(1);
    expect(lab.read(first)).toContain('Still needed.');
    expect(lab.read('10_features/renamed.md')).toContain('run_state: code');
  });
});

describe('a file that changes while it is merged', () => {
  it('keeps what a person types at that moment', async () => {
    lab.editOnLaptop(first, replaced('Last line.', 'Last, from the laptop.'));
    lab.onLaptop({ 'new.md': 'from the laptop' });
    let announced = false;
    let typedAgain = false;
    const git = lab.spyOnGit((args) => {
      if (args[0] === 'merge-file' && announced && !typedAgain) {
        typedAgain = true;
        lab.edit(first, replaced('Middle.', 'Typed even later.'));
      }
      if (args[0] === 'update-ref' && args.includes('refs/opus/vault/applying') && !args.includes('-d')) {
        lab.edit(first, replaced('First line', 'Typed just now'));
        announced = true;
      }
    });
    expect(await lab.sync({ git })).toMatchObject({ pulled: true });
    expect(lab.read(first)).toContain('Typed just now');
    expect(lab.read(first)).toContain('Typed even later');
    expect(lab.read(first)).toContain('Last, from the laptop.');
    expect(lab.status()).toEqual([` M ${quoted(first)}`]);
  });

  it('is a conflict when that cannot be merged, and goes on once it is settled', async () => {
    lab.editOnLaptop(first, replaced('Middle.', 'From the laptop.'));
    lab.onLaptop({ 'new.md': 'from the laptop' });
    const git = lab.spyOnGit((args) => {
      if (args[0] === 'update-ref' && args.includes('refs/opus/vault/applying') && !args.includes('-d')) {
        lab.edit(first, replaced('Middle.', 'Typed just now.'));
      }
    });
    expect(await refusal(lab.sync({ git }))).toMatchObject({ code: 'vault.git-conflict' });
    expect(lab.read(first)).toContain('Typed just now.');
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-conflict' });
    lab.edit(first, replaced('Typed just now.', 'Middle.'));
    await lab.sync();
    expect(lab.read(first)).toContain('From the laptop.');
    expect(lab.status()).toEqual([]);
  });

  it('gets the remote’s change again when another writer put back what it had looked at before', async () => {
    lab.editOnLaptop(first, replaced('Last line.', 'From the laptop.'));
    const seen = lab.read(first);
    const git = lab.spyOnGit((args) => {
      if (args[0] === 'update-index') lab.put(lab.vault, { [first]: seen.replace('First line', 'Written late') });
    });
    await lab.sync({ git });
    expect(lab.read(first)).toBe(seen.replace('First line', 'Written late').replace('Last line.', 'From the laptop.'));
  });

  it('keeps what the runner writes at that moment, also when it was there before', async () => {
    lab.runnerWrites(first, [['run_state', 'code']]);
    await lab.sync();
    lab.runnerWrites(first, [['run_state', 'test']]);
    const git = lab.spyOnGit((args) => {
      if (args.includes('push')) lab.runnerWrites(first, [['run_state', 'code']]);
    });
    await lab.sync({ git });
    expect(lab.remoteText(first)).toContain('run_state: test');
    expect(lab.read(first)).toContain('run_state: code');
    expect(await lab.sync()).toMatchObject({ pushed: true });
    expect(lab.remoteText(first)).toContain('run_state: code');
  });
});

describe('rounds one after the other', () => {
  it('of one vault do not meet, and each edit arrives once', async () => {
    const sync = lab.open();
    lab.runnerWrites(first, [['run_state', 'plan']]);
    const rounds = [sync.sync(), sync.sync(), sync.sync()];
    expect((await Promise.all(rounds)).map((outcome) => outcome.pushed)).toEqual([true, false, false]);
    lab.runnerWrites(first, [['run_state', 'code']]);
    appendFileSync(join(lab.vault, second), 'mine\n');
    expect((await sync.sync()).pushed).toBe(true);
    expect(lab.remoteText(first)).toContain('run_state: code');
    expect(lab.remoteText(second)).not.toContain('mine');
  });
});
