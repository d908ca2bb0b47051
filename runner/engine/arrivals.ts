import type { Clock } from '../core/ports/clock.ts';
import type { JobRegistry } from '../core/ports/job-registry.ts';
import type { Log } from '../core/ports/log.ts';
import type { WebhookDelivery, WebhookReader } from '../core/ports/webhooks.ts';

export interface Arrivals {
  isExpected(): boolean;
  /** Refused is what was not signed by one who knows the secret. */
  take(delivery: WebhookDelivery): Promise<'taken' | 'refused'>;
  /** Deliveries since the start, by what became of them. */
  counts(): Readonly<Record<ArrivalOutcome, number>>;
  /** Nothing is told any more. */
  stop(): void;
}

export type ArrivalOutcome = 'news' | 'repeated' | 'elsewhere' | 'refused';

export interface ArrivalOptions {
  readonly reader: WebhookReader;
  readonly registry: Pick<JobRegistry, 'state' | 'setState'>;
  readonly clock: Clock;
  readonly log: Log;
  /** There is something new in this repository. */
  readonly news: (repository: string) => void;
  /** How long a burst is gathered; milliseconds. */
  readonly gatherMs?: number;
}

const idsKept = 1_000;
const minute = 60_000;
/** Of one repository, whatever is sent. */
const mostLooks = 20;

/**
 * Takes in what a forge sends. A delivery says only that it is worth looking; a burst is one look, an old delivery sent
 * again is none, and since looking finds all there is, neither their order nor one that is lost changes anything.
 */
export function createArrivals(options: ArrivalOptions): Arrivals {
  const { reader, registry, clock, log } = options;
  const known = new Set(idsIn(registry.state('webhook-deliveries')?.value));
  const counts: Record<ArrivalOutcome, number> = { news: 0, repeated: 0, elsewhere: 0, refused: 0 };
  const waiting = new Map<string, NodeJS.Timeout>();
  const looks = new Map<string, number[]>();
  let isStopped = false;

  function count(delivery: WebhookDelivery, outcome: ArrivalOutcome, repositories: readonly string[]): void {
    counts[outcome] += 1;
    const { id, event } = delivery;
    log.info({ delivery: id, event, outcome, repositories }, `A webhook ${event} came: ${outcome}.`);
  }

  function remember(id: string): void {
    known.add(id);
    const [oldest] = known;
    if (known.size > idsKept && oldest !== undefined) known.delete(oldest);
  }

  function tellSoon(repository: string): void {
    if (isStopped || waiting.has(repository)) return;
    const now = clock.now();
    const recent = (looks.get(repository) ?? []).filter((at) => at > now - minute && at <= now);
    const first = recent.length < mostLooks ? undefined : recent[0];
    const pause = Math.max(options.gatherMs ?? 250, first === undefined ? 0 : first + minute - now);
    const timer = setTimeout(() => {
      waiting.delete(repository);
      looks.set(repository, [...recent, clock.now()]);
      registry.setState('webhook-deliveries', [...known]);
      options.news(repository);
    }, pause);
    waiting.set(repository, timer);
  }

  return {
    isExpected: () => reader.isExpected(),
    async take(delivery) {
      const repositories = await reader.read(delivery);
      if (repositories === null) {
        count(delivery, 'refused', []);
        return 'refused';
      }
      const isRepeated = known.has(delivery.id);
      count(delivery, isRepeated ? 'repeated' : repositories.length === 0 ? 'elsewhere' : 'news', repositories);
      if (isRepeated || repositories.length === 0) return 'taken';
      remember(delivery.id);
      for (const repository of repositories) tellSoon(repository);
      return 'taken';
    },
    counts: () => ({ ...counts }),
    stop() {
      if (isStopped) return;
      isStopped = true;
      for (const timer of waiting.values()) clearTimeout(timer);
      waiting.clear();
      if (known.size > 0) registry.setState('webhook-deliveries', [...known]);
    },
  };
}

function idsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string').slice(-idsKept) : [];
}
