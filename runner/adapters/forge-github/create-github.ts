import { OpusError } from '#shared/domain/errors.ts';
import type { GithubConfig } from '../../core/configuration.ts';
import type { Forge } from '../../core/ports/forge.ts';
import type { ForgeDesk } from '../../core/ports/forge-desk.ts';
import type { PullRequests } from '../../core/ports/pull-requests.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { isOnServer } from './addresses.ts';
import { checkGithub, type AccessFinding } from './check-github.ts';
import { apiOf, createConnection } from './connection.ts';
import type { ConnectionOptions, GithubConnection } from './github-connection.ts';
import { createGithubDesk } from './github-desk.ts';
import { createGithubForge } from './github-forge.ts';
import { createGithubPullRequests } from './github-pull-requests.ts';
import { createPushTargets } from './push-target.ts';

export interface GithubOptions extends ConnectionOptions {
  /** The `github` section in force of a repository of opus.yml, by its name. */
  readonly settingsOf: (repository: string) => GithubConfig | null;
  readonly mergeLookMs?: number;
}

export interface Github {
  readonly forge: Forge;
  /** What happens to the pull requests of a repository of opus.yml. */
  pullRequestsOf(repository: string): PullRequests;
  /** What is beside its code. */
  readonly desk: ForgeDesk;
  /** Value of git's Authorization header for this address; null where it is not the server's. */
  authorization(repository: RepositoryAddress): Promise<string | null>;
  /** What the credentials of a repository may do, and what they lack. */
  check(repository: RepositoryAddress & { readonly base: string }): Promise<AccessFinding[]>;
  /** For what else is done with a repository there. */
  connectionOf(repository: Pick<RepositoryAddress, 'name'>): GithubConnection;
}

/** Everything of the runner that talks to GitHub. Nothing is loaded or asked before the first call. */
export function createGithub(options: GithubOptions): Github {
  const connections = new Map<string, { readonly key: string; readonly connection: GithubConnection }>();
  const pulls = new Map<string, PullRequests>();
  const targets = createPushTargets();
  const calls = new Map<string, number>();

  function connectionOf({ name }: Pick<RepositoryAddress, 'name'>): GithubConnection {
    const settings = options.settingsOf(name);
    if (settings === null) {
      throw new OpusError('forge.unsupported', `repos.${name} has no \`github\` section in opus.yml.`, {
        hint: `Write repos.${name}.github: { repo: owner/name, token: env:GITHUB_TOKEN }`,
      });
    }
    const key = JSON.stringify(settings);
    const known = connections.get(name);
    if (known?.key === key) return known.connection;
    const connection = createConnection(settings, {
      ...options,
      onCall: (call) => {
        calls.set(name, (calls.get(name) ?? 0) + 1);
        options.onCall?.(call);
      },
    });
    connections.set(name, { key, connection });
    return connection;
  }

  async function authorization(repository: RepositoryAddress): Promise<string | null> {
    const settings = options.settingsOf(repository.name);
    if (settings === null || !isOnServer(repository.url, apiOf(settings))) return null;
    const token = await connectionOf(repository).tokens.current();
    return `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  }

  return {
    forge: createGithubForge({
      connectionOf,
      targets,
      ...(options.mergeLookMs === undefined ? {} : { mergeLookMs: options.mergeLookMs }),
    }),
    pullRequestsOf(repository) {
      const known =
        pulls.get(repository) ?? createGithubPullRequests(connectionOf, repository, () => calls.get(repository) ?? 0);
      pulls.set(repository, known);
      return known;
    },
    desk: createGithubDesk(connectionOf),
    authorization,
    check: async (repository) => checkGithub(connectionOf(repository), repository.base),
    connectionOf,
  };
}
