import { Refusal } from './refusal.ts';
import type { GitHubState } from './state.ts';

const hour = 3_600_000;

export interface Rate {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  readonly reset: number;
}

export type Resource = 'core' | 'graphql';

/** What each token may still ask in its hour. */
export class Quota {
  readonly #state: GitHubState;
  readonly #used = new Map<string, { used: number; readonly until: number }>();
  limit: number;

  constructor(state: GitHubState, limit: number) {
    this.#state = state;
    this.limit = limit;
  }

  rate(token: string, resource: Resource): Rate {
    const { used, until } = this.#window(token, resource);
    return { limit: this.limit, used, remaining: Math.max(0, this.limit - used), reset: Math.ceil(until / 1000) };
  }

  /** Sets what a token has left in this hour. */
  leave(token: string, remaining: number, resource: Resource = 'core'): void {
    this.#window(token, resource).used = this.limit - remaining;
  }

  /** A conditional request that finds nothing new is given back. */
  take(token: string, resource: Resource, points: number): void {
    this.#window(token, resource).used += points;
  }

  demand(token: string, resource: Resource, person: number): void {
    const rate = this.rate(token, resource);
    if (rate.remaining > 0) return;
    throw new Refusal(403, `API rate limit exceeded for user ID ${person}.`, {}, rateHeaders(rate, resource));
  }

  #window(token: string, resource: Resource): { used: number; readonly until: number } {
    const key = `${resource} ${token}`;
    const known = this.#used.get(key);
    if (known !== undefined && known.until > this.#state.now()) return known;
    const window = { used: 0, until: this.#state.now() + hour };
    this.#used.set(key, window);
    return window;
  }
}

export function rateHeaders(rate: Rate, resource: Resource): Record<string, string> {
  return {
    'x-ratelimit-limit': String(rate.limit),
    'x-ratelimit-remaining': String(rate.remaining),
    'x-ratelimit-used': String(rate.used),
    'x-ratelimit-reset': String(rate.reset),
    'x-ratelimit-resource': resource,
  };
}
