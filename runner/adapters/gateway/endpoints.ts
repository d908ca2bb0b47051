import { OpusError } from '#shared/domain/errors.ts';
import type { ModelConfig, ModelPrices, SecretReference } from '../../core/configuration.ts';
import type { ModelProtocol } from '../../core/ports/gateway.ts';

/** A provider as one attempt reaches it. */
export interface Endpoint {
  readonly name: string;
  readonly protocol: ModelProtocol;
  /** What every call's path is put behind; without a slash at the end. */
  readonly base: string;
  /** Put into every request. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly secret: string | null;
  readonly isSubscription: boolean;
  readonly prices: Readonly<Record<string, ModelPrices>>;
  /** Null for the vendor's own. */
  readonly url: string | null;
}

/** Reads a secret, for the use that is named; throws `config.secret-missing`. */
export type ResolveSecret = (reference: SecretReference, use: string) => string;

const vendorAddresses: Readonly<Record<string, string>> = {
  anthropic: 'https://api.anthropic.com',
  openai: 'https://api.openai.com',
  google: 'https://generativelanguage.googleapis.com',
};

/** Tokens of a Claude subscription are told by how they begin; as a key they never work. */
const subscriptionToken = /^sk-ant-oat/;

export function openEndpoint(
  name: string,
  models: Readonly<Record<string, ModelConfig>>,
  resolveSecret: ResolveSecret,
): Endpoint {
  const model = Object.hasOwn(models, name) ? models[name] : undefined;
  const url = model?.url ?? vendorAddresses[name];
  if (model === undefined || url === undefined) {
    throw new OpusError('config.invalid', `There is no model endpoint ${name} that agents can be led to.`, {
      hint: `Write it into opus.yml: models: { ${name}: { key: env:…, url: https://… } }; anthropic, openai and google need no url.`,
    });
  }
  if (model.key === null && model.url === null) {
    throw new OpusError('config.secret-missing', `The model endpoint ${name} has no key.`, {
      hint: `Write into opus.yml where it is: models: { ${name}: { key: env:NAME } }`,
    });
  }
  const secret = model.key === null ? null : resolveSecret(model.key, `the model endpoint ${name}`);
  if (secret !== null && !/^[\x21-\x7e]+$/.test(secret)) {
    throw new OpusError('config.secret-missing', `The key of the model endpoint ${name} is no key.`, {
      hint: 'It is one word on one line. Look for a line break or a quote that went into it.',
    });
  }
  const isSubscription = model.subscription || (secret !== null && subscriptionToken.test(secret));
  return {
    name,
    protocol: model.protocol,
    base: baseAddress(model.protocol, url),
    credentials: secret === null ? {} : credentialsOf(model.protocol, secret, isSubscription),
    secret,
    isSubscription,
    prices: model.prices,
    url: model.url,
  };
}

/** People write it with and without the version. */
function baseAddress(protocol: ModelProtocol, url: string): string {
  const address = new URL(url);
  const path = address.pathname.replace(/\/+$/, '');
  switch (protocol) {
    case 'anthropic':
      return `${address.origin}${path.replace(/\/v1$/, '')}/v1`;
    case 'google':
      return `${address.origin}${path.replace(/\/v1(?:beta|alpha)?$/, '')}`;
    case 'openai':
    case 'openai-compatible':
      return `${address.origin}${path === '' ? '/v1' : path}`;
  }
}

function credentialsOf(protocol: ModelProtocol, secret: string, isSubscription: boolean): Record<string, string> {
  const bearer = { authorization: `Bearer ${secret}` };
  if (isSubscription || protocol === 'openai' || protocol === 'openai-compatible') return bearer;
  return protocol === 'anthropic' ? { 'x-api-key': secret } : { 'x-goog-api-key': secret };
}
