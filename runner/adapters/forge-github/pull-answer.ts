import * as z from 'zod/mini';
import type { PullRequest } from '../../core/ports/forge.ts';

const person = z.nullish(z.object({ login: z.string() }));

const pullAnswer = z.object({
  number: z.int(),
  html_url: z.string(),
  state: z.enum(['open', 'closed']),
  draft: z.optional(z.boolean()),
  title: z.string(),
  body: z.nullish(z.string()),
  merged_at: z.nullish(z.string()),
  merge_commit_sha: z.nullish(z.string()),
  mergeable: z.nullish(z.boolean()),
  mergeable_state: z.optional(z.string()),
  user: person,
  head: z.object({
    ref: z.string(),
    sha: z.string(),
    repo: z.nullish(z.object({ full_name: z.string() })),
    user: person,
  }),
  base: z.object({ ref: z.string() }),
  labels: z.optional(z.array(z.object({ name: z.string() }))),
  requested_reviewers: z.nullish(z.array(z.object({ login: z.string() }))),
  requested_teams: z.nullish(z.array(z.object({ slug: z.string() }))),
});

/** A pull request as the REST API tells it. */
export type PullAnswer = z.infer<typeof pullAnswer>;

export function readPull(data: unknown): PullAnswer {
  return pullAnswer.parse(data);
}

export function isMerged(pull: PullAnswer): boolean {
  return typeof pull.merged_at === 'string';
}

export function shownPull(pull: PullAnswer): PullRequest {
  return {
    number: pull.number,
    url: pull.html_url,
    state: isMerged(pull) ? 'merged' : pull.state,
    head: pull.head.ref,
    base: pull.base.ref,
    commit: pull.head.sha,
    // Until it is merged, GitHub tells the commit of a merge that it only tried.
    mergeCommit: isMerged(pull) ? (pull.merge_commit_sha ?? null) : null,
  };
}
