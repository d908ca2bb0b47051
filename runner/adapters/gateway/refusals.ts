import type { GatewayRefusal } from '../../core/ports/gateway.ts';

/**
 * What the agent is told, in fixed words: OpenCode tries again for ever where a message holds a number such as 429 or 500,
 * or words such as "rate limit", "exhausted" or "try again", wherever in it they stand.
 */
export const toldToAgent: Readonly<Record<GatewayRefusal['kind'], string>> = {
  budget: 'The budget for this run is spent. The run ends here.',
  'usage-limit': 'The account for this model is used up for now. The run ends here.',
  credentials: 'The credential for this model is refused. The run ends here.',
};

/** Why the provider, or the budget, refuses. A model that answers again is refused no longer. */
export interface Refusals {
  readonly last: () => GatewayRefusal | null;
  /** `key` names what is refused; `stands` says that asking again before its end is of no use. */
  set(key: string, refusal: GatewayRefusal, stands?: boolean): void;
  clear(key: string): void;
  /** What asking again is of no use against: a limit whose end has not come, a credential that was refused. */
  standing(key: string, now: number): GatewayRefusal | null;
}

export function createRefusals(): Refusals {
  const refusals = new Map<string, { readonly refusal: GatewayRefusal; readonly stands: boolean }>();
  return {
    last: () => [...refusals.values()].at(-1)?.refusal ?? null,
    set: (key, refusal, stands = false) => {
      refusals.delete(key);
      refusals.set(key, { refusal, stands });
    },
    clear: (key) => refusals.delete(key),
    standing: (key, now) => {
      const held = refusals.get(key);
      if (held?.stands !== true) return null;
      const { refusal } = held;
      const isOver = refusal.kind === 'usage-limit' && (refusal.until === null || refusal.until <= now);
      return isOver ? null : refusal;
    },
  };
}
