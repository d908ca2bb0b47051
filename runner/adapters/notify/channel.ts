import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import type { NotifierConfig, SecretReference } from '../../core/configuration.ts';
import type { Clock } from '../../core/ports/clock.ts';

/** `use` says what the secret is for, in the error. */
export type ResolveSecret = (reference: SecretReference, use: string) => string;

export interface ChannelOptions {
  /** A name under `notify` in opus.yml. */
  readonly name: string;
  readonly config: NotifierConfig;
  readonly resolveSecret: ResolveSecret;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** Where and as whom to send now: secrets are read for every message, so that they can be replaced without a restart. */
export function resolveChannel({ name, config, resolveSecret }: ChannelOptions): {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
} {
  const secretOf = (reference: SecretReference, use: string): string => {
    try {
      return resolveSecret(reference, `${use} of the channel ${name}`);
    } catch (thrown) {
      // A secret that is missing can be put there, and what waits is told then.
      const error = toOpusError(thrown);
      throw new OpusError('notify.unreachable', error.message, error.hint === null ? {} : { hint: error.hint });
    }
  };
  const text = config.url.kind === 'plain' ? config.url.text : secretOf(config.url, 'the address');
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new OpusError('notify.refused', `The address of the channel ${name} is not a web address.`, {
      hint: `It must begin with https:// or http://; \`notify.${name}.url\` in opus.yml says where it is.`,
    });
  }
  const token = config.token === null ? null : secretOf(config.token, 'the token');
  if (token !== null && !/^[\x21-\x7e]+$/.test(token)) {
    throw new OpusError(
      'notify.refused',
      `The token of the channel ${name} holds characters that no header can carry.`,
      {
        hint: `Look at where \`notify.${name}.token\` in opus.yml points to.`,
      },
    );
  }
  return { url: new URL(text), headers: token === null ? {} : { authorization: `Bearer ${token}` } };
}
