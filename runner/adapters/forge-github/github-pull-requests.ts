import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { ObservedCheck, ObservedPullRequest, PullRequests, ReplyRequest } from '../../core/ports/pull-requests.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { checkFailure, checkRunId } from './check-failure.ts';
import { keyIn, withKey } from './comment-key.ts';
import { at, type GithubConnection } from './github-connection.ts';
import { KeptAnswers } from './kept-answers.ts';
import { mergePull } from './merge-pull.ts';
import { readObserved } from './observe-answer.ts';
import { answeredQueries, observeQuery, readyMutation, replyMutation, resolveMutation } from './observe-query.ts';
import { rerunCheck } from './rerun-check.ts';

const pullsOfQuery = 50;
const hour = 3_600_000;

const commentsAnswer = z.nullish(
  z.object({
    comments: z.optional(
      z.object({
        nodes: z.nullish(z.array(z.nullable(z.object({ body: z.string(), viewerDidAuthor: z.boolean() })))),
      }),
    ),
  }),
);
const threadAnswer = z.object({ node: commentsAnswer });
const pullAnswer = z.object({ repository: z.nullish(threadAnswer) });
const permissionAnswer = z.object({ permission: z.string(), role_name: z.optional(z.string()) });
const draftAnswer = z.object({ draft: z.optional(z.boolean()), node_id: z.string() });
const runsAnswer = z.object({
  check_runs: z.array(z.object({ id: z.int(), check_suite: z.nullish(z.object({ id: z.int() })) })),
});

/** What happens to pull requests on GitHub. */
export function createGithubPullRequests(
  connectionOf: (repository: Pick<RepositoryAddress, 'name'>) => GithubConnection,
  name: string,
  calls: () => number,
): PullRequests {
  const writers = new KeptAnswers<{ readonly may: boolean; readonly at: number }>(500);
  const counted = new KeptAnswers<number>(1000);

  async function observe(repository: RepositoryAddress, numbers: readonly number[]): Promise<ObservedPullRequest[]> {
    const connection = connectionOf(repository);
    const { owner, name } = connection;
    const wanted = [...new Set(numbers)];
    const all: ObservedPullRequest[] = [];
    for (let start = 0; start < wanted.length; start += pullsOfQuery) {
      const text = observeQuery(wanted.slice(start, start + pullsOfQuery));
      const data = await connection.query('observe pull requests', text, { owner, name });
      const found = readObserved(data);
      if (found === null) throw connection.missing();
      for (const one of found) {
        const checks = await Promise.all(one.checks.map((check) => withRun(connection, check)));
        all.push({ ...one, checks });
      }
    }
    return all;
  }

  /** Only of what failed is it asked, once: a further run is a check of its own. */
  async function withRun(connection: GithubConnection, check: ObservedCheck): Promise<ObservedCheck> {
    const id = checkRunId(check.id);
    if (check.state !== 'failed' || id === null) return check;
    const key = `${connection.host} ${connection.repo} ${id}`;
    const known = counted.get(key);
    if (known !== undefined) return { ...check, run: known };
    const path = at`/repos/${connection.owner}/${connection.name}/commits/${check.commit}/check-runs`;
    const query = { check_name: check.name, filter: 'all', per_page: 100 };
    const { data } = await connection.get('count the runs of a check', path, { query });
    const runs = runsAnswer.parse(data).check_runs;
    const suite = runs.find((run) => run.id === id)?.check_suite?.id;
    const run = Math.max(1, runs.filter((each) => each.id <= id && each.check_suite?.id === suite).length);
    counted.set(key, run);
    return { ...check, run };
  }

  async function reply(request: ReplyRequest): Promise<void> {
    const connection = connectionOf(request.repository);
    if (await isAnswered(connection, request)) return;
    const body = withKey(request.text, request.key);
    try {
      if (request.thread === null) {
        const path = at`/repos/${connection.owner}/${connection.name}/issues/${request.number}/comments`;
        await connection.send('comment on a pull request', 'POST', path, { body });
      } else {
        await connection.mutate('answer in a thread', replyMutation, { thread: request.thread, body });
      }
    } catch (thrown) {
      if (!(thrown instanceof OpusError && thrown.code === 'forge.unreachable')) throw thrown;
      if (!(await isAnswered(connection, request))) throw thrown;
    }
  }

  async function isAnswered(connection: GithubConnection, { number, thread, key }: ReplyRequest): Promise<boolean> {
    const { owner, name } = connection;
    const found =
      thread === null
        ? pullAnswer.parse(await connection.query('look for an answer', answeredQueries.pull, { owner, name, number }))
            .repository
        : threadAnswer.parse(await connection.query('look for an answer', answeredQueries.thread, { thread }));
    if (!found?.node) {
      throw new OpusError(
        'forge.not-found',
        `There is no ${thread === null ? `pull request #${number}` : 'such thread'} in ${connection.repo} any more.`,
      );
    }
    return (found.node.comments?.nodes ?? []).some(
      (comment) => comment?.viewerDidAuthor === true && keyIn(comment.body) === key,
    );
  }

  async function mayWrite(repository: RepositoryAddress, login: string): Promise<boolean> {
    const connection = connectionOf(repository);
    const key = `${connection.host} ${connection.repo} ${login.toLowerCase()}`;
    const now = connection.clock.now();
    const known = writers.get(key);
    if (known !== undefined && now >= known.at && now - known.at < hour) return known.may;
    const may = await canWrite(connection, login);
    writers.set(key, { may, at: now });
    return may;
  }

  return {
    observe,
    failureOf: (repository, check) => checkFailure(connectionOf(repository), check),
    rerun: (repository, check) => rerunCheck(connectionOf(repository), check),
    reply,
    async resolve(repository, thread) {
      await connectionOf(repository).mutate('resolve a thread', resolveMutation, { thread });
    },
    merge: (request) => mergePull(connectionOf(request.repository), request),
    calls,
    self: () => connectionOf({ name }).tokens.login(),
    markReady: (repository, number) => markReady(connectionOf(repository), number),
    mayWrite,
  };
}

async function markReady(connection: GithubConnection, number: number): Promise<void> {
  const path = at`/repos/${connection.owner}/${connection.name}/pulls/${number}`;
  const { draft, node_id: pull } = draftAnswer.parse((await connection.get('read a pull request', path)).data);
  if (draft === true) await connection.mutate('make a draft ready', readyMutation, { pull });
}

async function canWrite(connection: GithubConnection, login: string): Promise<boolean> {
  const path = at`/repos/${connection.owner}/${connection.name}/collaborators/${login}/permission`;
  try {
    const { data } = await connection.get('see what a person may do', path);
    // A role of one's own making tells as `permission` what it is built on.
    const { permission, role_name: role } = permissionAnswer.parse(data);
    return [permission, role].some((one) => one === 'admin' || one === 'maintain' || one === 'write');
  } catch (thrown) {
    if (thrown instanceof OpusError && thrown.code === 'forge.not-found') return false;
    throw thrown;
  }
}
