import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import { failureOf, firstComplaint, withoutCredentials } from './git-failure.ts';
import type { GitResult } from './host-git.ts';
import { moveReference, readReference, references, type VaultRepository } from './vault-git-repository.ts';

export interface VaultRemote {
  readonly url: string;
  readonly authorization: () => Promise<string | null>;
}

/** Settings of the repository that would name a program. */
const noPrograms = ['-c', 'core.askPass=', '-c', 'core.alternateRefsCommand=true'];
const timeoutMs = 5 * 60_000;

/** The commit of the remote's branch; null when the remote has no such branch. */
export async function fetchBranch(repository: VaultRepository, remote: VaultRemote): Promise<string | null> {
  const result = await talk(repository, remote, [
    ...noPrograms,
    'fetch',
    '--quiet',
    '--force',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    '--no-recurse-submodules',
    '--upload-pack=git-upload-pack',
    '--',
    remote.url,
    `+${repository.reference}:${references.fetched}`,
  ]);
  if (result.exitCode === 0) return readReference(repository, references.fetched);
  if (!/couldn't find remote ref/i.test(result.stderr)) throw remoteFailure(remote, 'fetch from', result.stderr);
  await moveReference(repository, references.fetched, null);
  return null;
}

/** Moves the remote's branch from `expected` (null: not there) to a commit that descends from it; false when it was elsewhere. */
export async function pushBranch(
  repository: VaultRepository,
  remote: VaultRemote,
  commit: string,
  expected: string | null,
): Promise<boolean> {
  const { reference } = repository;
  const result = await talk(repository, remote, [
    ...noPrograms,
    'push',
    '--porcelain',
    '--no-signed',
    '--no-follow-tags',
    '--no-verify',
    '--recurse-submodules=no',
    '--receive-pack=git-receive-pack',
    // The lease refuses a branch that was moved back as well; what is pushed always descends from what is expected.
    `--force-with-lease=${reference}:${expected ?? ''}`,
    '--',
    remote.url,
    `${commit}:${reference}`,
  ]);
  if (result.exitCode === 0) return true;
  const said = `${result.stdout}\n${result.stderr}`;
  if (/\[rejected\]|stale info|fetch first|cannot lock ref|failed to update ref|incorrect old value/i.test(said))
    return false;
  const refused = /^!.*\[remote rejected\] \((.*)\)$/m.exec(result.stdout)?.[1];
  if (refused === undefined) throw remoteFailure(remote, 'push to', result.stderr);
  throw new OpusError('vault.git-failed', `The remote of the vault refused the runner's commit: ${refused}.`, {
    hint: `Let the runner push to '${repository.branch}' there, or set another \`vault.git.branch\` in opus.yml.`,
  });
}

async function talk({ git, call }: VaultRepository, remote: VaultRemote, args: readonly string[]): Promise<GitResult> {
  const value = await remote.authorization();
  const authorization = value === null ? null : { url: remote.url, value };
  try {
    return await git.run(args, { ...call, authorization, timeoutMs });
  } catch (error) {
    const known = toOpusError(error);
    if (!known.message.includes('took too long')) throw error;
    throw unreachable(remote, 'it did not answer in time', error);
  }
}

function remoteFailure(remote: VaultRemote, doing: string, stderr: string): OpusError {
  if (/Authentication failed|could not read (?:Username|Password)|Permission denied|403|401/.test(stderr)) {
    const said = `The remote of the vault at ${withoutCredentials(remote.url)} refused the runner's credentials.`;
    return new OpusError('vault.git-failed', said, { hint: 'Check the key or token that the runner uses for it.' });
  }
  if (/No space left|quota exceeded|index-pack failed|corrupt|bad object|insufficient permission/i.test(stderr)) {
    return failureOf(`${doing} the remote of the vault`, stderr);
  }
  return unreachable(remote, firstComplaint(stderr));
}

function unreachable(remote: VaultRemote, why: string, cause?: unknown): OpusError {
  const where = withoutCredentials(remote.url);
  return new OpusError('vault.git-unreachable', `The remote of the vault at ${where} cannot be reached: ${why}`, {
    hint: 'Check the network and `vault.git.remote` in opus.yml; what waits to be pushed goes out at a later round.',
    cause,
  });
}
