import type { Clock } from '../../core/ports/clock.ts';
import type { GatewayRefusal, OpenGateway } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import type { CallBody } from './call-body.ts';
import type { Endpoint } from './endpoints.ts';
import { parsedJson } from './json-fields.ts';
import { providerWords, type ModelCall } from './model-call.ts';
import type { PriceOf } from './prices.ts';
import { outputOf, settledUsage, type Reading } from './reading.ts';
import { createRefusals, toldToAgent } from './refusals.ts';
import type { Route } from './routes.ts';
import { createSpending } from './spending.ts';
import { usageLimitInStream, usageLimitOf, type UsageLimit } from './usage-limits.ts';

export interface LedgerOptions {
  readonly request: OpenGateway;
  readonly priceOf: PriceOf;
  readonly clock: Clock;
  readonly log: Log;
}

type Begun = Pick<ModelCall, 'endpoint' | 'route' | 'body'>;

/** What one attempt may do, has done, and is refused. */
export interface Ledger {
  readonly isSpent: () => boolean;
  /** Notes the refusal; what the agent is told. */
  refuseForBudget(): string;
  /** What the agent is told where asking the provider again is of no use; null when it may. */
  standing(endpoint: Endpoint, route: Route, body: CallBody): string | null;
  begin(call: Begun): Pick<ModelCall, 'cut' | 'onProgress' | 'onEnd' | 'onRefusal'>;
  /** The call that `cut` belongs to is over, however it went. */
  end(cut: AbortSignal): void;
  /** Ends what is streaming. */
  cutAll(reason: string): void;
  refusal(): GatewayRefusal | null;
}

/** Prices are looked up anew when the output has grown by so many tokens. */
const priceEvery = 200;

export function createLedger({ request, priceOf, clock, log }: LedgerOptions): Ledger {
  const spending = createSpending(request.budget);
  const refusals = createRefusals();
  const running = new Map<AbortSignal, AbortController>();
  const keyOf = ({ endpoint, body }: Begun): string => `${endpoint.name} ${body.model ?? ''}`;

  const refuseForBudget = (): string => {
    const message = spending.message();
    refusals.set('budget', { kind: 'budget', message });
    return toldToAgent.budget;
  };
  const cutAll = (reason: string): void => {
    for (const controller of [...running.values()]) controller.abort(reason);
  };

  /** Notes a limit of the provider; what the agent is told instead where waiting for it is not its business. */
  const limited = (call: Begun, limit: UsageLimit, words: string | null): string | null => {
    const what = call.body.model === null ? '' : ` for ${call.body.model}`;
    const end = limit.until === null ? '' : `, until ${new Date(limit.until).toISOString()}`;
    const said = words === null ? '.' : `: ${words}`;
    const message = `The provider ${call.endpoint.name} is at its limit${what}${end}${said}`;
    refusals.set(keyOf(call), { kind: 'usage-limit', until: limit.until, message }, !limit.isShort);
    return limit.isShort ? null : toldToAgent['usage-limit'];
  };

  const counted = (call: Begun, reading: Reading): void => {
    const { endpoint, body } = call;
    const usage = settledUsage(reading, body.bytes);
    const at = clock.now();
    const model = reading.model ?? body.model;
    const cost = priceOf(endpoint, [reading.model, body.model], usage, at);
    spending.settle(reading, { tokens: usage.input + usage.output, dollars: cost });
    const estimated = !reading.isComplete;
    const subscription = endpoint.isSubscription;
    try {
      request.onUsage({ at, endpoint: endpoint.name, model: model ?? '', usage, cost, estimated, subscription });
    } catch (thrown) {
      log.error({ err: thrown, job: request.job }, 'What a model used could not be noted.');
    }
  };

  return {
    isSpent: spending.isSpent,
    refuseForBudget,
    standing: (endpoint, route, body) => {
      const standing = route.isModelCall ? refusals.standing(keyOf({ endpoint, route, body }), clock.now()) : null;
      return standing === null ? null : toldToAgent[standing.kind];
    },
    begin: (call) => {
      const cut = new AbortController();
      running.set(cut.signal, cut);
      const { endpoint, route, body } = call;
      let pricedAt = -1;
      let dollars: number | null = null;
      return {
        cut: cut.signal,
        onProgress: (reading) => {
          if (!route.isModelCall) return;
          const output = outputOf(reading);
          const input = reading.input ?? 0;
          if (request.budget.dollars !== null && (pricedAt < 0 || input + output >= pricedAt + priceEvery)) {
            pricedAt = input + output;
            const usage = { input, cacheRead: reading.cacheRead, cacheWrite: reading.cacheWrite, output };
            dollars = priceOf(endpoint, [reading.model, body.model], usage, clock.now());
          }
          spending.streaming(reading, { tokens: input + output, dollars });
          if (!spending.isOver()) return;
          // One that is counted has ended, or is about to.
          if (reading.isComplete) running.delete(cut.signal);
          if (running.size > 0) cutAll(refuseForBudget());
        },
        onEnd: (reading) => {
          if (!route.isModelCall) return;
          counted(call, reading);
          const limit = usageLimitInStream(reading.failure, clock.now());
          if (limit !== null) limited(call, limit, null);
          else if (reading.isComplete) refusals.clear(keyOf(call));
        },
        onRefusal: (answer) => {
          if (!route.isModelCall) return null;
          if (answer.status === 401 || answer.status === 403) {
            const hint = endpoint.isSubscription ? 'make a new token' : 'check the key';
            const message = `The provider ${endpoint.name} refuses the credential (${answer.status}): ${hint} that \`models.${endpoint.name}.key\` in opus.yml names.`;
            // The attempt keeps the key that it began with.
            refusals.set(keyOf(call), { kind: 'credentials', message }, true);
            return toldToAgent.credentials;
          }
          const limit = usageLimitOf(answer, clock.now());
          return limit === null ? null : limited(call, limit, providerWords(parsedJson(answer.body)));
        },
      };
    },
    end: (cut) => running.delete(cut),
    cutAll,
    refusal: refusals.last,
  };
}
