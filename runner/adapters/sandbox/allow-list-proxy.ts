import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { isLocalAddress, normalHost, permission, type AllowedHost } from './allowed-hosts.ts';

export interface AllowListProxy {
  readonly socketPath: string;
  /** Hosts that were asked for and not allowed, each once, as an entry of the list would name them. */
  refusedHosts(): readonly string[];
  close(): Promise<void>;
}

const headerBytes = 16 * 1024;
const connectMs = 20_000;
const idleMs = 10 * 60_000;
const mostConnections = 256;
const mostRefused = 100;
const folderPrefix = 'opus-proxy-';
/** The longest path that the address of a socket holds. */
const socketPathBytes = 107;

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An HTTP proxy on a socket in a private folder: CONNECT, and absolute http:// requests, to listed hosts alone. */
export async function startAllowListProxy(allowed: readonly AllowedHost[]): Promise<AllowListProxy> {
  const folder = await privateFolder();
  const socketPath = join(folder, 'proxy.sock');
  const refused = new Set<string>();
  const sockets = new Set<Duplex>();
  const track = <Kind extends Duplex>(socket: Kind): Kind => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  };

  /** A connection to the address that was checked: asking for the name again could give another one. */
  const open = async (host: string, port: number): Promise<Socket> => {
    const { isAllowed, mayBeLocal } = permission(host, port, allowed);
    const named = port === 443 || port === 80 ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
    if (!isAllowed) {
      if (refused.size < mostRefused) refused.add(named);
      throw new Refusal(403, `${named} is not among the hosts this run may reach. Add it to "network" to allow it.`);
    }
    const addresses = await resolve(host);
    const usable = mayBeLocal ? addresses : addresses.filter((address) => !isLocalAddress(address));
    if (usable.length === 0) {
      if (refused.size < mostRefused) refused.add(named);
      throw new Refusal(
        403,
        `${named} is an address of this machine or its link. Add it with its port to "network" to allow it.`,
      );
    }
    return track(await firstConnection(usable, port));
  };

  const server = createServer({ maxHeaderSize: headerBytes, headersTimeout: connectMs, requestTimeout: 0 });
  server.maxConnections = mostConnections;
  server.on('connection', track);
  server.on('clientError', (_error, socket) => {
    socket.destroy();
  });
  server.on('connect', (request: IncomingMessage, inside: Duplex, head: Buffer) => {
    void tunnel(request, inside, head, open);
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void forward(request, response, open);
  });
  server.on('upgrade', (_request, socket: Duplex) => {
    socket.end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\n\r\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return {
    socketPath,
    refusedHosts: () => [...refused],
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Open = (host: string, port: number) => Promise<Socket>;

async function tunnel(request: IncomingMessage, inside: Duplex, head: Buffer, open: Open): Promise<void> {
  try {
    const target = splitHost(request.url ?? '');
    const outside = await open(target.host, target.port);
    inside.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) outside.write(head);
    outside.setTimeout(idleMs, () => outside.destroy());
    inside.pipe(outside).pipe(inside);
    inside.once('close', () => outside.destroy());
    outside.once('close', () => inside.destroy());
  } catch (error) {
    const { status, message } = asRefusal(error);
    const head = `HTTP/1.1 ${status} ${status === 403 ? 'Forbidden' : 'Bad Gateway'}\r\n`;
    const body = `${message}\n`;
    const length = Buffer.byteLength(body);
    inside.end(
      `${head}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
}

async function forward(request: IncomingMessage, response: ServerResponse, open: Open): Promise<void> {
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  try {
    const url = absoluteUrl(request.url ?? '');
    const outside = await open(normalHost(url.hostname), url.port === '' ? 80 : Number(url.port));
    const onward = httpRequest({
      method: request.method ?? 'GET',
      path: url.pathname + url.search,
      headers: { ...withoutHopHeaders(request), host: url.host, connection: 'close' },
      createConnection: () => outside,
      maxHeaderSize: headerBytes * 4,
      timeout: idleMs,
    });
    onward.on('response', (answer) => {
      answer.on('error', () => response.destroy());
      response.writeHead(answer.statusCode ?? 502, withoutHopHeaders(answer));
      answer.pipe(response);
    });
    onward.on('timeout', () => onward.destroy());
    onward.on('error', (error) => {
      if (response.headersSent) response.destroy();
      else answerPlainly(response, new Refusal(502, error.message));
    });
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  } catch (error) {
    answerPlainly(response, asRefusal(error));
  }
}

function answerPlainly(response: ServerResponse, { status, message }: Refusal): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${message}\n`);
}

const hopHeaders = /^(connection|proxy-.*|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;

function withoutHopHeaders({ headers }: IncomingMessage): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !hopHeaders.test(name));
  return Object.fromEntries(kept) as Record<string, string | string[]>;
}

function splitHost(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,255}):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port < 1 || port > 65_535) throw new Refusal(400, 'CONNECT needs a host and a port.');
  return { host: normalHost(match[1]), port };
}

function absoluteUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'http:')
    throw new Refusal(400, 'This is a proxy: it takes CONNECT and absolute http:// addresses.');
  return url;
}

async function resolve(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  if (found.length === 0) throw new Refusal(502, `${host} has no address.`);
  return found.map(({ address }) => address);
}

async function firstConnection(addresses: readonly string[], port: number): Promise<Socket> {
  let last: unknown;
  for (const address of addresses) {
    try {
      return await connection(address, port);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function connection(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: connectMs });
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('timeout', () => {
      socket.destroy(new Error(`${host} port ${port} does not answer.`));
    });
  });
}

function asRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal(502, error instanceof Error ? error.message : String(error));
}

async function privateFolder(): Promise<string> {
  // The address of a socket holds only a short path.
  const parent = Buffer.byteLength(tmpdir()) + folderPrefix.length + 40 <= socketPathBytes ? tmpdir() : '/tmp';
  await removeLeftovers(parent);
  return mkdtemp(join(parent, `${folderPrefix}${process.pid}-`));
}

/** A runner that was killed could not remove its folders. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(folderPrefix) ? parseInt(name.slice(folderPrefix.length), 10) : NaN;
    if (Number.isNaN(owner) || existsSync(`/proc/${owner}`)) continue;
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
