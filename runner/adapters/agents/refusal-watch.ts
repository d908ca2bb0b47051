import type { AgentEvent } from '#shared/domain/agent-event.ts';
import type { GatewayAccess, GatewayRefusal } from '../../core/ports/gateway.ts';

const lookMs = 250;

export interface RefusalWatch {
  /** Aborted when the agent has been refused and nothing came of it since. */
  readonly signal: AbortSignal;
  saw(event: AgentEvent): void;
  stop(): void;
}

/**
 * CLIs repeat for minutes, some without a word, what the gateway will refuse each time. A tool that runs is waited for,
 * and a limit that stands for one model only is none where another has answered since.
 */
export function watchRefusals(gateway: GatewayAccess, graceMs: number): RefusalWatch {
  const controller = new AbortController();
  const tools = new Set<string>();
  let refused: { readonly since: number; readonly refusal: GatewayRefusal } | null = null;
  let progressAt = 0;
  let answeredAt = 0;
  const timer = setInterval(() => {
    const now = Date.now();
    const refusal = gateway.refusal();
    if (refusal === null) refused = null;
    else if (refused?.refusal.kind !== refusal.kind) refused = { since: now, refusal };
    if (refused === null || tools.size > 0) return;
    if (refused.refusal.kind === 'usage-limit' && answeredAt > refused.since) return;
    if (now - Math.max(refused.since, progressAt) >= graceMs) controller.abort();
  }, lookMs);
  return {
    signal: controller.signal,
    saw(event) {
      if (event.kind === 'rate-limit' || event.kind === 'session') return;
      progressAt = Date.now();
      if (event.kind === 'tool-call' || event.kind === 'usage') answeredAt = progressAt;
      if (event.kind === 'tool-call') tools.add(event.id);
      if (event.kind === 'tool-result') tools.delete(event.id);
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}
