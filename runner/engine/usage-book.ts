import type { ModelConfig } from '../core/configuration.ts';
import type { OpenGateway, UsageRecord } from '../core/ports/gateway.ts';
import type { JobRegistry, RegistryReader, UsageEntry } from '../core/ports/job-registry.ts';
import { useWindows, windowsNow, type WindowNow, type WindowStates } from '../core/usage-windows.ts';

export interface UsageBook {
  readonly registry: Pick<JobRegistry, 'recordUsage' | 'dropUsage' | 'state' | 'setState'>;
  readonly models: () => Readonly<Record<string, ModelConfig>>;
  readonly about: Pick<UsageEntry, 'jobId' | 'attemptId' | 'agent'>;
}

/** Keeps what responses take, as it becomes known, with what they take of a subscription's windows. */
export function keepUsage({ registry, models, about }: UsageBook): Pick<OpenGateway, 'onUsage' | 'onRefused'> {
  function sharesOf(record: UsageRecord): UsageEntry['shares'] {
    if (record.open || !record.subscription) return [];
    const { endpoint, at, windows, usage } = record;
    const before = windowStates(registry);
    const given = Object.hasOwn(models(), endpoint) ? (models()[endpoint]?.window ?? null) : null;
    const { states, shares } = useWindows(before, { endpoint, at, windows, tokens: usage.input + usage.output }, given);
    if (shares.length > 0 || windows.length > 0) registry.setState('usage-windows', states);
    return shares;
  }
  return {
    onUsage: (record) => {
      registry.recordUsage({ ...about, ...record, shares: sharesOf(record) });
    },
    onRefused: (id) => {
      registry.dropUsage(id);
    },
  };
}

function windowStates(registry: Pick<RegistryReader, 'state'>): WindowStates {
  return (registry.state('usage-windows')?.value ?? {}) as WindowStates;
}

/** How full the subscriptions' windows are, as far as it is known. */
export function subscriptionWindows(registry: Pick<RegistryReader, 'state'>, now: number): readonly WindowNow[] {
  return windowsNow(windowStates(registry), now);
}
