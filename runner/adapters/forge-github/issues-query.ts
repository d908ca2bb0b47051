import * as z from 'zod/mini';
import type { ObservedIssue } from '../../core/ports/forge-desk.ts';
import { keyIn } from './comment-key.ts';

const actor = z.nullish(z.object({ __typename: z.string(), login: z.string() }));

const issueAnswer = z.object({
  number: z.int(),
  url: z.string(),
  state: z.string(),
  title: z.string(),
  body: z.string(),
  author: actor,
  comments: z.object({
    nodes: z.nullish(
      z.array(
        z.nullable(
          z.object({
            id: z.string(),
            author: actor,
            body: z.string(),
            createdAt: z.string(),
            viewerDidAuthor: z.boolean(),
          }),
        ),
      ),
    ),
  }),
});
const answer = z.object({ repository: z.nullish(z.record(z.string(), z.nullish(issueAnswer))) });

/** One query for all of these issues, each under its own name. */
export function issuesQuery(numbers: readonly number[]): string {
  const issues = numbers.map(
    (number) => `i${number}: issue(number: ${number}) {
      number url state title body author { __typename login }
      comments(last: 50) { nodes { id author { __typename login } body createdAt viewerDidAuthor } }
    }`,
  );
  return `query observeIssues($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    ${issues.join('\n')}
  }
}`;
}

export function readIssues(data: unknown): ObservedIssue[] {
  const found = Object.values(answer.parse(data).repository ?? {});
  return found.flatMap((issue) => {
    if (!issue) return [];
    const comments = (issue.comments.nodes ?? []).flatMap((node) => {
      if (node === null) return [];
      const { id, author, body, createdAt, viewerDidAuthor } = node;
      return {
        id,
        author: author?.login ?? 'ghost',
        isBot: author?.__typename === 'Bot',
        body,
        context: null,
        key: viewerDidAuthor ? keyIn(body) : null,
        at: Date.parse(createdAt),
      };
    });
    const { number, url, title, body, author } = issue;
    const state = issue.state === 'OPEN' ? ('open' as const) : ('closed' as const);
    return { number, url, state, title, body, author: author?.login ?? 'ghost', comments };
  });
}
