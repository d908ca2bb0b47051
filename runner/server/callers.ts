import type { IncomingMessage } from 'node:http';
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { PairedDevice } from '../core/ports/devices.ts';
import type { Log } from '../core/ports/log.ts';
import type { LockOut } from './lock-out.ts';
import type { Caller } from './server-application.ts';

/** Who may connect. The command line's token is not among theirs. */
export interface DeviceAccess {
  /** Null for a token that is nobody's, or was revoked. */
  bearer(token: string): PairedDevice | null;
  get(id: string): PairedDevice | null;
  seen(id: string): void;
}

export type Identified =
  | { readonly kind: 'known'; readonly caller: Caller }
  | { readonly kind: 'unknown' }
  /** Too many wrong tokens came from there; milliseconds. */
  | { readonly kind: 'locked-out'; readonly waitMs: number };

export interface Callers {
  /** A wrong token is counted against its address; a right one is right from anywhere. */
  identify(token: string, address: string, channel: 'plugin' | 'dashboard'): Identified;
  /** As it stands now: null once the device was revoked. */
  again(caller: Caller): Caller | null;
  isAdmin(token: string): boolean;
}

const commandLine: Caller = { role: 'admin', person: null, device: null, channel: 'cli' };

export function createCallers(options: {
  readonly adminToken: string;
  readonly devices: DeviceAccess;
  readonly lockOut: LockOut;
  readonly log: Log;
}): Callers {
  const { adminToken, devices, lockOut, log } = options;
  const expected = digest(adminToken);
  const isAdmin = (token: string): boolean => timingSafeEqual(digest(token), expected);

  /** With a full disk, or a registry that is busy, a device is still who it is. */
  function noteSeen(device: string): void {
    try {
      devices.seen(device);
    } catch (thrown) {
      log.warn({ err: thrown, device }, 'When a device was last seen could not be noted.');
    }
  }

  return {
    isAdmin,
    identify(token, address, channel) {
      if (isAdmin(token)) return { kind: 'known', caller: commandLine };
      const device = devices.bearer(token);
      if (device) {
        noteSeen(device.id);
        return { kind: 'known', caller: callerOf(device, channel) };
      }
      const waitMs = lockOut.wait(address);
      if (waitMs > 0) return { kind: 'locked-out', waitMs };
      lockOut.failed(address);
      return { kind: 'unknown' };
    },
    again(caller) {
      if (caller.device === null) return caller;
      const device = devices.get(caller.device.id);
      return device && callerOf(device, caller.channel);
    },
  };
}

function callerOf({ id, name, person, role }: PairedDevice, channel: Caller['channel']): Caller {
  return { role, person, device: { id, name }, channel };
}

/** Without a header there is none; a header of another kind is a wrong token. */
export function bearerOf(request: IncomingMessage): string | null {
  const { authorization } = request.headers;
  return authorization === undefined ? null : (/^Bearer (.+)$/.exec(authorization)?.[1] ?? '');
}

/** Behind a proxy the address that it saw, which it adds behind whatever the client sent. */
export function addressOf(request: IncomingMessage, trustProxy: boolean): string {
  const own = request.socket.remoteAddress ?? 'unknown';
  if (!trustProxy) return own;
  const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim() ?? '';
  return isIP(forwarded) === 0 ? own : forwarded;
}

/** Digests have one length, so that comparing tells nothing of the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
