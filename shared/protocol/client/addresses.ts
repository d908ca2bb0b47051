import { OpusError } from '../../domain/errors.ts';
import { rpcPath } from '../version.ts';
import { wirePath } from '../wire.ts';

/** Where a runner is reached: its WebSocket, and where single calls are posted. */
export interface RunnerAddresses {
  readonly websocket: string;
  readonly rpc: string;
  /** As a person would write it: the dashboard's. */
  readonly base: string;
}

const shape = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)([^?#]*)(?:[?#].*)?$/iu;
const hostAndPort = /^([\p{L}\p{N}](?:[\p{L}\p{N}._-]*[\p{L}\p{N}])?\.?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/iu;
const example = 'Write it as in http://127.0.0.1:7717 or https://runner.example.com.';

/**
 * From what a person types or a pairing link says. Without a scheme, this machine is spoken to in the clear and every other
 * one by TLS, as the runner asks for it.
 */
export function runnerAddresses(typed: string): RunnerAddresses {
  const text = typed.trim();
  if (text === '') throw refused('The address of the runner is empty.');
  const [, scheme, authority = '', path = ''] = shape.exec(text) ?? [];
  if (/[\s\\]/.test(text) || authority === '') throw refused(`${quoted(text)} is no address of a runner.`);
  if (authority.includes('@')) {
    throw refused('The address of the runner names a user or a password, which it must not.');
  }
  const host = hostAndPort.exec(authority);
  if (!host?.[1] || Number(host[2] ?? 1) > 65_535 || Number(host[2] ?? 1) < 1) {
    throw refused(`${quoted(text)} is no address of a runner: ${quoted(authority)} is no name of a machine.`);
  }
  const isSecure = securityOf(scheme?.toLowerCase(), host[1]);
  if (isSecure === null) throw refused(`A runner is not reached by ${quoted(scheme ?? '')}.`);
  const prefix = path.replace(/\/+$/, '').replace(new RegExp(`(?:${wirePath}|${rpcPath})$`), '');
  const secure = isSecure ? 's' : '';
  const place = `${authority}${prefix}`;
  return {
    websocket: `ws${secure}://${place}${wirePath}`,
    rpc: `http${secure}://${place}${rpcPath}`,
    base: `http${secure}://${place}`,
  };
}

export function websocketAddress(typed: string): string {
  return runnerAddresses(typed).websocket;
}

/** What a link `obsidian://opus-orchestrator?url=…&code=…` carries, as Obsidian hands it over. */
export function parsePairingLink(params: Readonly<Record<string, string | undefined>>): {
  readonly address: string;
  readonly code: string;
} {
  const { url, code } = params;
  if (url === undefined || code === undefined || !/^[A-Za-z0-9-]{1,100}$/.test(code)) {
    throw new OpusError('config.usage', 'This is no whole pairing link.', {
      hint: 'Make a new one with `opus pair`, and open or copy all of it.',
    });
  }
  return { address: runnerAddresses(url).base, code };
}

function securityOf(scheme: string | undefined, host: string): boolean | null {
  switch (scheme) {
    case undefined:
      return !/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(host);
    case 'http':
    case 'ws':
      return false;
    case 'https':
    case 'wss':
      return true;
    default:
      return null;
  }
}

function refused(message: string): OpusError {
  return new OpusError('config.usage', message, { hint: example });
}

function quoted(text: string): string {
  return `"${text.length > 100 ? `${text.slice(0, 99)}…` : text}"`;
}
