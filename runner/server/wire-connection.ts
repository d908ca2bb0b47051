import type { WebSocket } from 'ws';
import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import { rpcErrorOf, type RpcId, type RpcResponse } from '#shared/protocol/envelope.ts';
import { mayCall } from '#shared/protocol/least-role.ts';
import { closeCodes, helloResult, type HelloResult, type VaultWrite } from '#shared/protocol/wire.ts';
import type { Log } from '../core/ports/log.ts';
import { createAllowance } from './allowance.ts';
import { answerCall, refuseCall } from './answer-call.ts';
import type { Callers } from './callers.ts';
import { closeReason } from './close-reason.ts';
import type { ConnectedDevices } from './connected-devices.ts';
import { lockedOut } from './lock-out.ts';
import { readHello } from './read-hello.ts';
import { seesAll } from './redaction.ts';
import type { Caller, ServerApplication } from './server-application.ts';
import { notification, type WireFeed } from './wire-feed.ts';
import type { WireLimits } from './wire-limits.ts';
import { createSubscriptions } from './wire-output.ts';

/** As the runner presents itself. */
export type RunnerIdentity = Omit<HelloResult['runner'], 'vaultWriter'>;

export interface ConnectionOptions {
  readonly socket: WebSocket;
  readonly address: string;
  readonly application: ServerApplication;
  readonly feed: WireFeed;
  readonly callers: Callers;
  readonly connected: ConnectedDevices;
  readonly runner: RunnerIdentity;
  readonly limits: WireLimits;
  readonly log: Log;
}

export interface WireConnection {
  /** Looks whether the client is still there and may be, and tells it that the server is. */
  look(alive: Buffer): void;
  end(code: number, reason: string): void;
  terminate(): void;
}

/** For the client to say goodbye as well. */
const closeWithinMs = 1_000;
/** On a slow line a larger message takes long enough for silence to be taken for the end. */
const largeBytes = 100_000;

/** One client from its hello to its end. What it sends is not trusted; what it does not read is not kept. */
export function serveConnection(options: ConnectionOptions): WireConnection {
  const { socket, application, callers, feed, limits, log } = options;
  const gone = new AbortController();
  const leaving: (() => void)[] = [];
  let greeted: Caller | null = null;
  let isOver = false;
  let atWork = 0;
  let isPaused = false;
  let heardAt = performance.now();
  let stuckSince: number | null = null;
  let missesState = false;
  const allowance = createAllowance(limits, () => performance.now());

  const lateHello = setTimeout(() => {
    end(closeCodes.malformed, 'No hello came in time.');
  }, limits.helloWithinMs);

  function end(code: number, reason: string): void {
    if (isOver) return;
    leave();
    closeSoon();
    // While it is paused, the closing word of the other side would never be read.
    socket.resume();
    socket.close(code, closeReason(reason));
  }

  function closeSoon(): void {
    const late = setTimeout(() => {
      socket.terminate();
    }, closeWithinMs);
    socket.once('close', () => {
      clearTimeout(late);
    });
  }

  function leave(): void {
    isOver = true;
    clearTimeout(lateHello);
    gone.abort();
    for (const step of leaving.splice(0)) step();
  }

  function isTooMuch(): boolean {
    return socket.bufferedAmount > limits.waitingBytes;
  }

  function write(text: Buffer, written?: () => void): void {
    if (text.length > largeBytes) socket.send(feed.announcing(text.length), { binary: false });
    socket.send(text, { binary: false }, written);
  }

  /** Dropped when nobody reads: the numbers of events tell the client what it missed, states are told again. */
  function tell(text: Buffer): void {
    if (isOver) return;
    if (isTooMuch()) missesState = true;
    else write(text);
  }

  /** Settles when it is on its way. While too much is, nothing more is taken from the client. */
  function send(text: Buffer): Promise<void> {
    if (isOver) return Promise.resolve();
    return new Promise((resolve) => {
      write(text, () => {
        if (isPaused && !isTooMuch()) {
          isPaused = false;
          heardAt = performance.now();
          socket.resume();
        }
        resolve();
      });
      if (isPaused || !isTooMuch()) return;
      isPaused = true;
      socket.pause();
    });
  }

  function answer(response: RpcResponse): void {
    void send(Buffer.from(JSON.stringify(response)));
  }

  function isWithinRate(): boolean {
    heardAt = performance.now();
    if (allowance.take()) return true;
    end(closeCodes.tooMany, 'Too much comes too fast from this client.');
    return false;
  }

  function refuse(id: RpcId, code: number, error: OpusError): void {
    answer({ jsonrpc: '2.0', id, error: rpcErrorOf(error) });
    end(code, error.message);
  }

  function greet(text: string): void {
    const read = readHello(text);
    if (read.kind === 'refused') {
      if (read.id === null) end(read.code, read.error.message);
      else refuse(read.id, read.code, read.error);
      return;
    }
    const { id, protocol } = read;
    const { token, client, since, appliesWrites } = read.hello;
    const kind = typeof client === 'object' ? client.kind : undefined;
    const identified = callers.identify(token, options.address, kind === 'dashboard' ? 'dashboard' : 'plugin');
    if (identified.kind === 'known') {
      clearTimeout(lateHello);
      welcome(id, identified.caller, protocol, since ?? null, appliesWrites);
      return;
    }
    if (identified.kind === 'unknown') {
      const hint = 'Pair this device again, with `opus pair` on the machine of the runner.';
      const error = new OpusError('protocol.unauthorized', 'The token is not known, or was revoked.', { hint });
      refuse(id, closeCodes.unauthorized, error);
      return;
    }
    refuse(id, closeCodes.tooMany, lockedOut(identified.waitMs));
  }

  function welcome(
    id: RpcId,
    caller: Caller,
    protocol: number,
    since: Parameters<WireFeed['join']>[1],
    appliesWrites: boolean,
  ): void {
    greeted = caller;
    const { device, person, role } = caller;
    const joined = feed.join({ seesAll: seesAll(role), tell }, since);
    leaving.push(() => {
      joined.leave();
    });
    const { epoch, missed, seq } = joined;
    const result = helloResult.parse({
      ...{ protocol, role, epoch, seq },
      runner: { ...options.runner, vaultWriter: application.vaultWriters === null ? 'runner' : 'plugin' },
      ...{ person: person ?? '', device: device?.name ?? '', resumed: missed !== null },
    });
    answer({ jsonrpc: '2.0', id, result });
    if (missed !== null) {
      for (const text of missed) tell(text);
      tell(feed.wholeState());
    }
    if (device !== null) leaving.push(options.connected.add(device.id, revoked));
    if (!appliesWrites || device === null || application.vaultWriters === null) return;
    if (!mayCall(role, 'vault.applied')) return;
    const write = (params: VaultWrite): boolean => {
      if (isOver || isTooMuch()) return false;
      tell(notification('vault.write', params));
      return true;
    };
    leaving.push(application.vaultWriters.arrived({ device: device.id, tell: write }));
  }

  /** What breaks here, as a registry that cannot be read, is the end of one connection and not of the runner. */
  function guarded(action: () => void): void {
    try {
      action();
    } catch (thrown) {
      log.error({ err: thrown }, `A connection broke: ${toOpusError(thrown).message}`);
      end(closeCodes.broken, 'Something broke in the runner; its log says what.');
    }
  }

  function revoked(): void {
    end(closeCodes.unauthorized, 'This device was revoked.');
  }

  const subscriptions = createSubscriptions({ source: application, send, log });
  leaving.push(() => {
    subscriptions.end();
  });
  const performers = { application, connection: subscriptions.methods };

  async function perform(text: string, caller: Caller): Promise<void> {
    if (atWork >= limits.callsAtWork) {
      const message = `At most ${limits.callsAtWork} calls of a connection are at work at once.`;
      const hint = 'Wait for an answer first.';
      answer(refuseCall(text, new OpusError('protocol.too-many', message, { hint })));
      return;
    }
    atWork += 1;
    const response = await answerCall(text, performers, { caller, signal: gone.signal }, log);
    atWork -= 1;
    answer(response);
  }

  function lookAt(alive: Buffer): void {
    if (isOver || greeted === null) return;
    const now = performance.now();
    stuckSince = isTooMuch() ? (stuckSince ?? now) : null;
    if (callers.again(greeted) === null) revoked();
    else if (stuckSince !== null && now - stuckSince >= limits.stuckMs) {
      end(closeCodes.tooMany, 'This client has not read for too long.');
    } else if (!isPaused && now - heardAt >= limits.silentMs) {
      leave();
      socket.terminate();
    } else {
      tell(alive);
      if (isTooMuch()) return;
      socket.ping();
      if (!missesState) return;
      missesState = false;
      tell(feed.wholeState());
    }
  }

  function received(data: Buffer, isBinary: boolean): void {
    if (isOver || !isWithinRate()) return;
    if (isBinary) {
      end(closeCodes.malformed, 'A message must be text.');
      return;
    }
    const text = data.toString('utf8');
    if (greeted === null) {
      greet(text);
      return;
    }
    const caller = callers.again(greeted);
    if (caller === null) revoked();
    else void perform(text, caller);
  }

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    guarded(() => {
      received(data, isBinary);
    });
  });
  socket.on('ping', (data: Buffer) => {
    if (!isOver && isWithinRate() && !isTooMuch()) socket.pong(data);
  });
  socket.on('pong', () => {
    if (!isOver) isWithinRate();
  });
  // The socket closes by itself, with the code that says what was wrong.
  socket.on('error', (error) => {
    log.debug({ err: error }, `A connection broke: ${error.message}`);
  });
  socket.once('close', () => {
    if (!isOver) leave();
  });

  return {
    end,
    terminate() {
      if (!isOver) leave();
      socket.terminate();
    },
    look(alive) {
      guarded(() => {
        lookAt(alive);
      });
    },
  };
}
