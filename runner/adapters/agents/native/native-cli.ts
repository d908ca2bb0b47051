import type { AgentEvent, TokenUsage } from '#shared/domain/agent-event.ts';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import type { JsonObject } from '../json-values.ts';

export type NativeKind = 'claude' | 'codex' | 'opencode' | 'gemini';

/** One CLI: how it is called, and how its events are read. */
export interface NativeCli {
  readonly kind: NativeKind;
  /** In sentences. */
  readonly title: string;
  /** Below HOME: where it keeps its conversations. Nothing else of HOME outlives a run. */
  readonly conversations: string;
  invocation(context: InvocationContext): Invocation;
  /** For one run. `before` is what the conversation had used when it was left; null when that is not known. */
  reader(options: { readonly resumed: boolean; readonly before: TokenUsage | null }): EventReader;
  /** Whether it ended so because it does not know the conversation. */
  isUnknownSession(exitCode: number | null, printed: string): boolean;
  /** The HTTP status that its exit code stands for. */
  statusOfExit?(exitCode: number): number | null;
}

export interface InvocationContext {
  readonly request: AgentRequest;
  /** The conversation to go on with. */
  readonly session: string | null;
  /** Null for an agent that has a login of its own, and finds its model by that. */
  readonly model: WayToModel | null;
  /** The agent's HOME. */
  readonly home: string;
  /** Where the agent may write beside its tree. */
  readonly work: string;
}

export interface WayToModel {
  /** The name under `models` in opus.yml by which the model is reached. */
  readonly endpoint: string;
  /** Where that is: `http://127.0.0.1:4100/anthropic`. */
  readonly baseUrl: string;
  /** Stands where a key is asked for; the gateway puts the real one in. */
  readonly key: string;
}

export interface Invocation {
  /** After the program. The prompt comes by standard input. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Written below HOME before the run. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface EventReader {
  /** What an event says, nothing included; null when its type is not known. */
  read(event: JsonObject): readonly AgentEvent[] | null;
  /** What the agent said of its end, after its last event. */
  ending(): CliEnding;
}

export interface CliEnding {
  /** Null when it did not say. */
  readonly ok: boolean | null;
  /** The last words of the model. */
  readonly text: string;
  readonly problem: string | null;
  /** The HTTP status that it failed with. */
  readonly status: number | null;
  /** What the conversation has used in all its runs, where the agent counts so. */
  readonly totals: TokenUsage | null;
}
