import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { OpusError } from '#shared/domain/errors.ts';
import { aliveEveryMs, closeCodes, longestMessage } from '#shared/protocol/wire.ts';
import { addressOf } from './callers.ts';
import type { CallerCheck } from './caller-check.ts';
import { isWirePath } from './http-server.ts';
import { networkOf } from './lock-out.ts';
import { Refusal, refusalOf } from './refusals.ts';
import { serveConnection, type ConnectionOptions, type WireConnection } from './wire-connection.ts';
import { createWireFeed } from './wire-feed.ts';
import type { WireLimits } from './wire-limits.ts';

export type WireServerOptions = Omit<ConnectionOptions, 'socket' | 'address' | 'feed' | 'limits'> & {
  readonly check: CallerCheck;
  readonly trustProxy: boolean;
  readonly limits?: Partial<WireServerLimits>;
};

export interface WireServerLimits extends WireLimits {
  readonly connections: number;
  readonly perAddress: number;
  readonly aliveEveryMs: number;
}

export interface WireServer {
  attach(server: Server): void;
  connections(): number;
  /** Tells everybody that the service stops. Settles when all have gone. */
  close(): Promise<void>;
}

const usualLimits: WireServerLimits = {
  connections: 200,
  perAddress: 64,
  aliveEveryMs,
  helloWithinMs: 5_000,
  perSecond: 50,
  burst: 200,
  callsAtWork: 32,
  waitingBytes: 1_000_000,
  stuckMs: 60_000,
  silentMs: 30_000,
};
/** Connections end by themselves long before. */
const closeWithinMs = 3_000;

/** Live connections on the HTTP server's own port. */
export function createWireServer(options: WireServerOptions): WireServer {
  const { check, log } = options;
  const limits = { ...usualLimits, ...options.limits };
  const feed = createWireFeed(options.application, log);
  const connections = new Map<WireConnection, string>();
  let isClosed = false;
  let allGone = (): void => undefined;
  let looking: NodeJS.Timeout | null = null;

  const sockets = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
    ...{ maxPayload: longestMessage, maxFragments: 1_024, maxBufferedChunks: 8_192 },
    // Pongs are written by the connection, which looks whether anybody reads them.
    autoPong: false,
  });

  function look(): void {
    const alive = feed.alive(Date.now());
    for (const connection of connections.keys()) connection.look(alive);
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until it is taken over, nobody else listens.
    const drop = (): void => {
      socket.destroy();
    };
    socket.on('error', drop);
    try {
      if (!isWirePath(request.url)) {
        throw new Refusal(404, new OpusError('protocol.invalid', 'There is nothing here.'));
      }
      check.refuseStrangers(request);
      if (isClosed) throw new Refusal(503, new OpusError('protocol.unreachable', 'The service is stopping.'));
    } catch (thrown) {
      refuseUpgrade(socket, refusalOf(thrown, log));
      return;
    }
    sockets.handleUpgrade(request, socket, head, (taken) => {
      socket.off('error', drop);
      const address = addressOf(request, options.trustProxy);
      const network = networkOf(address);
      const there = [...connections.values()].filter((other) => other === network).length;
      const connection = serveConnection({ ...options, socket: taken, address, feed, limits });
      connections.set(connection, network);
      looking ??= setInterval(look, limits.aliveEveryMs);
      taken.once('close', () => {
        connections.delete(connection);
        if (connections.size > 0) return;
        if (looking) clearInterval(looking);
        looking = null;
        allGone();
      });
      if (connections.size > limits.connections || there >= limits.perAddress) {
        connection.end(closeCodes.tooMany, 'Too many connections are open already.');
      }
    });
  }

  return {
    attach(server) {
      server.on('upgrade', upgrade);
    },
    connections: () => connections.size,
    async close() {
      isClosed = true;
      feed.close();
      if (connections.size === 0) return;
      const gone = Promise.withResolvers<undefined>();
      allGone = () => {
        gone.resolve(undefined);
      };
      for (const connection of connections.keys()) connection.end(closeCodes.stopping, 'The runner stops.');
      const late = setTimeout(() => {
        for (const connection of connections.keys()) connection.terminate();
      }, closeWithinMs);
      await gone.promise;
      clearTimeout(late);
    },
  };
}

function refuseUpgrade(socket: Duplex, { status, error }: Refusal): void {
  const body = JSON.stringify({ error: error.summary() });
  const head = [
    `HTTP/1.1 ${status} Refused`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => {
    socket.destroy();
  });
}
