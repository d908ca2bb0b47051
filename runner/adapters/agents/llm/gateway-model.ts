import type { LanguageModel, streamText } from 'ai';
import type { GatewayAccess, ModelProtocol } from '../../../core/ports/gateway.ts';
import type { ModelName } from './model-name.ts';
import { socketFetch } from './socket-fetch.ts';

export interface GatewayModel {
  readonly model: LanguageModel;
  readonly maxOutputTokens?: number;
  readonly providerOptions: NonNullable<Parameters<typeof streamText>[0]['providerOptions']>;
}

/** Stands where the SDK insists on a key; the gateway puts the real one in. */
const noKey = 'none';

/** The SDK lets models that it does not know answer with 4,096 tokens, too few for a file; known ones keep their own limit. */
const anthropicOutputTokens = 16_000;

/** The model behind the attempt's socket. No key is in it, and no request of it leaves by another way. */
export async function gatewayModel(
  access: GatewayAccess,
  name: ModelName,
  protocol: ModelProtocol,
): Promise<GatewayModel> {
  const fetch = socketFetch(access.socketPath);
  const base = `http://gateway${access.pathOf(name.endpoint)}`;
  switch (protocol) {
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return {
        model: createAnthropic({ baseURL: `${base}/v1`, apiKey: noKey, fetch })(name.model),
        maxOutputTokens: anthropicOutputTokens,
        // Each step sends the whole conversation again; what was sent before is read from the cache.
        providerOptions: { anthropic: { cacheControl: { type: 'ephemeral' } } },
      };
    }
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return {
        model: createOpenAI({ baseURL: `${base}/v1`, apiKey: noKey, fetch })(name.model),
        // A conversation is kept here alone, and must not hang on what the provider keeps.
        providerOptions: { openai: { store: false } },
      };
    }
    case 'google': {
      const { createGoogleGenerativeAI } = await import('@ai-sdk/google');
      return {
        model: createGoogleGenerativeAI({ baseURL: `${base}/v1beta`, apiKey: noKey, fetch })(name.model),
        providerOptions: {},
      };
    }
    case 'openai-compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      const provider = createOpenAICompatible({
        name: name.endpoint,
        baseURL: `${base}/v1`,
        includeUsage: true,
        fetch,
      });
      return { model: provider(name.model), providerOptions: {} };
    }
  }
}
