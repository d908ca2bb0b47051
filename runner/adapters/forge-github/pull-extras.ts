import * as z from 'zod/mini';
import type { OpenPullRequest } from '../../core/ports/forge.ts';
import { at, type GithubConnection } from './github-connection.ts';
import type { PullAnswer } from './pull-answer.ts';

const reviewAnswer = z.object({ user: z.nullish(z.object({ login: z.string() })) });

/** Labels and reviewers that are still lacking, whatever of them an earlier, interrupted try had added. */
export async function addExtras(
  connection: GithubConnection,
  pull: PullAnswer,
  request: OpenPullRequest,
): Promise<void> {
  const { owner, name } = connection;
  const has = new Set((pull.labels ?? []).map((label) => label.name.toLowerCase()));
  const labels = (request.labels ?? []).filter((label) => !has.has(label.toLowerCase()));
  if (labels.length > 0) {
    const path = at`/repos/${owner}/${name}/issues/${pull.number}/labels`;
    await connection.send('label a pull request', 'POST', path, { labels });
  }
  await addReviewers(connection, pull, request.reviewers ?? []);
}

async function addReviewers(connection: GithubConnection, pull: PullAnswer, wanted: readonly string[]): Promise<void> {
  const { owner, name } = connection;
  const path = at`/repos/${owner}/${name}/pulls/${pull.number}`;
  const asked = new Set(
    [
      pull.user?.login ?? '',
      ...(pull.requested_reviewers ?? []).map(({ login }) => login),
      ...(pull.requested_teams ?? []).map(({ slug }) => `/${slug}`),
    ].map((one) => one.toLowerCase()),
  );
  const lacking = wanted.filter((one) => !asked.has(one.replace(/^[^/]+\//, '/').toLowerCase()));
  if (lacking.length === 0) return;
  const reviews = await connection.list('see who reviewed', `${path}/reviews`);
  const done = new Set(reviews.map((review) => reviewAnswer.parse(review).user?.login.toLowerCase()));
  const left = lacking.filter((one) => !done.has(one.toLowerCase()));
  const teams = left.filter((one) => one.includes('/')).map((one) => one.slice(one.indexOf('/') + 1));
  const people = left.filter((one) => !one.includes('/'));
  if (left.length === 0) return;
  await connection.send('ask for reviews', 'POST', `${path}/requested_reviewers`, {
    reviewers: people,
    team_reviewers: teams,
  });
}
