import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { GitCall, HostGit } from './host-git.ts';

/** The repository that a vault's folder belongs to. Git is given its objects, references and private indexes only, never the files. */
export interface VaultRepository {
  readonly git: HostGit;
  /** The top folder of the work tree, which may be above the vault. */
  readonly top: string;
  /** The vault's folder in the repository, with a slash at its end; empty when it is the top. */
  readonly prefix: string;
  readonly gitDir: string;
  /** A folder inside the git directory that is the runner's own. */
  readonly own: string;
  /** Its work tree is an empty folder: where git finds the files, writing an index may run their filters. */
  readonly call: GitCall;
  readonly branch: string;
  /** `refs/heads/…` */
  readonly reference: string;
  /** What git writes where there is no object. */
  readonly noId: string;
}

export const references = {
  /** The remote's branch as it was fetched last. */
  fetched: 'refs/opus/vault/fetched',
  /** The remote's branch as it was taken in last. */
  taken: 'refs/opus/vault/taken',
  /** Where the branch is being taken, until it is there. */
  applying: 'refs/opus/vault/applying',
  /** The remote's version that could not be merged. */
  theirs: 'refs/opus/theirs',
  /** Where the branch was before the remote's history was rewritten. */
  beforeRewrite: 'refs/opus/before-rewrite',
} as const;

export const noFilesFolder = 'no-files';

export async function openVaultRepository(root: string, branch: string, git: HostGit): Promise<VaultRepository> {
  const asked = ['--show-toplevel', '--absolute-git-dir', '--git-common-dir', '--show-prefix', '--show-object-format'];
  const found = await git.run(['-C', root, 'rev-parse', '--path-format=absolute', ...asked]);
  const [top, gitDir, common, prefix = '', format] = found.stdout.split('\n');
  if (found.exitCode !== 0 || !top || !gitDir || !common) throw noRepository(root, found.stderr);
  const own = join(gitDir, 'opus');
  const noFiles = join(own, noFilesFolder);
  await mkdir(noFiles, { recursive: true });
  const call: GitCall = { gitDir, workTree: noFiles, ownLocks: [own, join(common, 'refs', 'opus')] };
  const noId = '0'.repeat(format === 'sha256' ? 64 : 40);
  const repository = { git, top, prefix, gitDir, own, call, branch, reference: `refs/heads/${branch}`, noId };
  await refuseWhatIsNotSupported(repository);
  return repository;
}

function noRepository(root: string, said: string): OpusError {
  if (/dubious ownership/.test(said)) {
    return new OpusError('vault.git-failed', `The repository of the vault ${root} belongs to another user.`, {
      hint: 'Give the folder to the user the runner runs as (chown -R), or run as its owner.',
    });
  }
  return new OpusError('vault.git-failed', `The vault ${root} is no work tree of a git repository.`, {
    hint: 'Clone the repository of `vault.git.remote` to that folder, or take `vault.git` out of opus.yml.',
    details: { said: said.slice(0, 300) },
  });
}

async function refuseWhatIsNotSupported({ git, call, top }: VaultRepository): Promise<void> {
  const asked = String.raw`^(extensions\.partialclone|core\.sparsecheckout)$`;
  const { stdout } = await git.run(['config', '--get-regexp', asked], call);
  const sparse = /^core\.sparsecheckout (?:true|yes|on|1)$/im.test(stdout);
  const partial = /^extensions\.partialclone /im.test(stdout);
  if (!sparse && !partial) return;
  throw new OpusError(
    'vault.git-failed',
    `The vault's repository ${top} is a ${sparse ? 'sparse' : 'partial'} clone.`,
    {
      hint: 'Clone it with all its files: the runner merges the whole repository.',
    },
  );
}

/** Where the branch is; null before its first commit. Rejects where the folder is not simply on the branch. */
export async function currentCommit(repository: VaultRepository): Promise<string | null> {
  const { git, call, branch, gitDir } = repository;
  const going = operations.find(([name]) => existsSync(join(gitDir, name)));
  if (going) {
    throw new OpusError('vault.git-merging', `Somebody's ${going[1]} in the vault is not finished.`, {
      hint: `Finish it there with \`git ${going[1]} --continue\`, or give it up with \`git ${going[1]} --abort\`.`,
    });
  }
  const head = await git.run(['symbolic-ref', '--quiet', 'HEAD'], call);
  if (head.exitCode !== 0) {
    throw new OpusError('vault.git-detached', 'The vault is on no branch: its HEAD is detached.', {
      hint: `Run \`git switch ${branch}\` in the vault; keep commits made meanwhile with \`git branch <name>\` first.`,
    });
  }
  if (head.stdout.trim() !== repository.reference) {
    const other = head.stdout.trim().replace(/^refs\/heads\//, '');
    throw new OpusError('vault.git-wrong-branch', `The vault has the branch '${other}' checked out, not '${branch}'.`, {
      hint: `Run \`git switch ${branch}\` in the vault, or set \`vault.git.branch\` in opus.yml.`,
    });
  }
  return readReference(repository, 'HEAD');
}

const operations = [
  ['MERGE_HEAD', 'merge'],
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
] as const;

export async function readReference({ git, call }: VaultRepository, name: string): Promise<string | null> {
  const { exitCode, stdout } = await git.run(['rev-parse', '--quiet', '--verify', `${name}^{commit}`], call);
  return exitCode === 0 ? stdout.trim() : null;
}

/** Moves a reference that is where it is expected (null: not there); `to` null deletes it. */
export async function moveReference(
  { git, call, noId }: VaultRepository,
  name: string,
  to: string | null,
  expected?: string | null,
): Promise<void> {
  const old = expected === undefined ? [] : [expected ?? noId];
  const what = to === null ? ['-d', name, ...old] : ['-m', 'opus: vault sync', name, to, ...old];
  await git.text(`move ${name}`, ['update-ref', '--no-deref', ...what], call);
}

export async function isAncestor({ git, call }: VaultRepository, older: string, newer: string): Promise<boolean> {
  if (older === newer) return true;
  const { exitCode } = await git.run(['merge-base', '--is-ancestor', older, newer], call);
  return exitCode === 0;
}

/** Null when the two have no commit in common. */
export async function commonAncestor(
  { git, call }: VaultRepository,
  one: string,
  other: string,
): Promise<string | null> {
  if (one === other) return one;
  const { exitCode, stdout } = await git.run(['merge-base', one, other], call);
  return exitCode === 0 ? stdout.trim() : null;
}

/** Whether somebody else than the runner made a commit that is in `to` and not in `from`. */
export async function hasCommitsOfPeople(
  { git, call }: VaultRepository,
  from: string,
  to: string,
  runner: string,
): Promise<boolean> {
  const listed = await git.text(
    'read who made the commits',
    ['rev-list', '--no-commit-header', '--format=%ae', `${from}..${to}`],
    call,
  );
  return listed.split('\n').some((address) => address !== '' && address !== runner);
}
