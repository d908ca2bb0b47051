import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { addressOf } from './addresses.ts';
import { at, type GithubConnection } from './github-connection.ts';

/** A repository into which branches can be pushed. */
export interface PushTarget {
  readonly owner: string;
  /** `owner/name`. */
  readonly repo: string;
  readonly isFork: boolean;
}

export interface PushTargets {
  of(connection: GithubConnection): Promise<PushTarget>;
  /** The way git goes there. */
  addressOf(connection: GithubConnection, repository: RepositoryAddress): Promise<RepositoryAddress>;
}

const hour = 3_600_000;

const repositoryAnswer = z.object({
  full_name: z.string().check(z.regex(/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/)),
  archived: z.optional(z.boolean()),
  fork: z.optional(z.boolean()),
  permissions: z.optional(z.object({ push: z.optional(z.boolean()) })),
  parent: z.optional(z.object({ full_name: z.string() })),
});

/** Where the runner may not write, it works in a fork of its own, made once. Whether it may is asked once an hour. */
export function createPushTargets(): PushTargets {
  const known = new WeakMap<GithubConnection, { readonly target: PushTarget; readonly at: number }>();

  async function of(connection: GithubConnection): Promise<PushTarget> {
    const now = connection.clock.now();
    const found = known.get(connection);
    if (found !== undefined && now - found.at < hour && now >= found.at) return found.target;
    const target = await look(connection);
    known.set(connection, { target, at: now });
    return target;
  }

  return {
    of,
    async addressOf(connection, repository) {
      const target = await of(connection);
      if (!target.isFork) return repository;
      const address = addressOf(repository, connection.repo, target.repo);
      if (address !== null) return address;
      throw new OpusError(
        'forge.unsupported',
        `The address of '${repository.name}' does not end with ${connection.repo}, so that of its fork is not known.`,
        { hint: `Write repos.${repository.name}.url in opus.yml as https://${connection.host}/${connection.repo}.git` },
      );
    },
  };
}

async function look(connection: GithubConnection): Promise<PushTarget> {
  const { owner, name, repo, tokens } = connection;
  const { data } = await connection.get('find the repository', at`/repos/${owner}/${name}`, { polled: true });
  const found = repositoryAnswer.parse(data);
  if (found.archived === true) {
    throw new OpusError(
      'forge.archived',
      `The repository ${repo} on ${connection.host} is archived: nothing can be pushed.`,
      {
        hint: 'Unarchive it in its settings on GitHub, or take it out of opus.yml.',
      },
    );
  }
  const itself = { owner, repo, isFork: false };
  const permissions = await tokens.permissions();
  if (permissions === null) return found.permissions?.push === true ? itself : forkOf(connection);
  if (permissions['contents'] === 'write') return itself;
  throw new OpusError(
    'forge.forbidden',
    `The GitHub App may not push to ${repo}: it lacks the permission contents: write.`,
    {
      hint: 'Give it contents: write (to push branches and merge) in its settings, and accept that where it is installed.',
    },
  );
}

async function forkOf(connection: GithubConnection): Promise<PushTarget> {
  const { owner, name, repo } = connection;
  const login = await connection.tokens.login();
  const own = await connection.get('find the fork', at`/repos/${login}/${name}`).then(
    ({ data }) => repositoryAnswer.parse(data),
    (thrown: unknown) => {
      if (thrown instanceof OpusError && thrown.code === 'forge.not-found') return null;
      throw thrown;
    },
  );
  if (own?.fork === true && own.parent?.full_name.toLowerCase() === repo.toLowerCase()) return asTarget(own.full_name);
  // Asked twice, GitHub answers with the fork that there is.
  const made = await connection.send('make a fork', 'POST', at`/repos/${owner}/${name}/forks`, {
    default_branch_only: true,
  });
  const fork = repositoryAnswer.parse(made.data).full_name;
  if (fork.split('/')[0]?.toLowerCase() === login.toLowerCase()) return asTarget(fork);
  throw new OpusError('forge.refused', `GitHub made the fork of ${repo} as ${fork}, which is not of ${login}.`);
}

function asTarget(repo: string): PushTarget {
  return { owner: repo.split('/')[0] ?? '', repo, isFork: true };
}
