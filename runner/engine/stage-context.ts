import type { FeatureRequestNote } from '#shared/domain/feature-request.ts';
import type { Evidence } from '#shared/domain/evidence.ts';
import type { RepositoryConfig, Policy, RunnerConfig } from '../core/configuration.ts';
import type { AgentDriver, AgentProfile } from '../core/ports/agent.ts';
import type { Circuits } from '../core/ports/circuits.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Gateway } from '../core/ports/gateway.ts';
import type { ForgeDesk } from '../core/ports/forge-desk.ts';
import type { Forge } from '../core/ports/forge.ts';
import type { Attempt, Job, JobRegistry } from '../core/ports/job-registry.ts';
import type { Log } from '../core/ports/log.ts';
import type { PromptRenderer } from '../core/ports/prompt-renderer.ts';
import type { Sandbox, SandboxLimits, SandboxProbe } from '../core/ports/sandbox.ts';
import type { Vault } from '../core/ports/vault.ts';
import type { PullRequests } from '../core/ports/pull-requests.ts';
import type { RepositoryAddress, Worktrees } from '../core/ports/worktrees.ts';
import type { Feedback } from '../core/pipeline/position.ts';
import type { LiveOutput } from './live-output.ts';

/** Everything that stages need from outside, by port. */
export interface EngineDependencies {
  readonly config: RunnerConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: JobRegistry;
  readonly vault: Vault;
  readonly worktrees: Worktrees;
  readonly sandbox: Sandbox;
  readonly sandboxState: SandboxProbe;
  readonly prompts: PromptRenderer;
  /** Keyed by the driver's name in agent notes. */
  readonly drivers: ReadonlyMap<string, AgentDriver>;
  forgeOf(repository: string): Forge;
  /** Null where nothing happens to pull requests by itself. */
  pullRequestsOf(repository: string): PullRequests | null;
  /** Null where a forge has no issues and the like. */
  deskOf(repository: string): ForgeDesk | null;
  /** Policy and profiles as confirmed, read anew for each use. */
  confirmed(): ConfirmedNotes;
  /** Names this process in attempts. */
  readonly owner: string;
  /** Bounded, safe file writes and folders of an attempt. */
  readonly files: AttemptFiles;
  /** The way to models; null where opus.yml names none. */
  readonly gateway: Gateway | null;
  readonly circuits: Circuits;
  /** Bytes free for the data folder; null where that cannot be told. */
  freeBytes(): number | null;
  /** What happens in attempts, as it happens. */
  readonly live: LiveOutput;
  /** Live progress for the terminal; must not throw. */
  readonly progress: (line: ProgressLine) => void;
}

export interface ConfirmedNotes {
  readonly policy: Policy;
  readonly profiles: readonly AgentProfile[];
  readonly reviewRules: readonly { readonly name: string; readonly text: string }[];
  readonly memory: readonly { readonly name: string; readonly text: string }[];
}

export interface AttemptFiles {
  /** Makes an empty private folder for the attempt and returns its path. */
  folder(job: string, attempt: string): Promise<string>;
  /** Kept from attempt to attempt of one agent on one job. */
  stateFolder(job: string, agent: string): Promise<string>;
  logFile(job: string, attempt: string): string;
  removeJob(job: string): Promise<void>;
  /** Jobs of which there are folders of attempts. */
  jobs(): Promise<string[]>;
}

export interface ProgressLine {
  readonly job: string;
  readonly stage: string;
  readonly round: number;
  readonly kind: 'started' | 'ended' | 'output' | 'note';
  readonly text: string;
}

/** One attempt at a stage, as the stage functions see it. */
export interface StageRun {
  readonly job: Job;
  readonly attempt: Attempt;
  readonly featureRequest: FeatureRequestNote;
  readonly feedback: readonly Feedback[];
  readonly repository: RepositoryAddress;
  readonly repositoryConfig: RepositoryConfig;
  readonly limits: SandboxLimits;
  readonly signal: AbortSignal;
}

/** What a stage came to. A stage rejects with OpusError for what went wrong; a test or review that says no is an outcome. */
export interface StageOutcome {
  readonly status: 'passed' | 'rejected' | 'canceled';
  /** One line for the terminal and the report. */
  readonly sentence: string;
  readonly result: unknown;
  readonly commit?: string;
  readonly evidence?: readonly Evidence[];
  readonly refusedHosts?: readonly string[];
  readonly jobFields?: Partial<Omit<Job, 'id' | 'createdAt'>>;
}
