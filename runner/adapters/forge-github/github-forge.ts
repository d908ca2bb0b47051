import { OpusError } from '#shared/domain/errors.ts';
import { setTimeout as pause } from 'node:timers/promises';
import type { Forge, OpenPullRequest, PullRequest } from '../../core/ports/forge.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { at, type GithubConnection } from './github-connection.ts';
import { isMerged, readPull, shownPull, type PullAnswer } from './pull-answer.ts';
import { addExtras } from './pull-extras.ts';
import { isMarked, isSameText, pullText } from './pull-text.ts';
import type { PushTargets } from './push-target.ts';

export interface GithubForgeOptions {
  readonly connectionOf: (repository: RepositoryAddress) => GithubConnection;
  readonly targets: PushTargets;
  /** GitHub sees a moment after a push that it merged a pull request: what each further look waits. */
  readonly mergeLookMs?: number;
}

const mergeLooks = 6;

/** Pull requests on GitHub. Each write looks first, and looks again where its answer was lost. */
export function createGithubForge(options: GithubForgeOptions): Forge {
  const { connectionOf, targets } = options;

  const pullsPath = ({ owner, name }: GithubConnection): string => at`/repos/${owner}/${name}/pulls`;

  async function pullOf(connection: GithubConnection, number: number): Promise<PullAnswer> {
    const { data } = await connection.get('read a pull request', `${pullsPath(connection)}/${number}`, {
      polled: true,
    });
    return readPull(data);
  }

  /** The newest of a branch: an open one goes before those that are over. */
  async function newest(connection: GithubConnection, owner: string, head: string): Promise<PullAnswer | null> {
    const query = { head: `${owner}:${head}`, state: 'all', sort: 'created', direction: 'desc', per_page: 5 };
    const { data } = await connection.get('find a pull request', pullsPath(connection), { query, polled: true });
    // A server that does not know the filter would tell of all.
    const found = (data as unknown[])
      .map(readPull)
      .filter((pull) => pull.head.ref === head && isOf(pull.head.user?.login, owner));
    return found.find((pull) => pull.state === 'open') ?? found[0] ?? null;
  }

  async function refuseOthers(connection: GithubConnection, pull: PullAnswer, job: string): Promise<void> {
    if (isMarked(pull.body)) return;
    const author = pull.user?.login ?? 'somebody';
    if (author.toLowerCase() === (await connection.tokens.login()).toLowerCase()) return;
    throw new OpusError(
      'forge.branch-taken',
      `The branch ${pull.head.ref} of ${job} already has the pull request #${pull.number} of ${author} in ${connection.repo}; nothing was overwritten.`,
      { hint: `Look at ${pull.html_url}; close it and rename or remove that branch, then retry.` },
    );
  }

  async function create(connection: GithubConnection, request: OpenPullRequest, head: string): Promise<PullAnswer> {
    const wanted = { ...pullText(request), head, base: request.base };
    const draft = request.draft === true ? { draft: true } : {};
    try {
      const { data } = await connection.send('open a pull request', 'POST', pullsPath(connection), {
        ...wanted,
        ...draft,
      });
      return readPull(data);
    } catch (thrown) {
      if (!(thrown instanceof OpusError)) throw thrown;
      if (request.draft === true && /draft pull requests are not supported/i.test(thrown.message)) {
        return create(connection, { ...request, draft: false }, head);
      }
      throw refinedRefusal(thrown, connection, request);
    }
  }

  async function update(connection: GithubConnection, pull: PullAnswer, request: OpenPullRequest): Promise<PullAnswer> {
    const wanted = pullText(request);
    const changes = {
      ...(pull.title === wanted.title ? {} : { title: wanted.title }),
      ...(isSameText(pull.body, wanted.body) ? {} : { body: wanted.body }),
      ...(pull.base.ref === request.base ? {} : { base: request.base }),
    };
    if (Object.keys(changes).length === 0) return pull;
    const path = `${pullsPath(connection)}/${pull.number}`;
    const { data } = await connection.send('update a pull request', 'PATCH', path, changes);
    return readPull(data);
  }

  /** Null where GitHub opens it no more, as after its branch was made anew elsewhere. */
  async function reopened(connection: GithubConnection, pull: PullAnswer): Promise<PullAnswer | null> {
    const path = `${pullsPath(connection)}/${pull.number}`;
    try {
      const { data } = await connection.send('reopen a pull request', 'PATCH', path, { state: 'open' });
      return readPull(data);
    } catch (thrown) {
      if (thrown instanceof OpusError && thrown.code === 'forge.refused') return null;
      throw thrown;
    }
  }

  async function open(request: OpenPullRequest): Promise<PullRequest> {
    const connection = connectionOf(request.repository);
    const { owner } = await targets.of(connection);
    const head = owner === connection.owner ? request.head : `${owner}:${request.head}`;
    let found = await newest(connection, owner, request.head);
    let made: PullAnswer | null = null;
    if (found === null) {
      try {
        made = await create(connection, request, head);
      } catch (thrown) {
        // Its answer may be lost, or somebody was faster.
        found = await newest(connection, owner, request.head);
        if (found === null) throw thrown;
      }
    }
    if (found !== null && isMerged(found)) return shownPull(found);
    if (found?.state === 'closed' && request.reopen === true) {
      found = await reopened(connection, found);
      if (found === null) made = await create(connection, request, head);
    }
    if (found?.state === 'closed') {
      throw new OpusError(
        'forge.pull-request-closed',
        `The pull request #${found.number} of ${request.job} was closed.`,
        {
          hint: 'Reopen it and retry, or dispatch the feature request again with --again to begin anew.',
        },
      );
    }
    if (found !== null) {
      await refuseOthers(connection, found, request.job);
      made = await update(connection, found, request);
    }
    if (made === null)
      throw new OpusError('internal.unexpected', `No pull request was found or made for ${request.job}.`);
    // Who may not write to a repository may neither label its pull requests nor ask people to review them.
    if (owner === connection.owner) await addExtras(connection, made, request);
    return shownPull(made);
  }

  async function find(repository: RepositoryAddress, head: string): Promise<PullRequest | null> {
    const connection = connectionOf(repository);
    const { owner } = await targets.of(connection);
    const found =
      (await newest(connection, owner, head)) ??
      (owner === connection.owner ? null : await newest(connection, connection.owner, head));
    return found === null ? null : shownPull(found);
  }

  async function markMerged(repository: RepositoryAddress, number: number, mergeCommit: string): Promise<PullRequest> {
    const connection = connectionOf(repository);
    for (let look = 1; ; look += 1) {
      const pull = await pullOf(connection, number);
      if (isMerged(pull)) return { ...shownPull(pull), mergeCommit: pull.merge_commit_sha ?? mergeCommit };
      if (pull.state === 'closed') {
        throw new OpusError(
          'forge.pull-request-closed',
          `The pull request #${number} in ${connection.repo} was closed.`,
        );
      }
      if (look === mergeLooks) break;
      await pause(options.mergeLookMs ?? 1000);
    }
    throw new OpusError(
      'forge.merge-unseen',
      `GitHub does not see yet that ${mergeCommit.slice(0, 8)} merged the pull request #${number} in ${connection.repo}.`,
      { hint: 'It is looked at again; if it stays so, compare the base and the head of the pull request on GitHub.' },
    );
  }

  async function close(repository: RepositoryAddress, number: number): Promise<PullRequest> {
    const connection = connectionOf(repository);
    const before = await pullOf(connection, number);
    if (before.state === 'closed') return shownPull(before);
    const path = `${pullsPath(connection)}/${number}`;
    try {
      const { data } = await connection.send('close a pull request', 'PATCH', path, { state: 'closed' });
      return shownPull(readPull(data));
    } catch (thrown) {
      const after = await pullOf(connection, number);
      if (after.state === 'closed') return shownPull(after);
      throw thrown;
    }
  }

  return {
    open,
    find,
    markMerged,
    close,
    pushTarget: (repository) => targets.addressOf(connectionOf(repository), repository),
  };
}

/** Who has gone is nobody else. */
function isOf(login: string | undefined, owner: string): boolean {
  return login === undefined || login.toLowerCase() === owner.toLowerCase();
}

function refinedRefusal(refusal: OpusError, connection: GithubConnection, request: OpenPullRequest): OpusError {
  if (refusal.code !== 'forge.refused') return refusal;
  if (/\bbase\b.*\binvalid\b/i.test(refusal.message)) {
    return new OpusError(
      'git.base-missing',
      `The repository ${connection.repo} has no branch ${request.base} any more.`,
      {
        hint: `Correct repos.${request.repository.name}.base in opus.yml, or push that branch again.`,
      },
    );
  }
  if (/already exists/i.test(refusal.message)) {
    return new OpusError(
      'forge.unreachable',
      `GitHub has a pull request of ${request.head} in ${connection.repo} and does not show it yet.`,
    );
  }
  return refusal;
}
