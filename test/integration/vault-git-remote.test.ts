import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusal } from '../support/git-lab.ts';
import { first, noteText, VaultGitLab } from '../support/vault-git-lab.ts';

const lab = VaultGitLab.forEachTest();

describe('a remote', () => {
  it('that cannot be reached gets what waits at a later round', async () => {
    await lab.sync();
    renameSync(lab.remote, `${lab.remote}.away`);
    lab.runnerWrites(first, [['run_state', 'code']]);
    const before = lab.snapshot();
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-unreachable' });
    expect(lab.snapshot()).toBe(before);
    const closed = await refusal(lab.sync({ remote: 'http://person:word@127.0.0.1:1/vault.git' }));
    expect(closed.code).toBe('vault.git-unreachable');
    expect(closed.message).not.toContain('word');
    renameSync(`${lab.remote}.away`, lab.remote);
    expect(await lab.sync()).toMatchObject({ pushed: true });
    expect(lab.remoteText(first)).toContain('run_state: code');
  });

  it('that refuses the push still gives what it has, and gets the commit later', async () => {
    const hook = join(lab.remote, 'hooks', 'pre-receive');
    lab.onLaptop({ 'new.md': 'new' });
    writeFileSync(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    lab.runnerWrites(first, [['run_state', 'code']]);
    const error = await refusal(lab.sync());
    expect(error.code).toBe('vault.git-failed');
    expect(error.message).toContain('refused');
    expect(lab.read('new.md')).toBe('new');
    writeFileSync(hook, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    expect(await lab.sync()).toMatchObject({ pushed: true });
    expect(lab.remoteText(first)).toContain('run_state: code');
  });

  it('whose history was rewritten gets the runner’s commits again on top, and nothing is forced', async () => {
    await lab.sync();
    lab.onLaptop({ 'secret.md': 'not for you' });
    await lab.sync();
    writeFileSync(join(lab.remote, 'hooks', 'pre-receive'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    lab.runnerWrites(first, [['run_state', 'code']]);
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-failed' });
    writeFileSync(join(lab.remote, 'hooks', 'pre-receive'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const old = lab.inVault('rev-parse', 'HEAD');
    rewriteOnLaptop({ 'instead.md': 'x' });
    const theirs = lab.remoteHead();
    expect(await lab.sync()).toMatchObject({ pulled: true, pushed: true });
    expect(lab.git(lab.remote, 'rev-parse', 'main^')).toBe(theirs);
    expect(lab.remoteText(first)).toContain('run_state: code');
    expect(() => lab.remoteText('secret.md')).toThrow();
    expect(existsSync(join(lab.vault, 'secret.md'))).toBe(false);
    expect(lab.inVault('rev-parse', 'refs/opus/before-rewrite')).toBe(old);
    expect(lab.status()).toEqual([]);
  });

  it('whose history was set back does not get the old one again', async () => {
    lab.onLaptop({ 'secret.md': 'not for you' });
    await lab.sync();
    lab.git(lab.laptop, 'reset', '--quiet', '--hard', 'HEAD~1');
    lab.git(lab.laptop, 'push', '--quiet', '--force', 'origin', 'HEAD:main');
    const theirs = lab.remoteHead();
    expect(await lab.sync()).toMatchObject({ pulled: true, pushed: false });
    expect(lab.remoteHead()).toBe(theirs);
    expect(existsSync(join(lab.vault, 'secret.md'))).toBe(false);
  });

  it('whose history was rewritten under commits of people here is left for a person', async () => {
    await lab.sync();
    lab.put(lab.vault, { 'mine.md': 'mine' });
    lab.inVault('add', '--all');
    lab.inVault('commit', '--quiet', '--message', 'Mine');
    rewriteOnLaptop({ 'instead.md': 'x' });
    const [before, theirs] = [lab.snapshot(), lab.remoteHead()];
    const error = await refusal(lab.sync());
    expect(error.code).toBe('vault.git-rewritten');
    expect([lab.snapshot(), lab.remoteHead()]).toEqual([before, theirs]);
    const commands = [...(error.hint ?? '').matchAll(/`git ([^`]+)`/g)].map((match) => (match[1] ?? '').split(' '));
    expect(commands).toHaveLength(2);
    for (const command of commands) lab.inVault(...command);
    expect(await lab.sync()).toMatchObject({ pushed: true });
    expect([lab.remoteText('mine.md'), lab.remoteText('instead.md')]).toEqual(['mine', 'x']);
  });

  it('that lost the branch, or never had anything to do with the vault, is no reason to push', async () => {
    await lab.sync();
    lab.git(lab.remote, 'update-ref', '-d', 'refs/heads/main');
    expect(await refusal(lab.sync())).toMatchObject({ code: 'vault.git-rewritten' });
    const other = join(lab.folder, 'other.git');
    lab.git(lab.folder, 'init', '--quiet', '--bare', '--initial-branch=main', other);
    const tree = lab.git(other, 'hash-object', '-w', '-t', 'tree', '/dev/null');
    lab.git(other, 'update-ref', 'refs/heads/main', lab.git(other, 'commit-tree', tree, '-m', 'Other'));
    lab.inVault('update-ref', '-d', 'refs/opus/vault/taken');
    const error = await refusal(lab.sync({ remote: other }));
    expect(error.code).toBe('vault.git-rewritten');
    expect(error.message).toContain('no commit in common');
  });

  it('that is empty gets the branch, and an empty clone gets the remote’s', async () => {
    const empty = join(lab.folder, 'empty.git');
    lab.git(lab.folder, 'init', '--quiet', '--bare', empty);
    expect(await lab.sync({ remote: empty })).toMatchObject({ pushed: true });
    expect(lab.git(empty, 'rev-parse', 'main')).toBe(lab.inVault('rev-parse', 'HEAD'));
    const fresh = join(lab.folder, 'fresh');
    lab.git(lab.folder, 'init', '--quiet', '--initial-branch=main', fresh);
    expect(await lab.sync({ root: fresh })).toMatchObject({ pulled: true });
    expect(readFileSync(join(fresh, first), 'utf8')).toBe(noteText('FR-1'));
    expect(lab.git(fresh, 'status', '--porcelain')).toBe('');
  });

  function rewriteOnLaptop(files: Record<string, string>): void {
    lab.git(lab.laptop, 'reset', '--quiet', '--hard', lab.git(lab.laptop, 'rev-list', '--max-parents=0', 'HEAD'));
    lab.git(lab.laptop, 'commit', '--quiet', '--amend', '--message', 'Rewritten');
    lab.put(lab.laptop, files);
    lab.git(lab.laptop, 'add', '--all');
    lab.git(lab.laptop, 'commit', '--quiet', '--message', 'After rewriting');
    lab.git(lab.laptop, 'push', '--quiet', '--force', 'origin', 'HEAD:main');
  }
});
