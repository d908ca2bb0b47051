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
  /** Waits a little for what providers are still answering, then cuts that. */
  close(): Promise<void>;
}

export interface OpenGateway {
  readonly job: string;
  readonly attempt: string;
  readonly agent: string;
  /** Names under `models` in opus.yml that may be reached; nothing else is. */
  readonly endpoints: readonly string[];
  /** What may be spent from now on, without what `onUsage` has told; asked again and again. Must not throw. */
  readonly left: () => Budget;
  /**
   * Called when a provider is asked, now and then while it answers, and at the end, which may come after the access was
   * closed: each time with all that is known of the response by then, in place of what was told before. Must not throw.
   */
  readonly onUsage: (record: UsageRecord) => void;
  /** The provider did not take the call after all: nothing is known of that response. Must not throw. */
  readonly onRefused: (id: string) => void;
}

/** Null means no limit; what is nothing or less is spent. Dollars count only where they are paid and known, tokens always. */
export interface Budget {
  readonly tokens: number | null;
  readonly dollars: number | null;
}

/** How much of a subscription's window was used when the provider answered. */
export interface WindowReading {
  readonly lengthMs: number;
  /** 1 is all of it. */
  readonly share: number;
  /** Milliseconds since the epoch; null when the provider does not say. */
  readonly resetsAt: number | null;
}

export interface UsageRecord {
  /** The response's own. */
  readonly id: string;
  /** Whether it goes on, so that another record of it follows. */
  readonly open: boolean;
  /** When the provider was asked. */
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
  /** Of the subscription, where the provider tells of them. */
  readonly windows: readonly WindowReading[];
}

export interface GatewayAccess {
  /** A unix socket that speaks HTTP; the sandbox puts it behind a port of its own loopback. */
  readonly socketPath: string;
  /** Where an endpoint is under that port: `/anthropic`. The provider's own paths follow. */
  pathOf(endpoint: string): string;
  /** Why the agent was refused last, where it was: the budget is spent, or the provider is at its limit. */
  refusal(): GatewayRefusal | null;
  /**
   * May be called twice; the agent's connections are cut. What a provider is answering is read to its end all the same,
   * for its count, within bounds; nobody waits for that.
   */
  close(): Promise<void>;
}

export type GatewayRefusal =
  | { readonly kind: 'budget'; readonly message: string }
  | { readonly kind: 'usage-limit'; readonly until: number | null; readonly message: string }
  | { readonly kind: 'credentials'; readonly message: string };
