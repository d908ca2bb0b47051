import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { AgentStage } from '#shared/domain/stage.ts';
import type { AgentEvent } from '#shared/domain/agent-event.ts';
import type { GatewayAccess } from './gateway.ts';
import type { Tree } from './worktrees.ts';
import type { SandboxLimits } from './sandbox.ts';

/** One kind of agent. A driver returns outcomes and never rejects; aborting `signal` ends every process of the run first. */
export interface AgentDriver {
  run(request: AgentRequest): Promise<AgentOutcome>;
}

/** An agent note, as confirmed. */
export interface AgentProfile {
  readonly name: string;
  /** Path relative to the vault. */
  readonly path: string;
  readonly stages: readonly AgentStage[];
  readonly driver: 'claude' | 'codex' | 'opencode' | 'gemini' | 'acp' | 'command' | 'llm';
  readonly command: readonly string[];
  readonly model: string | Readonly<Record<string, string>> | null;
  readonly timeoutMs: number | null;
  readonly stallMs: number | null;
  /** Names under `models` in opus.yml; empty leaves it to the driver and the model. */
  readonly endpoints: readonly string[];
  /** Jobs that this agent works on at once; null means no limit of its own. */
  readonly concurrency: number | null;
  /** Tools that the agent may use, by its own names; absent or empty means its usual ones. */
  readonly tools?: readonly string[];
  /** Files with a login of its own, of which each run has a copy; absent where the gateway holds its credential. */
  readonly credentials?: readonly CredentialFile[];
  readonly reads: readonly string[];
  readonly network: readonly string[];
  readonly env: readonly string[];
  readonly skills: readonly string[];
  readonly constraints: string;
  readonly match: string | null;
  /** Works only for requests whose note names it. */
  readonly onlyNamed?: boolean;
  /** The prompt template (Liquid). */
  readonly template: string;
}

export interface CredentialFile {
  /** Absolute, or from `~/` on; below the runner's home. */
  readonly file: string;
  /** Whether what the agent renews in its copy is kept. */
  readonly refresh: boolean;
}

export interface AgentRequest {
  readonly profile: AgentProfile;
  readonly job: string;
  readonly featureRequest: string;
  readonly stage: AgentStage;
  readonly attempt: number;
  /** Counts from 0. */
  readonly round: number;
  readonly prompt: string;
  readonly model: string;
  readonly tree: Tree;
  readonly treeMode: 'read-only' | 'read-write';
  /** A folder of the runner, private to this attempt, empty at the start: prompt, result and out folder live in it. */
  readonly attemptFolder: string;
  /** A folder of the runner for this job and agent, kept from attempt to attempt: what resuming a conversation needs. */
  readonly stateFolder: string;
  /** Kept as OPUS_PLAN_FILE when there is a plan. */
  readonly plan: string | null;
  readonly logFile: string;
  readonly timeoutMs: number;
  readonly stallMs: number;
  readonly limits: SandboxLimits;
  readonly hidden: readonly string[];
  readonly signal: AbortSignal;
  /** The conversation to go on with; null begins one. A driver that cannot resume it begins afresh with the whole context. */
  readonly session: string | null;
  /** The way to the models; null for a driver that was given none. */
  readonly gateway: GatewayAccess | null;
  /** What the agent does, as it does it; must not throw. */
  readonly onEvent?: (event: AgentEvent) => void;
  readonly onOutput?: (text: string) => void;
}

export interface AgentReport {
  readonly durationMs: number;
  readonly exitCode: number | null;
  readonly tail: string;
  readonly refusedHosts: readonly string[];
  /** By which the conversation can be resumed; null when it cannot. */
  readonly session: string | null;
}

export type AgentOutcome =
  /** `result` is the parsed JSON as the agent wrote it; null when it wrote none (only `test` may). */
  | { readonly kind: 'finished'; readonly result: unknown; readonly report: AgentReport }
  /** The agent asks a person, and goes on with the answer. */
  | { readonly kind: 'asked'; readonly question: string; readonly report: AgentReport }
  | { readonly kind: 'failed'; readonly error: ErrorSummary; readonly report: AgentReport }
  | { readonly kind: 'canceled'; readonly report: AgentReport };

/** What a driver returns as `result` when the agent's file was there and was not JSON, so that it can be asked for once more. */
export class MalformedJson {
  readonly problem: string;
  constructor(problem: string) {
    this.problem = problem;
  }
}
