import type { TokenUsage } from '#shared/domain/agent-event.ts';
import type { ModelPrices } from '../../core/configuration.ts';
import type { Endpoint } from './endpoints.ts';

/** US dollars for a response of the models so named, the first that has a price; null when none is known to have one. */
export type PriceOf = (
  endpoint: Endpoint,
  models: readonly (string | null)[],
  usage: TokenUsage,
  at: number,
) => number | null;

const vendors = ['anthropic', 'openai', 'google'];

/** The list is large, and only needed once an agent speaks to a model. */
export async function loadPrices(): Promise<PriceOf> {
  const { calcPrice, findProvider } = await import('@pydantic/genai-prices');
  return (endpoint, models, usage, at) => {
    const named = models.filter((model) => model !== null);
    for (const model of named) {
      const own = Object.hasOwn(endpoint.prices, model) ? endpoint.prices[model] : undefined;
      if (own !== undefined) return ownPrice(own, usage);
    }
    // A name alone says nothing: whoever serves a model of that name has prices of their own.
    const provider = vendors.includes(endpoint.name)
      ? endpoint.name
      : endpoint.url === null
        ? undefined
        : findProvider({ providerApiUrl: endpoint.url })?.id;
    if (provider === undefined) return null;
    for (const model of named) {
      const price = calcPrice(
        {
          input_tokens: usage.input,
          cache_read_tokens: usage.cacheRead,
          cache_write_tokens: usage.cacheWrite,
          output_tokens: usage.output,
        },
        model,
        { providerId: provider, timestamp: new Date(at) },
      );
      if (price !== null) return price.total_price;
    }
    return null;
  };
}

function ownPrice(prices: ModelPrices, usage: TokenUsage): number {
  const plain = usage.input - usage.cacheRead - usage.cacheWrite;
  const dollars =
    plain * prices.input +
    usage.cacheRead * (prices.cacheRead ?? prices.input) +
    usage.cacheWrite * (prices.cacheWrite ?? prices.input) +
    usage.output * prices.output;
  return dollars / 1_000_000;
}
