import {
  Agent as PlainAgent,
  request as plainRequest,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';

/** Connections to providers, kept for all attempts. */
export interface Connections {
  readonly plain: PlainAgent;
  readonly secure: SecureAgent;
  readonly connectMs: number;
  /** How long a provider may be silent. */
  readonly idleMs: number;
}

export function createConnections(options: { readonly connectMs?: number; readonly idleMs?: number }): Connections {
  return {
    plain: new PlainAgent({ keepAlive: true }),
    secure: new SecureAgent({ keepAlive: true, rejectUnauthorized: true }),
    connectMs: options.connectMs ?? 20_000,
    idleMs: options.idleMs ?? 10 * 60_000,
  };
}

export interface ProviderRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  /** Aborting ends it. */
  readonly signal: AbortSignal;
}

/** The provider's answer, whatever its status; redirects are answers. */
export async function askProvider(connections: Connections, request: ProviderRequest): Promise<IncomingMessage> {
  try {
    return await ask(connections, request, false);
  } catch (thrown) {
    if (!(thrown instanceof StaleConnection)) throw thrown;
    return ask(connections, request, true);
  }
}

/** The provider had closed a connection that was kept: it never saw the request. */
class StaleConnection extends Error {}

function ask(connections: Connections, asked: ProviderRequest, onNewConnection: boolean): Promise<IncomingMessage> {
  const { url, method, headers, body, signal } = asked;
  const isSecure = url.startsWith('https:');
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers: { ...headers, ...(method === 'GET' ? {} : { 'content-length': body.length }) },
      maxHeaderSize: 64 * 1024,
      signal,
      timeout: connections.idleMs,
    };
    const request: ClientRequest = isSecure
      ? secureRequest(url, {
          ...options,
          agent: onNewConnection ? false : connections.secure,
          rejectUnauthorized: true,
        })
      : plainRequest(url, { ...options, agent: onNewConnection ? false : connections.plain });
    limitConnecting(request, connections.connectMs);
    request.once('timeout', () => request.destroy(new Error('it is silent')));
    request.once('response', resolve);
    request.once('error', (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') && !signal.aborted;
      reject(isStale && !onNewConnection ? new StaleConnection(error.message) : error);
    });
    request.end(method === 'GET' ? undefined : body);
  });
}

function limitConnecting(request: ClientRequest, connectMs: number): void {
  request.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => request.destroy(new Error('it does not answer')), connectMs);
    const done = (): void => {
      clearTimeout(timer);
    };
    socket.once('connect', done);
    socket.once('close', done);
  });
}

/** The system's word, such as ECONNREFUSED; its sentences can hold what nobody outside is to know. */
export function reasonOf(thrown: unknown): string {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : null;
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  return thrown instanceof Error && /^it [a-z ]+$/.test(thrown.message) ? thrown.message : 'the connection failed';
}
