import type { BareRepository } from './bare-repository.ts';

export type Role = 'read' | 'triage' | 'write' | 'maintain' | 'admin';

export interface Person {
  readonly id: number;
  readonly login: string;
  readonly type: 'User' | 'Organization' | 'Bot';
}

/** What a branch's protection asks for; direct pushes to a protected branch are refused. */
export interface Protection {
  readonly requiredChecks: readonly string[];
  /** The head must have all of the base. */
  readonly strict: boolean;
  readonly requiredApprovals: number;
  readonly enforceAdmins: boolean;
  readonly conversationResolution: boolean;
}

export interface Comment {
  readonly id: number;
  readonly author: string;
  readonly at: number;
  body: string;
  updatedAt: number;
}

export interface ReviewComment extends Comment {
  readonly review: number;
  readonly commit: string;
  readonly path: string;
  readonly line: number | null;
  readonly diffHunk: string;
  readonly inReplyTo: number | null;
}

export interface ReviewThread {
  readonly id: number;
  readonly path: string;
  readonly line: number | null;
  readonly commit: string;
  readonly comments: ReviewComment[];
  resolvedBy: string | null;
}

export type ReviewState = 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING';

export interface Review {
  readonly id: number;
  readonly author: string;
  readonly commit: string;
  readonly at: number;
  state: ReviewState;
  body: string;
}

export interface Label {
  readonly id: number;
  readonly name: string;
  color: string;
  description: string | null;
}

interface Conversation {
  readonly repository: Repository;
  readonly id: number;
  readonly number: number;
  readonly author: string;
  readonly createdAt: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  updatedAt: number;
  closedAt: number | null;
  closedBy: string | null;
  readonly labels: Set<string>;
  readonly assignees: Set<string>;
  readonly comments: Comment[];
}

export interface Issue extends Conversation {
  readonly kind: 'issue';
  stateReason: 'completed' | 'not_planned' | 'reopened' | 'duplicate' | null;
  readonly subIssues: number[];
}

export interface Pull extends Conversation {
  readonly kind: 'pull';
  /** Null when a fork was deleted. */
  readonly headRepository: Repository;
  readonly headRef: string;
  /** What the branch had when it was last there. */
  headCommit: string;
  isHeadGone: boolean;
  baseRef: string;
  isDraft: boolean;
  mergedAt: number | null;
  mergedBy: string | null;
  mergeCommit: string | null;
  /** The base's commit when it ended. */
  endBase: string | null;
  readonly requestedReviewers: Set<string>;
  readonly reviews: Review[];
  readonly threads: ReviewThread[];
}

export type Conclusion =
  'success' | 'failure' | 'neutral' | 'cancelled' | 'skipped' | 'timed_out' | 'action_required' | 'stale';

export interface JobStep {
  readonly name: string;
  readonly conclusion: Conclusion;
  /** Without times; they are put before each line when it is served. A function makes it while it is sent. */
  readonly log: string | (() => Iterable<string>);
}

export interface CheckRun {
  readonly id: number;
  readonly name: string;
  readonly commit: string;
  readonly suite: number;
  readonly attempt: number;
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: Conclusion | null;
  startedAt: number;
  completedAt: number | null;
  title: string | null;
  summary: string | null;
  text: string | null;
  /** Null for a check of another App than Actions. */
  readonly workflowRun: number | null;
  detailsUrl: string | null;
  externalId: string;
  steps: readonly JobStep[];
}

export interface WorkflowRun {
  readonly id: number;
  readonly workflow: string;
  readonly commit: string;
  readonly branch: string | null;
  readonly suite: number;
  readonly number: number;
  attempt: number;
}

export interface CommitStatus {
  readonly id: number;
  readonly commit: string;
  readonly context: string;
  readonly state: 'error' | 'failure' | 'pending' | 'success';
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly author: string;
  readonly at: number;
}

export interface Repository {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly bare: BareRepository;
  readonly forkOf: Repository | null;
  readonly createdAt: number;
  isPrivate: boolean;
  isArchived: boolean;
  defaultBranch: string;
  allowMerge: boolean;
  allowSquash: boolean;
  allowRebase: boolean;
  deleteBranchOnMerge: boolean;
  readonly roles: Map<string, Role>;
  readonly protections: Map<string, Protection>;
  readonly labels: Map<string, Label>;
  readonly items: Map<number, Issue | Pull>;
  checkRuns: CheckRun[];
  readonly workflowRuns: WorkflowRun[];
  readonly statuses: CommitStatus[];
  readonly hooks: { readonly id: number; readonly url: string; readonly events: readonly string[] }[];
  /** The branches as last seen; a difference to the folder is a push. */
  knownBranches: ReadonlyMap<string, string>;
}

export interface Token {
  readonly value: string;
  readonly login: string;
  readonly kind: 'classic' | 'fine-grained' | 'installation';
  /** Of a classic token. */
  readonly scopes: ReadonlySet<string>;
  /** Of the others: `pull_requests: write`. */
  readonly permissions: ReadonlyMap<string, 'read' | 'write'>;
  /** `owner/name`; null is all. */
  readonly repositories: ReadonlySet<string> | null;
  readonly expiresAt: number | null;
  isRevoked: boolean;
}

export interface App {
  readonly id: number;
  readonly slug: string;
  readonly publicKey: string;
  readonly installation: number;
  readonly account: string;
  readonly permissions: Readonly<Record<string, 'read' | 'write'>>;
  readonly repositories: readonly string[] | null;
}
