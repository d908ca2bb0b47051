import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { OpusError } from '#shared/domain/errors.ts';
import { Refusal } from './refusals.ts';

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];
/** Where the plugin runs, on a desktop, an iPhone and Android. They need a token as everybody does. */
const originsOfObsidian = ['app://obsidian.md', 'capacitor://localhost', 'http://localhost'];
const everyAddress = ['0.0.0.0', '::'];

export interface CallerCheck {
  /**
   * Throws unless the request names this server. A page of a stranger whose name was made to lead here (DNS rebinding)
   * sends that name; a page elsewhere that posts here sends its origin.
   */
  refuseStrangers(request: IncomingMessage): void;
  /** From this machine and by no proxy: what is not secret may be told without a token. */
  isLocal(request: IncomingMessage): boolean;
}

export function createCallerCheck(options: { readonly host: string; readonly publicUrl: string | null }): CallerCheck {
  const publicUrl = options.publicUrl === null ? null : new URL(options.publicUrl);
  const names = new Set([...loopbackNames, bracketed(options.host.toLowerCase())]);
  if (publicUrl) names.add(publicUrl.hostname);
  const openToAll = everyAddress.includes(options.host);

  function isKnown(name: string): boolean {
    // An address is nobody's name, so it cannot have been made to lead here.
    return names.has(name) || (openToAll && isIP(name.replace(/^\[|\]$/g, '')) !== 0);
  }

  return {
    refuseStrangers(request) {
      const host = hostOf(request);
      if (host === null || !isKnown(host.hostname)) {
        throw refused('The request names a host that this runner does not go by.', {
          hint: 'Write the address by which the runner is reached as server.publicUrl in opus.yml.',
        });
      }
      const { origin } = request.headers;
      if (origin === undefined) return;
      const own = [`http://${host.host}`, `https://${host.host}`, ...(publicUrl ? [publicUrl.origin] : [])];
      if ([...own, ...originsOfObsidian].includes(origin.toLowerCase())) return;
      throw refused('The request comes from a page of another origin.');
    },
    isLocal(request) {
      const { headers, socket } = request;
      const passedOn = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];
      if (passedOn.some((name) => headers[name] !== undefined)) return false;
      const name = hostOf(request)?.hostname;
      return name !== undefined && loopbackNames.includes(name) && isLoopback(socket.remoteAddress ?? '');
    },
  };
}

function refused(message: string, options: { readonly hint?: string } = {}): Refusal {
  return new Refusal(403, new OpusError('protocol.unauthorized', message, options));
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
