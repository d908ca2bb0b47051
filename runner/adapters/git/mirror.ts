import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { looksDamaged, originFailureOf, withoutCredentials } from './git-failure.ts';
import type { GitCall, GitResult, HostGit } from './host-git.ts';
import { createTurns } from './turns.ts';

/** The runner's bare copies of the origins: `refs/origin/*` follows an origin's heads, `refs/opus/jobs/*` keeps what jobs made. */
export interface Mirrors {
  gitDir(repository: RepositoryAddress): string;
  objects(repository: RepositoryAddress): string;
  /** Options for git in the mirror. */
  call(repository: RepositoryAddress): GitCall;
  /** Options for git in the mirror that talks to the origin. */
  remoteCall(repository: RepositoryAddress): Promise<GitCall>;
  /** Makes the mirror when there is none yet. */
  ensure(repository: RepositoryAddress): Promise<void>;
  /** The origin's heads as of the last `update`: branch to commit. */
  heads(repository: RepositoryAddress): Promise<ReadonlyMap<string, string>>;
  /** Follows the origin's heads. */
  update(repository: RepositoryAddress): Promise<void>;
  /** Removes old files that killed processes left half written. */
  sweep(repository: RepositoryAddress): Promise<void>;
}

export interface MirrorOptions {
  readonly dataFolder: string;
  readonly git: HostGit;
  readonly authorization?: (repository: RepositoryAddress) => Promise<string | null>;
  /** Ends whatever is going on with an origin. */
  readonly signal?: AbortSignal;
  /** Number of packs at which the mirror's objects are put into one. */
  readonly packsBeforeRepack?: number;
}

const headsOnly = '+refs/heads/*:refs/origin/*';
const leftoverAgeMs = 3_600_000;

export function createMirrors(options: MirrorOptions): Mirrors {
  const { git } = options;
  const home = join(options.dataFolder, 'repos');
  const inTurn = createTurns();
  const swept = new Set<string>();
  const headsOf = new Map<string, Promise<ReadonlyMap<string, string>>>();

  function gitDir(repository: RepositoryAddress): string {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(repository.name) || repository.name.includes('..')) {
      throw new OpusError('config.invalid', `A repository cannot be called '${repository.name.slice(0, 60)}'.`, {
        hint: 'Use letters, digits, dots and hyphens for the names under repos in opus.yml.',
      });
    }
    return join(home, `${repository.name}.git`);
  }

  const call = (repository: RepositoryAddress): GitCall => {
    const folder = gitDir(repository);
    return { gitDir: folder, ownLocks: [folder] };
  };

  async function remoteCall(repository: RepositoryAddress): Promise<GitCall> {
    const value = (await options.authorization?.(repository)) ?? null;
    const authorization = value === null ? null : { url: repository.url, value };
    const local = repository.url.startsWith('/') ? repository.url : null;
    const origin = local === null ? [] : ['.', '.git'].map((inner) => join(local, inner, 'refs', 'heads', 'opus'));
    const stop = options.signal === undefined ? {} : { signal: options.signal };
    return { ...call(repository), ownLocks: [gitDir(repository), ...origin], authorization, ...stop };
  }

  async function fetchInto(folder: string, repository: RepositoryAddress): Promise<GitResult> {
    const args = [
      'fetch',
      '--quiet',
      '--prune',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--force',
    ];
    const remote = { ...(await remoteCall(repository)), gitDir: folder };
    for (let round = 0; ; round += 1) {
      const result = await git.run([...args, '--', repository.url, headsOnly], remote);
      // Two runners on one mirror: the one that lost the race for a ref sees it moved and only has to look again.
      if (result.exitCode === 0 || round >= 2 || !/cannot lock ref/.test(result.stderr)) return result;
    }
  }

  async function makeBeside(repository: RepositoryAddress): Promise<string> {
    const folder = join(home, `.${repository.name}.${randomBytes(6).toString('hex')}.tmp`);
    await mkdir(home, { recursive: true, mode: 0o700 });
    try {
      await git.text('make a mirror', ['init', '--quiet', '--bare', '--template=', '--initial-branch=none', folder]);
      const result = await fetchInto(folder, repository);
      if (result.exitCode !== 0) throw originFailureOf(repository, 'fetch', result.stderr);
      return folder;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async function make(repository: RepositoryAddress): Promise<void> {
    const made = await makeBeside(repository);
    try {
      await rename(made, gitDir(repository));
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      if (!(await isMirror(gitDir(repository)))) throw error;
    }
    headsOf.delete(gitDir(repository));
  }

  /** Moves a damaged mirror aside, never deletes it: commits of jobs that were not pushed are nowhere else. */
  async function remake(repository: RepositoryAddress): Promise<void> {
    const folder = gitDir(repository);
    const made = await makeBeside(repository);
    const aside = `${folder}.damaged-${Date.now()}`;
    await rename(folder, aside);
    await rename(made, folder);
    // These two are the same in every mirror; what matters is what can still be read beside them.
    await copyFile(join(folder, 'config'), join(aside, 'config'));
    await copyFile(join(folder, 'HEAD'), join(aside, 'HEAD'));
    const listed = await readdir(join(aside, 'refs', 'opus', 'jobs')).catch(() => []);
    for (const job of listed) {
      const reference = `refs/opus/jobs/${job}`;
      await git.run(
        ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', aside, `${reference}:${reference}`],
        call(repository),
      );
    }
  }

  async function sweepOnce(folder: string): Promise<void> {
    if (swept.has(folder)) return;
    swept.add(folder);
    await sweep(folder);
  }

  async function sweep(folder: string): Promise<void> {
    for (const objects of [join(folder, 'objects'), join(folder, 'objects', 'pack')]) {
      await removeOld(
        objects,
        (await readdir(objects).catch(() => [])).filter((name) => name.startsWith('tmp_')),
      );
    }
    await removeOld(
      home,
      (await readdir(home).catch(() => [])).filter((name) => name.endsWith('.tmp')),
    );
  }

  async function repackWhenCrowded(repository: RepositoryAddress): Promise<void> {
    const names = await readdir(join(gitDir(repository), 'objects', 'pack')).catch(() => []);
    const packs = names.filter((name) => name.endsWith('.pack')).length;
    if (packs < (options.packsBeforeRepack ?? 60)) return;
    // -k: a commit that no reference keeps yet must survive.
    await git.run(['repack', '-a', '-d', '-k', '--quiet'], call(repository));
  }

  const ensure = async (repository: RepositoryAddress): Promise<void> =>
    inTurn(gitDir(repository), async () => {
      if (!(await isMirror(gitDir(repository)))) await make(repository);
    });

  async function listHeads(repository: RepositoryAddress): Promise<ReadonlyMap<string, string>> {
    const listed = await git.text(
      'read the branches',
      ['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/origin/'],
      call(repository),
    );
    const lines = listed.split('\n').filter((line) => line !== '');
    return new Map(lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]));
  }

  /** Only an update changes these references, so one listing serves until the next. */
  const heads = (repository: RepositoryAddress): Promise<ReadonlyMap<string, string>> => {
    const folder = gitDir(repository);
    const known = headsOf.get(folder);
    if (known !== undefined) return known;
    const listed = listHeads(repository);
    headsOf.set(folder, listed);
    listed.catch(() => {
      if (headsOf.get(folder) === listed) headsOf.delete(folder);
    });
    return listed;
  };

  const update = async (repository: RepositoryAddress): Promise<void> =>
    inTurn(gitDir(repository), async () => {
      const folder = gitDir(repository);
      try {
        await follow(repository, folder);
      } finally {
        headsOf.delete(folder);
      }
    });

  async function follow(repository: RepositoryAddress, folder: string): Promise<void> {
    await sweepOnce(folder);
    if (!(await exists(folder))) {
      await make(repository);
      return;
    }
    const result = await fetchInto(folder, repository);
    if (result.exitCode === 0) {
      await repackWhenCrowded(repository);
      return;
    }
    if (repository.url.startsWith('/') && !(await exists(repository.url))) {
      throw new OpusError(
        'git.repository-missing',
        `There is no git repository for '${repository.name}' at ${withoutCredentials(repository.url)}.`,
        { hint: `Correct repos.${repository.name}.url in opus.yml.` },
      );
    }
    // Either side may be the damaged one; a fresh mirror tells which.
    if (!looksDamaged(result.stderr)) throw originFailureOf(repository, 'fetch', result.stderr);
    await remake(repository);
  }

  return {
    gitDir,
    objects: (repository) => join(gitDir(repository), 'objects'),
    call,
    remoteCall,
    ensure,
    heads,
    update,
    sweep: (repository) => inTurn(gitDir(repository), () => sweep(gitDir(repository))),
  };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isMirror(folder: string): Promise<boolean> {
  return (await exists(join(folder, 'HEAD'))) && exists(join(folder, 'objects'));
}

async function removeOld(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > leftoverAgeMs) await rm(path, { recursive: true, force: true });
  }
}
