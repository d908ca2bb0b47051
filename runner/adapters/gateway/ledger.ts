import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import type { GatewayRefusal, OpenGateway } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import type { CallBody } from './call-body.ts';
import type { Endpoint } from './endpoints.ts';
import { parsedJson } from './json-fields.ts';
import { providerWords, type ModelCall } from './model-call.ts';
import type { PriceOf } from './prices.ts';
import { newReading, outputOf, roughTokens, settledUsage, type Reading } from './reading.ts';
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
  begin(call: Begun): Pick<ModelCall, 'cut' | 'onProgress' | 'onEnd' | 'onNothing' | 'onRefusal'>;
  /** The call that `cut` belongs to is over, however it went. */
  end(cut: AbortSignal): void;
  /** Ends what is streaming. */
  readonly cutAll: (reason: string) => void;
  refusal(): GatewayRefusal | null;
}

/** Prices are looked up anew when the output has grown by so many tokens. */
const priceEvery = 200;
/** What streams is told so often, so that a runner that is killed leaves not much more untold. */
const tellEveryMs = 5_000;

export function createLedger({ request, priceOf, clock, log }: LedgerOptions): Ledger {
  const spending = createSpending(request.left);
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

  const noted = (note: () => void): void => {
    try {
      note();
    } catch (thrown) {
      log.error({ err: thrown, job: request.job }, 'What a model used could not be noted.');
    }
  };

  /** Tells what is known of one response. */
  const teller = (id: string, { endpoint, body }: Begun) => {
    const at = clock.now();
    const sent = roughTokens(body.bytes);
    const subscription = endpoint.isSubscription;
    return (reading: Reading, open: boolean): void => {
      const usage = settledUsage(reading, sent);
      const cost = priceOf(endpoint, [reading.model, body.model], usage, at);
      noted(() => {
        request.onUsage({
          ...{ id, open, at, endpoint: endpoint.name, model: reading.model ?? body.model ?? '', usage, cost },
          ...{ estimated: !reading.isComplete, subscription, windows: subscription ? reading.windows : [] },
        });
      });
      if (open) spending.told(id, { tokens: usage.input + usage.output, dollars: subscription ? null : cost });
      else spending.settle(id);
    };
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
      const id = randomUUID();
      const tell = route.isModelCall ? teller(id, call) : () => undefined;
      let toldAt = clock.now();
      let isInputTold = false;
      let pricedAt = -1;
      let dollars: number | null = null;
      tell(newReading(), true);
      return {
        cut: cut.signal,
        onProgress: (reading) => {
          if (!route.isModelCall) return;
          const output = outputOf(reading);
          const input = reading.input ?? 0;
          if (!endpoint.isSubscription && (pricedAt < 0 || input + output >= pricedAt + priceEvery)) {
            pricedAt = input + output;
            const usage = { input, cacheRead: reading.cacheRead, cacheWrite: reading.cacheWrite, output };
            dollars = priceOf(endpoint, [reading.model, body.model], usage, clock.now());
          }
          spending.streaming(id, { tokens: input + output, dollars });
          if (spending.isOver()) {
            // One that is counted has ended, or is about to.
            if (reading.isComplete) running.delete(cut.signal);
            if (running.size > 0) cutAll(refuseForBudget());
            return;
          }
          if (reading.isComplete) return;
          const isFirstCount = reading.input !== null && !isInputTold;
          const now = clock.now();
          if (!isFirstCount && now - toldAt < tellEveryMs && now >= toldAt) return;
          isInputTold ||= isFirstCount;
          toldAt = now;
          tell(reading, true);
        },
        onNothing: () => {
          if (!route.isModelCall) return;
          noted(() => {
            request.onRefused(id);
          });
          spending.settle(id);
        },
        onEnd: (reading) => {
          if (!route.isModelCall) return;
          tell(reading, false);
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
