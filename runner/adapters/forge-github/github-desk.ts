import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { ForgeDesk, ForgeIssue, KeepComment, KeptLabels } from '../../core/ports/forge-desk.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { keyIn, withKey } from './comment-key.ts';
import { at, type GithubConnection } from './github-connection.ts';
import { issuesQuery, readIssues } from './issues-query.ts';
import { placeOnBoard } from './project-board.ts';

const issuesOfQuery = 50;
const mostPages = 10;

const issueAnswer = z.object({
  number: z.int(),
  html_url: z.string(),
  title: z.string(),
  body: z.nullish(z.string()),
  user: z.nullish(z.object({ login: z.string() })),
  pull_request: z.optional(z.unknown()),
});
const commentAnswer = z.object({
  id: z.int(),
  body: z.nullish(z.string()),
  user: z.nullish(z.object({ login: z.string() })),
});
const labelAnswer = z.object({ name: z.string() });
const refAnswer = z.object({ ref: z.string() });

/** Issues, comments, labels and boards of GitHub. */
export function createGithubDesk(
  connectionOf: (repository: Pick<RepositoryAddress, 'name'>) => GithubConnection,
): ForgeDesk {
  return {
    labelled: (repository, label) => labelled(connectionOf(repository), label),
    async issues(repository, numbers) {
      const connection = connectionOf(repository);
      const { owner, name } = connection;
      const wanted = [...new Set(numbers)];
      const all = [];
      for (let start = 0; start < wanted.length; start += issuesOfQuery) {
        const text = issuesQuery(wanted.slice(start, start + issuesOfQuery));
        all.push(...readIssues(await connection.query('observe issues', text, { owner, name })));
      }
      return all;
    },
    keepComment: (request) => keepComment(connectionOf(request.repository), request),
    setLabels: (repository, number, labels) => setLabels(connectionOf(repository), number, labels),
    place: (repository, number, place) => placeOnBoard(connectionOf(repository), number, place),
    async branches(repository, prefix) {
      const connection = connectionOf(repository);
      const path = `${at`/repos/${connection.owner}/${connection.name}`}/git/matching-refs/heads/${prefix}`;
      const { data } = await connection.get('list our branches', path);
      return z
        .array(z.unknown())
        .parse(data)
        .map((ref) => refAnswer.parse(ref).ref.replace(/^refs\/heads\//, ''));
    },
  };
}

async function labelled(connection: GithubConnection, label: string): Promise<ForgeIssue[]> {
  const path = at`/repos/${connection.owner}/${connection.name}/issues`;
  const all: ForgeIssue[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const query = { labels: label, state: 'open', per_page: 100, page };
    const { data } = await connection.get('list issues', path, { query, polled: true });
    const entries = z.array(issueAnswer).parse(data);
    // GitHub counts pull requests among the issues.
    all.push(...entries.filter((entry) => entry.pull_request === undefined).map(shownIssue));
    if (entries.length < 100) break;
  }
  return all;
}

function shownIssue({ number, html_url: url, title, body, user }: z.infer<typeof issueAnswer>): ForgeIssue {
  return { number, url, title, body: body ?? '', author: user?.login ?? 'ghost' };
}

async function keepComment(connection: GithubConnection, request: KeepComment): Promise<void> {
  const { owner, name } = connection;
  const body = withKey(request.text, request.key);
  const known = await ownComment(connection, request);
  if (known !== null) {
    if (known.body === body) return;
    await connection.send('update a comment', 'PATCH', at`/repos/${owner}/${name}/issues/comments/${known.id}`, {
      body,
    });
    return;
  }
  try {
    await connection.send('comment', 'POST', at`/repos/${owner}/${name}/issues/${request.number}/comments`, { body });
  } catch (thrown) {
    if (!(thrown instanceof OpusError && thrown.code === 'forge.unreachable')) throw thrown;
    if ((await ownComment(connection, request)) === null) throw thrown;
  }
}

/** Anybody may write our mark into a comment; only what we wrote ourselves is ours. */
async function ownComment(
  connection: GithubConnection,
  { number, key }: KeepComment,
): Promise<{ readonly id: number; readonly body: string } | null> {
  const path = at`/repos/${connection.owner}/${connection.name}/issues/${number}/comments`;
  const self = (await connection.tokens.login()).toLowerCase();
  for (const entry of await connection.list('look for a comment', path)) {
    const { id, body, user } = commentAnswer.parse(entry);
    if (user?.login.toLowerCase() === self && keyIn(body ?? '') === key) return { id, body: body ?? '' };
  }
  return null;
}

async function setLabels(connection: GithubConnection, number: number, { wanted, ours }: KeptLabels): Promise<void> {
  const path = at`/repos/${connection.owner}/${connection.name}/issues/${number}/labels`;
  const present = (await connection.list('read labels', path)).map((label) => labelAnswer.parse(label).name);
  const has = new Set(present.map((label) => label.toLowerCase()));
  const lacking = wanted.filter((label) => !has.has(label.toLowerCase()));
  // Labels that the repository has not are made by this.
  if (lacking.length > 0) await connection.send('add labels', 'POST', path, { labels: lacking });
  const keep = new Set(wanted.map((label) => label.toLowerCase()));
  const removable = new Set(ours.map((label) => label.toLowerCase()));
  for (const label of present) {
    if (!removable.has(label.toLowerCase()) || keep.has(label.toLowerCase())) continue;
    try {
      await connection.send('remove a label', 'DELETE', `${path}${at`/${label}`}`);
    } catch (thrown) {
      if (!(thrown instanceof OpusError && thrown.code === 'forge.not-found')) throw thrown;
    }
  }
}
