import type { GatewayAccess, ModelProtocol } from '../../../core/ports/gateway.ts';

export interface ModelEnvironmentOptions {
  readonly gateway: GatewayAccess;
  /** The port of the sandbox's own loopback behind which the gateway is. */
  readonly port: number;
  /** Names under `models` in opus.yml, the first one first. */
  readonly endpoints: readonly string[];
  readonly protocolOf: (endpoint: string) => ModelProtocol | null;
  /** Empty when the note names none. */
  readonly model: string;
}

export interface ModelEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** For the note's command: `model_url` and `model_key`. */
  readonly placeholders: Readonly<Record<string, string>>;
}

/** Stands where a key is asked for; the gateway puts the real one in. */
const key = 'opus-gateway';

const names: Readonly<Record<ModelProtocol, { readonly url: string; readonly key: string; readonly model: string }>> = {
  anthropic: { url: 'ANTHROPIC_BASE_URL', key: 'ANTHROPIC_API_KEY', model: 'ANTHROPIC_MODEL' },
  openai: { url: 'OPENAI_BASE_URL', key: 'OPENAI_API_KEY', model: 'OPENAI_MODEL' },
  'openai-compatible': { url: 'OPENAI_BASE_URL', key: 'OPENAI_API_KEY', model: 'OPENAI_MODEL' },
  google: { url: 'GOOGLE_GEMINI_BASE_URL', key: 'GEMINI_API_KEY', model: 'GEMINI_MODEL' },
};

/** What most agents and vendors' libraries look for; the first endpoint of a kind has its names, and the first of all the model. */
export function modelEnvironment(options: ModelEnvironmentOptions): ModelEnvironment {
  const env: Record<string, string> = {};
  const [first] = options.endpoints;
  for (const endpoint of options.endpoints) {
    const protocol = options.protocolOf(endpoint) ?? 'openai-compatible';
    const { url, key: keyName, model } = names[protocol];
    if (url in env) continue;
    env[url] = `${baseUrl(options, endpoint)}${protocol.startsWith('openai') ? '/v1' : ''}`;
    env[keyName] = key;
    if (endpoint === first && options.model !== '') env[model] = plainModel(options.model, endpoint);
  }
  return {
    env,
    placeholders: { model_url: first === undefined ? '' : baseUrl(options, first), model_key: key },
  };
}

function baseUrl({ gateway, port }: ModelEnvironmentOptions, endpoint: string): string {
  return `http://127.0.0.1:${port}${gateway.pathOf(endpoint)}`;
}

/** A note may name the endpoint with the model, as in `house/small`. */
export function plainModel(model: string, endpoint: string | undefined): string {
  return endpoint !== undefined && model.startsWith(`${endpoint}/`) ? model.slice(endpoint.length + 1) : model;
}
