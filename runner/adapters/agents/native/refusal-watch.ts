import type { GatewayAccess } from '../../../core/ports/gateway.ts';

const lookMs = 250;

export interface RefusalWatch {
  /** Aborted when the agent has been refused and nothing came of it since. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** CLIs repeat for minutes, some without a word, what the gateway will refuse each time. */
export function watchRefusals(
  gateway: GatewayAccess,
  options: { readonly graceMs: number; readonly lastProgress: () => number },
): RefusalWatch {
  const controller = new AbortController();
  let since: number | null = null;
  const timer = setInterval(() => {
    if (gateway.refusal() === null) {
      since = null;
      return;
    }
    since ??= Date.now();
    const quietSince = Math.max(since, options.lastProgress());
    if (Date.now() - quietSince >= options.graceMs) controller.abort();
  }, lookMs);
  return {
    signal: controller.signal,
    stop: () => {
      clearInterval(timer);
    },
  };
}
