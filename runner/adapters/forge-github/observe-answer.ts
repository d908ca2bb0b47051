import * as z from 'zod/mini';
import type {
  ObservedCheck,
  ObservedComment,
  ObservedPullRequest,
  ObservedReview,
  ObservedThread,
} from '../../core/ports/pull-requests.ts';
import { keyIn } from './comment-key.ts';

const actor = z.nullish(z.object({ __typename: z.string(), login: z.string() }));
const many = <Schema extends z.ZodMiniType>(schema: Schema) =>
  z.nullish(z.object({ nodes: z.nullish(z.array(z.nullable(schema))) }));

const comment = z.object({
  id: z.string(),
  author: actor,
  body: z.string(),
  createdAt: z.string(),
  viewerDidAuthor: z.boolean(),
  diffHunk: z.optional(z.string()),
});

const review = z.object({
  id: z.string(),
  author: actor,
  state: z.enum(['APPROVED', 'CHANGES_REQUESTED', 'COMMENTED', 'DISMISSED', 'PENDING']),
  commit: z.nullish(z.object({ oid: z.string() })),
  body: z.string(),
  submittedAt: z.nullish(z.string()),
  createdAt: z.string(),
});

const thread = z.object({
  id: z.string(),
  isResolved: z.boolean(),
  isOutdated: z.boolean(),
  path: z.nullish(z.string()),
  line: z.nullish(z.int()),
  comments: many(comment),
});

const check = z.discriminatedUnion('__typename', [
  z.object({
    __typename: z.literal('CheckRun'),
    databaseId: z.nullish(z.int()),
    name: z.string(),
    status: z.string(),
    conclusion: z.nullish(z.string()),
    detailsUrl: z.nullish(z.string()),
    title: z.nullish(z.string()),
    summary: z.nullish(z.string()),
    isRequired: z.boolean(),
  }),
  z.object({
    __typename: z.literal('StatusContext'),
    context: z.string(),
    state: z.string(),
    description: z.nullish(z.string()),
    targetUrl: z.nullish(z.string()),
    isRequired: z.boolean(),
  }),
]);

const pull = z.object({
  number: z.int(),
  url: z.string(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']),
  isDraft: z.boolean(),
  headRefName: z.string(),
  headRefOid: z.string(),
  headRef: z.nullish(z.object({})),
  baseRefName: z.string(),
  mergeable: z.string(),
  mergeStateStatus: z.string(),
  mergeCommit: z.nullish(z.object({ oid: z.string() })),
  mergedBy: actor,
  timelineItems: many(z.object({ actor: z.optional(actor) })),
  reviews: many(review),
  reviewThreads: many(thread),
  comments: many(comment),
  commits: many(
    z.object({
      commit: z.object({
        oid: z.string(),
        statusCheckRollup: z.nullish(z.object({ contexts: many(check) })),
      }),
    }),
  ),
});

const answer = z.object({ repository: z.nullable(z.record(z.string(), z.nullable(pull))) });

type Pull = z.infer<typeof pull>;
type Check = z.infer<typeof check>;

/** Those that are there, as the port tells them; null when the repository is not. */
export function readObserved(data: unknown): ObservedPullRequest[] | null {
  const { repository } = answer.parse(data);
  if (repository === null) return null;
  return Object.values(repository).flatMap((one) => (one === null ? [] : [observed(one)]));
}

function observed(one: Pull): ObservedPullRequest {
  const ended = one.mergedBy ?? present(one.timelineItems)[0]?.actor ?? null;
  const state = ({ OPEN: 'open', CLOSED: 'closed', MERGED: 'merged' } as const)[one.state];
  const last = present(one.commits)[0]?.commit;
  return {
    number: one.number,
    url: one.url,
    state,
    isDraft: one.isDraft,
    head: one.headRefName,
    headCommit: one.headRef ? one.headRefOid : null,
    base: one.baseRefName,
    mergeCommit: state === 'merged' ? (one.mergeCommit?.oid ?? null) : null,
    endedBy: state === 'open' || ended === null ? null : loginOf(ended),
    mergeable: one.mergeable === 'MERGEABLE' ? 'yes' : one.mergeable === 'CONFLICTING' ? 'conflicting' : 'unknown',
    // GitHub says so only where the base's protection asks for branches that are up to date.
    isBehind: one.mergeStateStatus === 'BEHIND' ? true : null,
    reviews: present(one.reviews).flatMap(observedReview),
    threads: present(one.reviewThreads).map(observedThread),
    comments: present(one.comments).map(observedComment),
    checks:
      last === undefined ? [] : present(last.statusCheckRollup?.contexts).map((each) => observedCheck(each, last.oid)),
  };
}

function observedReview(one: z.infer<typeof review>): ObservedReview[] {
  // Its author has not sent it yet.
  if (one.state === 'PENDING') return [];
  const state = (
    {
      APPROVED: 'approved',
      CHANGES_REQUESTED: 'changes-requested',
      COMMENTED: 'commented',
      DISMISSED: 'dismissed',
    } as const
  )[one.state];
  const at = Date.parse(one.submittedAt ?? one.createdAt);
  return [{ id: one.id, author: loginOf(one.author), state, commit: one.commit?.oid ?? null, body: one.body, at }];
}

function observedThread(one: z.infer<typeof thread>): ObservedThread {
  return {
    id: one.id,
    isResolved: one.isResolved,
    isOutdated: one.isOutdated,
    path: one.path ?? null,
    line: one.line ?? null,
    comments: present(one.comments).map(observedComment),
  };
}

function observedComment(one: z.infer<typeof comment>): ObservedComment {
  return {
    id: one.id,
    author: loginOf(one.author),
    isBot: one.author?.__typename === 'Bot',
    body: one.body,
    context: one.diffHunk ?? null,
    // Anyone can write such a mark; in others' comments it means nothing.
    key: one.viewerDidAuthor ? keyIn(one.body) : null,
    at: Date.parse(one.createdAt),
  };
}

function observedCheck(one: Check, commit: string): ObservedCheck {
  if (one.__typename === 'StatusContext') {
    const state =
      one.state === 'SUCCESS' ? 'passed' : one.state === 'FAILURE' || one.state === 'ERROR' ? 'failed' : 'pending';
    return {
      id: `status:${one.context}`,
      name: one.context,
      commit,
      state,
      isRequired: one.isRequired,
      run: 1,
      url: one.targetUrl ?? null,
      summary: short(one.description ?? ''),
    };
  }
  return {
    id: `check:${one.databaseId ?? one.name}`,
    name: one.name,
    commit,
    state: one.status === 'COMPLETED' ? concluded(one.conclusion ?? '') : 'pending',
    isRequired: one.isRequired,
    run: 1,
    url: one.detailsUrl ?? null,
    summary: short([one.title, one.summary].filter((part) => part).join(': ')),
  };
}

function concluded(conclusion: string): ObservedCheck['state'] {
  if (conclusion === 'SUCCESS' || conclusion === 'NEUTRAL') return 'passed';
  if (conclusion === 'SKIPPED' || conclusion === 'STALE') return 'skipped';
  // Somebody has to press a button there first.
  if (conclusion === 'ACTION_REQUIRED') return 'pending';
  return 'failed';
}

/** As the REST API spells it: there a program's name cannot be taken for a person's. */
function loginOf(one: z.infer<typeof actor>): string {
  if (one === null || one === undefined) return 'ghost';
  return one.__typename === 'Bot' && !one.login.endsWith('[bot]') ? `${one.login}[bot]` : one.login;
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 500 ? `${line.slice(0, 500)}…` : line;
}

function present<Node>(connection: { nodes?: readonly (Node | null)[] | null | undefined } | null | undefined): Node[] {
  return (connection?.nodes ?? []).filter((node) => node !== null);
}
