import type { TokenUsage } from '#shared/domain/agent-event.ts';

/** Times in milliseconds since the epoch, `until` excluded; of when a provider was asked. */
export interface UsageFilter {
  readonly jobId?: string;
  readonly since?: number;
  readonly until?: number;
}

/** What one model response took. */
export interface UsageEntry {
  /** The response's own. */
  readonly id: string;
  /** Whether it goes on. */
  readonly open: boolean;
  /** Null for a call outside of any job. */
  readonly jobId: string | null;
  readonly attemptId: string | null;
  readonly agent: string;
  readonly endpoint: string;
  readonly model: string;
  readonly at: number;
  readonly usage: TokenUsage;
  /** US dollars; null when the price is not known. */
  readonly cost: number | null;
  /** Whether a subscription paid for it, so that `cost` is what it would have been. */
  readonly subscription: boolean;
  /** Whether the provider's own count is not known. */
  readonly estimated: boolean;
  /** What it took of the windows of its subscription, where that is known. */
  readonly shares: readonly Pick<UsedShare, 'lengthMs' | 'share'>[];
}

/** A part of what a subscription gives for so long a time. */
export interface UsedShare {
  readonly endpoint: string;
  readonly lengthMs: number;
  /** 1 is all of it. */
  readonly share: number;
}

export interface UsageSum {
  readonly responses: number;
  /** How many of the responses the provider's own count is not known of. */
  readonly estimated: number;
  readonly usage: TokenUsage;
  /** US dollars, of the responses that are paid for and whose price is known. */
  readonly cost: number;
  /** Tokens of the responses that are paid for and whose price is not known. */
  readonly unpriced: number;
  /** Tokens of the responses that a subscription paid for. */
  readonly subscription: number;
  /** Of the subscriptions' windows, the shortest of each first; what is not known is left out. */
  readonly shares: readonly UsedShare[];
}

export interface UsageTotal extends UsageSum {
  readonly agent: string;
  readonly model: string;
}

export interface UsageGroup extends UsageSum {
  /** Null where it is of no job. */
  readonly key: string | null;
}
