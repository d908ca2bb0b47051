import { existsSync, readFileSync, writeFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { startScript } from '../support/child-process.ts';
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

describe('a person’s unfinished work with git', () => {
  it.each<[string, string, () => void, () => void]>([
    [
      'a detached HEAD',
      'vault.git-detached',
      () => lab.inVault('checkout', '--quiet', '--detach'),
      () => lab.inVault('switch', '--quiet', 'main'),
    ],
    [
      'another branch',
      'vault.git-wrong-branch',
      () => lab.inVault('switch', '--quiet', '-c', 'try'),
      () => lab.inVault('switch', '--quiet', 'main'),
    ],
    [
      'staged changes',
      'vault.git-staged',
      () => {
        lab.edit(second, replaced('Middle.', 'Staged.'));
        lab.inVault('add', second);
      },
      () => lab.inVault('commit', '--quiet', '--message', 'Mine'),
    ],
    [
      'a merge',
      'vault.git-merging',
      () => {
        lab.inVault('branch', 'side');
        sideCommit();
        lab.inVault('merge', '--quiet', '--no-commit', '--no-ff', 'side');
      },
      () => lab.inVault('merge', '--abort'),
    ],
    [
      'a cherry-pick',
      'vault.git-merging',
      () => {
        lab.inVault('branch', 'side');
        sideCommit();
        lab.edit(second, replaced('Middle.', 'Clash.'));
        lab.inVault('commit', '--quiet', '--all', '--message', 'Mine');
        expect(() => lab.inVault('cherry-pick', 'side')).toThrow();
      },
      () => lab.inVault('cherry-pick', '--abort'),
    ],
    [
      'a rebase',
      'vault.git-merging',
      () => {
        lab.inVault('branch', 'side');
        sideCommit();
        lab.edit(second, replaced('Middle.', 'Clash.'));
        lab.inVault('commit', '--quiet', '--all', '--message', 'Mine');
        expect(() => lab.inVault('rebase', '--quiet', 'side')).toThrow();
      },
      () => {
        // Git itself takes back what is not committed.
        lab.inVault('rebase', '--abort');
        lab.runnerWrites(first, [['run_state', 'code']]);
      },
    ],
  ])('%s is left as it is, and later rounds go on', async (_state, code, enter, leave) => {
    lab.onLaptop({ 'new.md': 'new' });
    enter();
    lab.runnerWrites(first, [['run_state', 'code']]);
    const [before, head] = [lab.snapshot(), lab.remoteHead()];
    const error = await refusal(lab.sync());
    expect(error.code).toBe(code);
    expect(error.hint).not.toBeNull();
    expect([lab.snapshot(), lab.remoteHead()]).toEqual([before, head]);
    leave();
    expect(await lab.sync()).toMatchObject({ pulled: true, pushed: true });
    expect(lab.remoteText(first)).toContain('run_state: code');
    expect(lab.read('new.md')).toBe('new');
  });

  function sideCommit(): void {
    const tree = join(lab.folder, 'side');
    lab.inVault('worktree', 'add', '--quiet', tree, 'side');
    lab.put(tree, { [second]: noteText('FR-2', 'First line of FR-2.\n\nSide.\n\nLast line.\n') });
    lab.git(tree, 'commit', '--quiet', '--all', '--message', 'Side');
    lab.inVault('worktree', 'remove', tree);
  }

  it('a lock of somebody’s git is waited for and then named, and one of a killed runner is not', async () => {
    lab.onLaptop({ 'new.md': 'new' });
    const lock = join(lab.vault, '.git', 'index.lock');
    writeFileSync(lock, '');
    const error = await refusal(lab.sync());
    expect(error.code).toBe('vault.git-failed');
    expect(error.hint).toContain(lock);
    expect(existsSync(lock)).toBe(true);
    writeFileSync(lock, 'opus vault sync\n');
    expect(await lab.sync()).toMatchObject({ pulled: true });
    expect(existsSync(lock)).toBe(false);
  });
});

describe('a repository', () => {
  it('that is none is named with what to do', async () => {
    const error = await refusal(lab.sync({ root: lab.folder }));
    expect(error.code).toBe('vault.git-failed');
    expect(error.message).toContain('no work tree of a git repository');
    expect(error.hint).toContain('Clone');
  });

  it('never runs a program that it names', async () => {
    const trace = join(lab.folder, 'ran');
    // Git reads a file again that is not older than the index, whenever it writes the index.
    const later = Date.now() / 1000 + 3600;
    utimesSync(join(lab.vault, second), later, later);
    lab.inVault('status');
    const program = `sh -c 'echo "$0" >> "${trace}"; cat' `;
    lab.onLaptop({ '.gitattributes': '*.md filter=evil merge=evil diff=evil\n' });
    for (const key of [
      'filter.evil.clean',
      'filter.evil.smudge',
      'filter.evil.process',
      'merge.evil.driver',
      'diff.evil.command',
      'diff.evil.textconv',
      'diff.external',
      'core.fsmonitor',
      'core.sshCommand',
      'core.askPass',
      'gpg.program',
      'credential.helper',
      'core.alternateRefsCommand',
    ]) {
      lab.inVault('config', key, program + key);
    }
    for (const key of ['commit.gpgSign', 'push.gpgSign', 'filter.evil.required']) lab.inVault('config', key, 'true');
    for (const hook of [
      'pre-commit',
      'pre-push',
      'post-merge',
      'post-checkout',
      'reference-transaction',
      'post-index-change',
      'commit-msg',
    ]) {
      writeFileSync(join(lab.vault, '.git', 'hooks', hook), `#!/bin/sh\necho ${hook} >> '${trace}'\nexit 1\n`, {
        mode: 0o755,
      });
    }
    lab.put(lab.vault, { '.gitattributes': '*.md filter=evil merge=evil diff=evil\n' });
    lab.editOnLaptop(first, replaced('Last line.', 'Edited.'));
    lab.edit(first, replaced('First line', 'Edited first line'));
    lab.runnerWrites(first, [['run_state', 'code']]);
    expect(await lab.sync()).toMatchObject({ pulled: true, pushed: true });
    expect(existsSync(trace) ? readFileSync(trace, 'utf8') : '').toBe('');
    lab.inVault('config', 'core.fsmonitor', 'false');
    expect(() => lab.inVault('status')).toThrow('filter');
    expect(readFileSync(trace, 'utf8')).toContain('filter.evil');
  });

  it('may be above the vault', async () => {
    lab.onLaptop({ 'inner vault/10_features/FR-9.md': noteText('FR-9'), 'code.txt': 'a\n' });
    await lab.sync();
    const path = 'inner vault/10_features/FR-9.md';
    lab.runnerWrites(path, [['run_state', 'code']]);
    lab.put(lab.vault, { 'inner vault/20_runs/FR-9-1.md': reportText('FR-9-1') });
    expect(await lab.sync({ root: join(lab.vault, 'inner vault') })).toMatchObject({ pushed: true });
    expect(lab.remoteText(path)).toContain('run_state: code');
    expect(lab.remoteText('inner vault/20_runs/FR-9-1.md')).toContain('Running.');
  });

  it('may be a shallow clone', async () => {
    lab.onLaptop({ 'a.md': 'a' });
    const shallow = join(lab.folder, 'shallow');
    lab.git(lab.folder, 'clone', '--quiet', '--depth', '1', `file://${lab.remote}`, shallow);
    lab.onLaptop({ 'b.md': 'b' });
    lab.put(shallow, { [report]: reportText('FR-1-1') });
    expect(await lab.sync({ root: shallow })).toMatchObject({ pulled: true, pushed: true });
    expect(readFileSync(join(shallow, 'b.md'), 'utf8')).toBe('b');
    expect(lab.remoteText(report)).toContain('Running.');
  });

  it('may check notes out with carriage returns, which stay', async () => {
    lab.inVault('config', 'core.autocrlf', 'true');
    const windows = (text: string): string => text.replaceAll('\n', '\r\n');
    lab.put(lab.vault, { [first]: null, [second]: null });
    lab.inVault('checkout', '--quiet', '.');
    expect(lab.read(first)).toBe(windows(noteText('FR-1')));
    expect(await lab.sync()).toMatchObject({ pushed: false });
    lab.editOnLaptop(first, replaced('Last line.', 'Edited.'));
    lab.runnerWrites(first, [['run_state', 'code']]);
    expect(await lab.sync()).toMatchObject({ pulled: true, pushed: true });
    expect(lab.read(first)).toMatch(/^(?:[^\n]*\r\n)+$/);
    expect(lab.read(first)).toContain('Edited.\r\n');
    expect(lab.remoteText(first)).toContain('run_state: code');
    expect(lab.remoteText(first)).not.toContain('\r');
    expect(lab.status()).toEqual([]);
    lab.onLaptop({ [second]: null });
    expect((await lab.sync()).notes).toEqual([]);
    expect(existsSync(join(lab.vault, second))).toBe(false);
  });

  it('that is sparse is refused', async () => {
    lab.inVault('config', 'core.sparseCheckout', 'true');
    expect((await refusal(lab.sync())).message).toContain('sparse');
  });

  it('cannot be made to write outside its folder', async () => {
    const outside = join(lab.folder, 'outside');
    lab.put(outside, { 'there.md': 'mine' });
    lab.onLaptop({ 'linked/new.md': 'theirs' });
    lab.inVault('config', 'core.symlinks', 'true');
    lab.git(lab.vault, 'status');
    lab.linkInVault('linked', outside);
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-conflict' });
    expect(existsSync(join(outside, 'new.md'))).toBe(false);

    const blob = lab.git(lab.remote, 'hash-object', '-w', join(outside, 'there.md'));
    const hooks = lab.gitWithInput(lab.remote, `100755 blob ${blob}\tpost-commit\n`, 'mktree');
    const inner = lab.gitWithInput(lab.remote, `040000 tree ${hooks}\thooks\n`, 'mktree');
    const tree = lab.gitWithInput(lab.remote, `040000 tree ${inner}\t.git\n`, 'mktree');
    const commit = lab.git(lab.remote, 'commit-tree', tree, '-p', lab.remoteHead(), '-m', 'Evil');
    lab.git(lab.remote, 'update-ref', 'refs/heads/main', commit);
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-failed' });
    expect(existsSync(join(lab.vault, '.git', 'hooks', 'post-commit'))).toBe(false);
  });
});

describe('a runner that is killed', () => {
  async function dieBefore(call: number, command: string): Promise<void> {
    const round = startScript('vault-git-sync.ts', lab.vault, lab.remote, String(call), command);
    expect(await round.ended()).toBeNull();
  }

  it('between moving the branch and the index goes on at the next round', async () => {
    lab.onLaptop({ 'new.md': 'new', [second]: null });
    await dieBefore(1, 'update-index');
    expect(lab.inVault('rev-parse', 'HEAD')).toBe(lab.remoteHead());
    expect(lab.status()).not.toEqual([]);
    await lab.sync();
    expect(lab.status()).toEqual([]);
  });

  it('between pushing and taking over keeps what the runner writes next, also when it was there before', async () => {
    lab.runnerWrites(first, [['run_state', 'code']]);
    await lab.sync();
    lab.runnerWrites(first, [['run_state', 'test']]);
    await dieBefore(2, 'symbolic-ref');
    expect(lab.remoteText(first)).toContain('run_state: test');
    lab.runnerWrites(first, [['run_state', 'code']]);
    expect(await lab.sync()).toMatchObject({ pushed: true });
    expect(lab.read(first)).toContain('run_state: code');
    expect(lab.remoteText(first)).toContain('run_state: code');
  });

  it('at any moment of a round goes on at the next, and no edit is lost at any end', async () => {
    const typed: string[] = [];
    const told: string[] = [];
    const states = ['plan', 'code', 'test', 'review'];
    let state = '';
    for (let kill = 0; kill < 20; kill += 1) {
      if (kill % 2 === 0) {
        told.push(`Laptop ${kill}.`);
        lab.editOnLaptop(first, (text) => text.replace('First line', `Laptop ${kill}.\nFirst line`));
        lab.onLaptop({ [`new ${kill}.md`]: `${kill}\n` });
      }
      state = states[kill % 4] ?? '';
      lab.runnerWrites(first, [['run_state', state]]);
      lab.runnerWrites(second, [['run_state', state]]);
      const byCall = kill < 16;
      const round = startScript('vault-git-sync.ts', lab.vault, lab.remote, String(byCall ? 7 + kill * 2 : 0));
      if (!byCall) {
        await round.line((line) => line === 'begins');
        await pause(Math.random() * 400);
        await round.kill();
      }
      await round.ended();
      typed.push(`Typed ${kill}.`);
      lab.edit(first, (text) => `${text}Typed ${kill}.\n`);
      for (const line of typed) expect(lab.read(first)).toContain(line);
    }
    await vi.waitFor(() => {
      expect(existsSync(join(lab.vault, '.git', 'refs', 'heads', 'main.lock'))).toBe(false);
    });
    await lab.sync();
    for (const line of told) {
      expect(lab.read(first)).toContain(line);
      expect(lab.remoteText(first)).toContain(line);
    }
    for (const line of typed) expect(lab.read(first).split(line)).toHaveLength(2);
    for (const path of [first, second]) expect(lab.remoteText(path)).toContain(`run_state: ${state}`);
    expect(lab.remoteText(first)).not.toContain('Typed');
    expect(lab.status()).toEqual([` M ${quoted(first)}`]);
    expect(lab.inVault('for-each-ref', '--format=%(refname)', 'refs/opus')).toBe(
      'refs/opus/vault/fetched\nrefs/opus/vault/taken',
    );
    expect(existsSync(join(lab.vault, '.git', 'index.lock'))).toBe(false);
  });
});
