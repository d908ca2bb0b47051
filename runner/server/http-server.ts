import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { OpusError } from '#shared/domain/errors.ts';
import { wirePath } from '#shared/protocol/wire.ts';
import type { RunnerConfig } from '../core/configuration.ts';

const mostConnections = 256;

const defaultLimits = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  /** A request must have arrived whole by then, however slowly it trickles. */
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  /** How often the time limits are looked at. */
  connectionsCheckingInterval: 2_000,
};

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** The server's own certificate, without those above it. */
  readonly leaf: string;
}

/** Node's own server with the limits, in milliseconds, that keep a slow or silent client from holding on to anything. */
export function createHttpServer(
  tls: TlsFiles | null,
  handler: RequestListener,
  limits: typeof defaultLimits = defaultLimits,
): Server {
  // https.Server lacks nothing of http.Server that is used here.
  const options = { ...limits, shouldUpgradeCallback: wantsWire };
  const server: Server = tls
    ? createTlsServer({ ...options, cert: tls.cert, key: tls.key }, handler)
    : createServer(options, handler);
  server.maxConnections = mostConnections;
  return server;
}

/** Whatever else a request would rather speak, as HTTP/2 without TLS, it is answered as it came. */
function wantsWire({ url, headers }: IncomingMessage): boolean {
  return isWirePath(url) && headers.upgrade?.toLowerCase() === 'websocket';
}

export function isWirePath(url: string | undefined): boolean {
  return url?.split('?')[0] === wirePath;
}

export function readTls(files: NonNullable<RunnerConfig['server']['tls']>): TlsFiles {
  const cert = readTlsFile('certificate', files.certificate);
  const key = readTlsFile('key', files.key);
  try {
    return { cert, key, leaf: new X509Certificate(cert).toString() };
  } catch (thrown) {
    throw new OpusError('service.failed', `server.tls.certificate: ${files.certificate} is no certificate.`, {
      hint: 'Name a PEM file that begins with the certificate of this host.',
      cause: thrown,
    });
  }
}

function readTlsFile(name: 'certificate' | 'key', path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown';
    throw new OpusError('service.failed', `server.tls.${name}: the file ${path} cannot be read (${code}).`, {
      hint: 'Name a PEM file that the runner may read.',
      cause: thrown,
    });
  }
}

export function listenFailure(thrown: unknown, host: string, port: number): OpusError {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return new OpusError('service.failed', `Port ${port} on ${host} is in use by another program.`, {
        hint: 'Stop that program, or write another server.port in opus.yml; 0 takes any free one.',
        cause: thrown,
      });
    case 'EACCES':
      return new OpusError('service.failed', `Port ${port} on ${host} may not be opened by this user.`, {
        hint: 'Write a server.port of 1024 or above in opus.yml.',
        cause: thrown,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new OpusError('service.failed', `This machine has no address ${host}.`, {
        hint: 'Write server.host: 127.0.0.1 in opus.yml, or an address of this machine.',
        cause: thrown,
      });
    default:
      return new OpusError('service.failed', `The server could not listen on ${host}:${port}: ${String(thrown)}`, {
        hint: 'Look at server in opus.yml.',
        cause: thrown,
      });
  }
}
