import type { TokenUsage } from '#shared/domain/agent-event.ts';

/** How a provider's HTTP interface speaks. */
export type ModelProtocol = 'anthropic' | 'openai' | 'openai-compatible' | 'google';

/**
 * The one way to a model. It holds the credentials, adds them to what an agent asks, counts the tokens of each response as
 * it streams, and cuts the stream when the budget is spent. An agent never sees a key.
 */
export interface Gateway {
  /** A way for one attempt, until it is closed. Rejects with `config.secret-missing` when a credential is not there. */
  open(request: OpenGateway): Promise<GatewayAccess>;
  close(): Promise<void>;
}

export interface OpenGateway {
  readonly job: string;
  readonly attempt: string;
  readonly agent: string;
  /** Names under `models` in opus.yml that may be reached; nothing else is. */
  readonly endpoints: readonly string[];
  /** What may still be spent; null means no limit. Dollars count only where the price is known, tokens always. */
  readonly budget: { readonly tokens: number | null; readonly dollars: number | null };
  /** Called once for each response, also for one that was cut or dropped: with what is known by then. Must not throw. */
  readonly onUsage: (record: UsageRecord) => void;
}

export interface UsageRecord {
  readonly at: number;
  readonly endpoint: string;
  /** As the provider named it. */
  readonly model: string;
  readonly usage: TokenUsage;
  /** US dollars; null when the price is not known. */
  readonly cost: number | null;
  /**
   * Whether the response ended before the provider counted it: the output is a rough count of what had streamed by then,
   * and the input, where it had not been told, one of what was sent.
   */
  readonly estimated: boolean;
  /** Whether the credential is a subscription's, so that `cost` is not what is paid. */
  readonly subscription: boolean;
}

export interface GatewayAccess {
  /** A unix socket that speaks HTTP; the sandbox puts it behind a port of its own loopback. */
  readonly socketPath: string;
  /** Where an endpoint is under that port: `/anthropic`. The provider's own paths follow. */
  pathOf(endpoint: string): string;
  /** Why the agent was refused last, where it was: the budget is spent, or the provider is at its limit. */
  refusal(): GatewayRefusal | null;
  /** May be called twice; connections are cut. */
  close(): Promise<void>;
}

export type GatewayRefusal =
  | { readonly kind: 'budget'; readonly message: string }
  | { readonly kind: 'usage-limit'; readonly until: number | null; readonly message: string }
  | { readonly kind: 'credentials'; readonly message: string };
