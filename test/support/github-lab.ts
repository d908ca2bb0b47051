import { createGithub, type Github, type GithubOptions } from '../../runner/adapters/forge-github/create-github.ts';
import type { GithubConfig } from '../../runner/core/configuration.ts';
import type { RepositoryAddress } from '../../runner/core/ports/worktrees.ts';
import type { Repository } from './github/records.ts';
import { startGitHub, type GitHub, type NewToken } from './github/start-github.ts';

export interface GithubLab {
  readonly server: GitHub;
  readonly hosted: Repository;
  /** As in opus.yml. */
  readonly repository: RepositoryAddress;
  /** Milliseconds by which the clock of both sides is ahead. */
  later(milliseconds: number): void;
  /** A client with a token of its own; nothing of what another one knows is in it. */
  client(options?: Partial<GithubOptions>, login?: string, token?: NewToken): Github;
  clientOf(settings: Pick<GithubConfig, 'credentials'>, secret: () => string, options?: Partial<GithubOptions>): Github;
  /** A commit on a branch of the repository. */
  branch(name: string): string;
  stop(): Promise<void>;
}

/** A repository me/web on a GitHub of one's own, where `opus` may write. */
export async function openGithubLab(limit = 5000): Promise<GithubLab> {
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  const server = await startGitHub({ now, limit });
  const hosted = server.createRepository({ owner: 'me', name: 'web', roles: { opus: 'write', ann: 'write' } });
  const repository = { name: 'web', url: server.cloneUrl(hosted) };
  let made = 0;

  const clientOf: GithubLab['clientOf'] = ({ credentials }, secret, options = {}) =>
    createGithub({
      settingsOf: () => ({ repo: 'me/web', api: server.apiUrl, credentials }),
      resolveSecret: secret,
      clock: { now },
      isPaced: false,
      retryPauseMs: 1,
      mergeLookMs: 1,
      timeoutMs: 5000,
      ...options,
    });

  return {
    server,
    hosted,
    repository,
    later: (milliseconds) => {
      ahead += milliseconds;
    },
    clientOf,
    client(options, login = 'opus', token) {
      const value = server.token(login, token);
      return clientOf({ credentials: { kind: 'token', token: { kind: 'env', name: 'T' } } }, () => value, options);
    },
    branch: (branch) => server.as('opus').push(hosted, { branch, files: { 'a.txt': `${(made += 1)}\n` } }),
    stop: () => server.stop(),
  };
}
