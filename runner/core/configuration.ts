import { defaultIdPattern } from '#shared/domain/ids.ts';
import type { NoteStatus, Priority } from '#shared/domain/feature-request.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { AgentProfile } from './ports/agent.ts';
import type { ModelProtocol } from './ports/gateway.ts';
import type { SandboxLimits } from './ports/sandbox.ts';

/** opus.yml as loaded: paths are absolute, durations milliseconds, sizes bytes, money US dollars, defaults filled in. */
export interface RunnerConfig {
  /** The file it was read from. */
  readonly file: string;
  /** The folder of that file. */
  readonly folder: string;
  /** How the commands of this installation are called in texts for people, e.g. `npx opus`. */
  readonly command: string;
  readonly version: 1;
  readonly vault: {
    /** Where the notes are; with `writer: plugin`, where what was brought of them is kept. */
    readonly path: string;
    /** By which Obsidian opens it. */
    readonly name: string;
    readonly writer: 'runner' | 'plugin';
    readonly git: { readonly remote: string; readonly branch: string; readonly interval: number } | null;
  };
  readonly repos: Readonly<Record<string, RepositoryConfig>>;
  /** The first repository of the file; meant by notes that name none. */
  readonly defaultRepository: string;
  readonly models: Readonly<Record<string, ModelConfig>>;
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl: string | null;
    readonly tls: { readonly certificate: string; readonly key: string } | null;
    readonly trustProxy: boolean;
  };
  readonly data: string;
  readonly engine: { readonly kind: 'embedded' } | { readonly kind: 'postgres'; readonly url: SecretReference };
  readonly sandbox: 'required' | 'preferred' | 'off';
  readonly trust: 'confirm' | 'auto';
  readonly concurrency: number;
  readonly polling: {
    readonly active: number;
    readonly idle: number;
    readonly debounce: number;
    readonly watch: boolean;
  };
  readonly limits: LimitsConfig;
  readonly retry: {
    readonly attempts: number;
    readonly base: number;
    readonly factor: number;
    readonly max: number;
    readonly crashes: number;
  };
  readonly timeouts: {
    readonly stage: number;
    readonly stall: number;
    readonly grace: number;
    readonly lease: number;
    readonly deleted: number;
  };
  readonly rounds: number;
  readonly scheduling: { readonly longestWait: number };
  readonly circuit: { readonly failures: number; readonly rest: number };
  readonly backup: { readonly every: number; readonly keep: number };
  readonly history: { readonly keep: number; readonly reports: number };
  readonly log: { readonly level: LogLevel; readonly size: number; readonly keep: number };
  /** Where people are told, by name. */
  readonly notify: Readonly<Record<string, NotifierConfig>>;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export interface NotifierConfig {
  readonly kind: 'webhook' | 'ntfy';
  readonly url: SecretReference | { readonly kind: 'plain'; readonly text: string };
  /** Sent as a bearer token. */
  readonly token: SecretReference | null;
}

export interface RepositoryConfig {
  /** An absolute path or a URL. */
  readonly url: string;
  readonly base: string;
  readonly forge: 'local' | 'github';
  /** Null when the repository needs none. */
  readonly setup: readonly string[] | null;
  /** Null when none is configured: nothing is tested then, and said so. */
  readonly test: readonly string[] | null;
  readonly network: readonly string[];
  /** Jobs at work at once; null means no limit of its own. */
  readonly concurrency: number | null;
  /** Filled by set-up, read by tests. `target` is absolute or relative to the worktree. */
  readonly cache: readonly { readonly source: string; readonly target: string }[];
  readonly env: Readonly<Record<string, string>>;
  readonly github: GithubConfig | null;
}

export interface GithubConfig {
  /** `owner/name`. */
  readonly repo: string;
  /** Null means github.com. */
  readonly api: string | null;
  readonly credentials:
    | { readonly kind: 'token'; readonly token: SecretReference }
    | { readonly kind: 'app'; readonly id: string; readonly key: SecretReference };
  /** What its webhooks are signed with; without one none are taken. */
  readonly webhook?: SecretReference;
}

export interface ModelConfig {
  readonly key: SecretReference | null;
  /** Null means the vendor's own. */
  readonly url: string | null;
  readonly protocol: ModelProtocol;
  /** Whether `key` is the long-lived token of a subscription. */
  readonly subscription: boolean;
  /** By model; these go before the known ones. */
  readonly prices: Readonly<Record<string, ModelPrices>>;
  /** What the subscription gives; null where it is not known. What the provider tells goes before it. */
  readonly window: { readonly tokens: number; readonly every: number } | null;
}

/** US dollars for a million tokens; what goes through a cache costs as other input where it has no price of its own. */
export interface ModelPrices {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
}

/** Ceilings; null means none. */
export interface LimitsConfig {
  readonly budget: number | null;
  readonly dailyBudget: number | null;
  /** The most tokens that one job may use. */
  readonly tokens: number | null;
  readonly dailyTokens: number | null;
  readonly network: readonly string[] | null;
  readonly drivers: readonly AgentProfile['driver'][] | null;
  /** Whether agent notes may name credential files. */
  readonly credentials: boolean;
  readonly autoMerge: boolean;
  readonly reviewQueue: number | null;
  /** Bytes that must be free for the data folder before a job starts. */
  readonly diskReserve: number;
  readonly sandbox: SandboxLimits;
}

/** Where a secret is, never the secret. */
export type SecretReference =
  { readonly kind: 'env'; readonly name: string } | { readonly kind: 'file'; readonly path: string };

export const notificationKinds = ['completion', 'failure', 'stuck', 'recovery', 'decision'] as const;
export type NotificationKind = (typeof notificationKinds)[number];

/** What to do, from the vault's 00_system/opus/config.md. */
export interface Policy {
  readonly dispatch: 'auto' | 'manual';
  readonly backlog: 'ask' | 'dispatch';
  /** FRs of this priority and above pause others; null means none does. */
  readonly preempt: Priority | null;
  /** Names of those who may decide at gates; empty means everybody. */
  readonly approvers: readonly string[];
  /** Whether a merge needs the approval of two people. */
  readonly fourEyes: boolean;
  /** When a merge needs nobody's approval, where opus.yml allows that. */
  readonly autoMerge: AutoMergePolicy;
  /** How pull requests are made and followed on a forge that has people and checks. */
  readonly pullRequests: PullRequestPolicy;
  /** By which name people speak to the runner on a forge, without the @. */
  readonly mention: string;
  /** Whether issues become notes; null means they do not. */
  readonly issues: IssuePolicy | null;
  /** Labels that follow the job, on its pull request and on its issue. */
  readonly labels: { readonly status: boolean; readonly agent: boolean };
  /** The board on which the job's status is shown; null for none. */
  readonly project: ProjectPolicy | null;
  /** In the order in which they run. */
  readonly stages: readonly Stage[];
  /** Null leaves it to opus.yml. */
  readonly rounds: number | null;
  readonly planApproval: boolean;
  /** Whether phrases such as "after FR-009" in a note's body are dependencies. */
  readonly bodyDependencies: boolean;
  /** What people are told of. */
  readonly notify: readonly NotificationKind[];
  readonly idPattern: string;
  /** Relative to the vault's root, without a slash at the end. */
  readonly folders: { readonly features: string; readonly reports: string };
}

export interface AutoMergePolicy {
  /** Of these priorities; none means never. A note's `auto_merge` may say no, and never yes. */
  readonly priorities: readonly Priority[];
  /** The least that the reviewer's confidence may be. */
  readonly confidence: number;
  /** The most lines that may be added and removed together. */
  readonly lines: number;
}

export interface IssuePolicy {
  /** Open issues with it become notes: who may label, may ask for work. */
  readonly label: string;
  /** Whether a comment in the issue follows the note's status. */
  readonly comment: boolean;
  /** Below the folder of features. */
  readonly folder: string;
  readonly status: 'idea' | 'planned';
}

export interface ProjectPolicy {
  /** A person or an organisation. */
  readonly owner: string;
  readonly number: number;
  /** A field of one choice. */
  readonly field: string;
  /** The choice for each status; one without stays as it is. */
  readonly values: Readonly<Partial<Record<NoteStatus, string>>>;
}

export interface PullRequestPolicy {
  readonly draft: boolean;
  readonly labels: readonly string[];
  /** Logins who are asked for a review. */
  readonly reviewers: readonly string[];
  /** Logins whose approving review on the forge is an approval. */
  readonly approvers: readonly string[];
  /** Logins who may steer although they have no write access. */
  readonly trusted: readonly string[];
  /** Whether a thread is resolved when its remark was answered with a commit. */
  readonly resolve: boolean;
  readonly method: 'merge' | 'squash' | 'rebase';
  /** Milliseconds without another remark before remarks are taken up. */
  readonly quiet: number;
  /** Fix rounds for failing checks, and rounds for remarks, before a person is asked. */
  readonly checkRounds: number;
  readonly remarkRounds: number;
}

export const defaultPolicy: Policy = {
  dispatch: 'auto',
  backlog: 'ask',
  preempt: 'P0',
  approvers: [],
  fourEyes: false,
  autoMerge: { priorities: [], confidence: 90, lines: 400 },
  pullRequests: {
    draft: false,
    labels: [],
    reviewers: [],
    approvers: [],
    trusted: [],
    resolve: true,
    method: 'merge',
    quiet: 30_000,
    checkRounds: 3,
    remarkRounds: 10,
  },
  mention: 'orchestrator',
  issues: null,
  labels: { status: false, agent: false },
  project: null,
  stages: ['plan', 'code', 'test', 'review', 'deliver', 'merge'],
  rounds: null,
  planApproval: false,
  bodyDependencies: false,
  notify: notificationKinds,
  idPattern: defaultIdPattern,
  folders: { features: '10_features', reports: '20_runs' },
};
