import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { OpusError } from '#shared/domain/errors.ts';
import { Refusal } from './refusals.ts';

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];
const everyAddress = ['0.0.0.0', '::'];

export interface CallerCheck {
  /**
   * Throws unless the request names this server. A page of a stranger whose name was made to lead here (DNS rebinding)
   * sends that name; a page elsewhere that posts here sends its origin.
   */
  refuseStrangers(request: IncomingMessage): void;
  /** From this machine and by no proxy: what is not secret may be told without a token. */
  isLocal(request: IncomingMessage): boolean;
  hasToken(request: IncomingMessage): boolean;
  refuseWithoutToken(request: IncomingMessage): void;
}

export function createCallerCheck(options: {
  readonly host: string;
  readonly publicUrl: string | null;
  readonly token: string;
}): CallerCheck {
  const publicUrl = options.publicUrl === null ? null : new URL(options.publicUrl);
  const names = new Set([...loopbackNames, bracketed(options.host.toLowerCase())]);
  if (publicUrl) names.add(publicUrl.hostname);
  const openToAll = everyAddress.includes(options.host);
  const expected = digest(`Bearer ${options.token}`);

  function isKnown(name: string): boolean {
    // An address is nobody's name, so it cannot have been made to lead here.
    return names.has(name) || (openToAll && isIP(name.replace(/^\[|\]$/g, '')) !== 0);
  }

  function hasToken(request: IncomingMessage): boolean {
    return timingSafeEqual(digest(request.headers.authorization ?? ''), expected);
  }

  return {
    refuseStrangers(request) {
      const host = hostOf(request);
      if (host === null || !isKnown(host.hostname)) {
        throw refused(403, 'The request names a host that this runner does not go by.', {
          hint: 'Write the address by which the runner is reached as server.publicUrl in opus.yml.',
        });
      }
      const { origin } = request.headers;
      if (origin === undefined) return;
      const own = [`http://${host.host}`, `https://${host.host}`, ...(publicUrl ? [publicUrl.origin] : [])];
      if (own.includes(origin.toLowerCase())) return;
      throw refused(403, 'The request comes from a page of another origin.');
    },
    isLocal(request) {
      const { headers, socket } = request;
      const passedOn = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];
      if (passedOn.some((name) => headers[name] !== undefined)) return false;
      const name = hostOf(request)?.hostname;
      return name !== undefined && loopbackNames.includes(name) && isLoopback(socket.remoteAddress ?? '');
    },
    hasToken,
    refuseWithoutToken(request) {
      if (hasToken(request)) return;
      throw refused(401, 'This needs the token of the running service.', {
        hint: 'The command line takes it from service.json in the data folder.',
      });
    },
  };
}

function refused(status: 401 | 403, message: string, options: { readonly hint?: string } = {}): Refusal {
  return new Refusal(status, new OpusError('protocol.unauthorized', message, options));
}

/** Digests have one length, so that comparing tells nothing of the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function hostOf(request: IncomingMessage): URL | null {
  const host = request.headers.host ?? '';
  return /^[a-z0-9.[\]:_-]+$/i.test(host) ? URL.parse(`http://${host}`) : null;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
