import { Counter, Gauge, type Registry } from 'prom-client';

/** What forges allow and what was asked of them, as their answers tell it. Since the start: nothing of it is kept. */
export interface ForgeUse {
  quota(quota: {
    readonly host: string;
    readonly resource: string;
    readonly limit: number;
    readonly remaining: number;
    readonly resetAt: number;
  }): void;
  call(call: { readonly operation: string; readonly status: number | null }): void;
  register(registry: Registry): void;
}

export function createForgeUse(): ForgeUse {
  const labelNames = ['host', 'resource'] as const;
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers: [] });
  const remaining = gauge('opus_forge_calls_remaining', 'Calls that a forge still allows until its reset.');
  const limit = gauge('opus_forge_calls_limit', 'Calls that a forge allows between two resets.');
  const reset = gauge('opus_forge_calls_reset_seconds', 'When a forge allows all calls again, since the epoch.');
  const calls = new Counter({
    name: 'opus_forge_calls_total',
    help: 'Calls of forges since the start, by what they were for; status 0 where no answer came.',
    labelNames: ['operation', 'status'],
    registers: [],
  });
  return {
    quota({ host, resource, ...told }) {
      remaining.set({ host, resource }, told.remaining);
      limit.set({ host, resource }, told.limit);
      reset.set({ host, resource }, told.resetAt / 1_000);
    },
    call({ operation, status }) {
      calls.inc({ operation, status: String(status ?? 0) });
    },
    register(registry) {
      for (const metric of [remaining, limit, reset]) registry.registerMetric(metric);
      registry.registerMetric(calls);
    },
  };
}
