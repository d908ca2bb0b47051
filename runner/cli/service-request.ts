import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { OpusError } from '#shared/domain/errors.ts';
import { opusErrorOf } from '#shared/protocol/opus-error-of.ts';
import { rpcPath } from '#shared/protocol/version.ts';
import type { ServiceFile } from '../server/service-file.ts';

// Free of zod, and of TLS where none is spoken: what this file loads counts against the time of every command.

const mostBytes = 64_000_000;

export interface ServiceAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One call over a connection of its own. Rejects with `protocol.unreachable` when no answer comes, or with `signal`'s reason. */
export async function requestService(
  service: ServiceFile,
  body: unknown,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<ServiceAnswer> {
  const text = JSON.stringify(body);
  const send = await senderTo(service);
  const request = send(new URL(rpcPath, service.url), {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${service.token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    },
    ...(options.signal ? { signal: options.signal } : {}),
  });
  try {
    return await answerTo(request, text, options.timeoutMs);
  } catch (thrown) {
    options.signal?.throwIfAborted();
    if (thrown instanceof OpusError) throw thrown;
    throw unreachable(service, thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}

type Send = (url: URL, options: Parameters<typeof plainRequest>[1] & object) => ClientRequest;

/**
 * The lines of an answer as they come, each as JSON. Ends when the service ends it. Rejects with the service's own OpusError,
 * with `protocol.unreachable` where nothing comes for `timeoutMs`, or with `signal`'s reason.
 */
export async function* readServiceLines(
  service: ServiceFile,
  path: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): AsyncGenerator {
  const send = await senderTo(service);
  const { signal, timeoutMs } = options;
  const headers = { authorization: `Bearer ${service.token}` };
  const request = send(new URL(path, service.url), { method: 'GET', agent: false, headers, signal });
  try {
    const response = Promise.withResolvers<IncomingMessage>();
    request.on('error', response.reject).on('response', (answer: IncomingMessage) => {
      // It may break off before anybody reads; that is said below, by what is missing.
      answer.on('error', () => undefined);
      response.resolve(answer);
    });
    request.setTimeout(timeoutMs, () => {
      request.destroy(new Error(`nothing came within ${timeoutMs / 1000} s`));
    });
    request.end();
    const incoming = await response.promise;
    const { createInterface } = await import('node:readline');
    // It hands on what breaks off, also when nobody reads any more.
    const lines = createInterface({ input: incoming, crlfDelay: Infinity }).on('error', () => undefined);
    for await (const line of lines) {
      const message: unknown = JSON.parse(line);
      if (incoming.statusCode !== 200) throw refusalOf(message);
      yield message;
    }
    if (!incoming.complete) throw new Error('it broke off');
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof OpusError) throw thrown;
    throw unreachable(service, thrown instanceof Error ? thrown : new Error(String(thrown)));
  } finally {
    request.destroy();
  }
}

function refusalOf(body: unknown): OpusError {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  return opusErrorOf({ data: error });
}

async function senderTo(service: ServiceFile): Promise<Send> {
  return service.url.startsWith('https:') ? await pinned(service) : plainRequest;
}

/**
 * The certificate that the service wrote beside its address is the one that is trusted, whoever signed it; the name in it is
 * the one that others use, not the address on this machine.
 */
async function pinned(service: ServiceFile): Promise<Send> {
  const { request } = await import('node:https');
  const { certificate } = service;
  if (certificate === null) throw new OpusError('protocol.invalid', 'The service named no certificate of its own.');
  return (url, options) =>
    request(url, { ...options, ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined });
}

async function answerTo(request: ClientRequest, text: string, timeoutMs: number): Promise<ServiceAnswer> {
  const response = Promise.withResolvers<IncomingMessage>();
  request.on('response', response.resolve).on('error', response.reject);
  request.setTimeout(timeoutMs, () => {
    request.destroy(new Error(`no answer came within ${timeoutMs / 1000} s`));
  });
  request.end(text);
  const incoming = await response.promise;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostBytes) throw new OpusError('protocol.invalid', 'The service answered more than a command can take.');
  }
  try {
    return { status: incoming.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
  } catch (thrown) {
    throw new OpusError('protocol.invalid', 'What answered at the address of the service is not opus.', {
      hint: 'Remove service.json from the data folder when no service runs.',
      cause: thrown,
    });
  }
}

function unreachable(service: ServiceFile, cause: Error): OpusError {
  const why = 'code' in cause && cause.code === 'ECONNREFUSED' ? 'it refuses the connection' : cause.message;
  return new OpusError(
    'protocol.unreachable',
    `The service (pid ${service.pid}) does not answer at ${service.url}: ${why}.`,
    {
      hint: `Wait until it has started, or end process ${service.pid} and start \`opus serve\` again.`,
      cause,
    },
  );
}
