import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModel, streamText } from 'ai';
import { OpusError } from '#shared/domain/errors.ts';
import type { GatewayAccess, ModelProtocol } from '../../../core/ports/gateway.ts';
import { socketFetch } from './socket-fetch.ts';

/** The endpoints of opus.yml by name, as far as a driver needs them. */
export type ModelEndpoints = Readonly<Record<string, { readonly protocol: ModelProtocol }>>;

export interface ModelName {
  readonly endpoint: string;
  readonly model: string;
}

export interface GatewayModel {
  readonly model: LanguageModel;
  readonly maxOutputTokens?: number;
  readonly providerOptions: NonNullable<Parameters<typeof streamText>[0]['providerOptions']>;
}

/** Stands where the SDK insists on a key; the gateway puts the real one in. */
const noKey = 'none';

/** The SDK lets models that it does not know answer with 4,096 tokens, too few for a file; known ones keep their own limit. */
const anthropicOutputTokens = 16_000;

/** `endpoint/model`; the model's own name may hold slashes. `where` says who named it. Rejects with `vault.agent-invalid`. */
export function parseModelName(text: string, endpoints: ModelEndpoints, where: string): ModelName {
  const names = Object.keys(endpoints);
  if (names.length === 0) {
    throw new OpusError('vault.agent-invalid', `${where} needs a model, and opus.yml names no endpoint of models.`, {
      hint: 'Write into opus.yml, for example: models: { anthropic: { key: env:ANTHROPIC_API_KEY } }',
    });
  }
  const known = `Endpoints in opus.yml: ${names.join(', ')}.`;
  const [, endpoint = '', model = ''] = /^([^/]+)\/(.+)$/s.exec(text.trim()) ?? [];
  if (endpoint === '' || model === '') {
    const what = text.trim() === '' ? 'names no model' : `names the model "${text}" without its endpoint`;
    throw new OpusError('vault.agent-invalid', `${where} ${what}.`, {
      hint: `Write it as endpoint/model, for example ${names[0] ?? 'anthropic'}/${text.trim() || 'a-model'}. ${known}`,
    });
  }
  if (!Object.hasOwn(endpoints, endpoint)) {
    throw new OpusError('vault.agent-invalid', `${where} names the endpoint "${endpoint}", which is not in opus.yml.`, {
      hint: `${known} Another is added there under models.`,
    });
  }
  return { endpoint, model };
}

/** The model behind the attempt's socket. No key is in it, and no request of it leaves by another way. */
export function gatewayModel(access: GatewayAccess, name: ModelName, protocol: ModelProtocol): GatewayModel {
  const fetch = socketFetch(access.socketPath);
  const base = `http://gateway${access.pathOf(name.endpoint)}`;
  switch (protocol) {
    case 'anthropic':
      return {
        model: createAnthropic({ baseURL: `${base}/v1`, apiKey: noKey, fetch })(name.model),
        maxOutputTokens: anthropicOutputTokens,
        // Each step sends the whole conversation again; what was sent before is read from the cache.
        providerOptions: { anthropic: { cacheControl: { type: 'ephemeral' } } },
      };
    case 'openai':
      return {
        model: createOpenAI({ baseURL: `${base}/v1`, apiKey: noKey, fetch })(name.model),
        // A conversation is kept here alone, and must not hang on what the provider keeps.
        providerOptions: { openai: { store: false } },
      };
    case 'google':
      return {
        model: createGoogleGenerativeAI({ baseURL: `${base}/v1beta`, apiKey: noKey, fetch })(name.model),
        providerOptions: {},
      };
    case 'openai-compatible': {
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
