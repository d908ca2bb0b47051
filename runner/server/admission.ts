import type { IncomingMessage } from 'node:http';
import { OpusError } from '#shared/domain/errors.ts';
import type { RpcError } from '#shared/protocol/envelope.ts';
import { addressOf, bearerOf, type Callers } from './callers.ts';
import { lockedOut, type LockOut } from './lock-out.ts';
import { Refusal } from './refusals.ts';
import type { Caller } from './server-application.ts';

/** Who makes a request over HTTP. */
export interface Admission {
  /** Throws a refusal for whoever has no right token. */
  caller(request: IncomingMessage): Caller;
  /** Null for who has no token at all and may have a code. Throws for a wrong token, and for who has tried too often. */
  callerOrStranger(request: IncomingMessage): Caller | null;
  /** What is told to a stranger whose call was refused; a wrong code is counted. */
  refusedStranger(request: IncomingMessage, error: RpcError): Refusal;
  isAdmin(request: IncomingMessage): boolean;
  refuseUnlessAdmin(request: IncomingMessage): void;
}

/** A code with its device's name is no longer. */
const longestOfStranger = 1_500;

export function createAdmission(options: {
  readonly callers: Callers;
  readonly lockOut: LockOut;
  readonly trustProxy: boolean;
}): Admission {
  const { callers, lockOut, trustProxy } = options;
  const isAdmin = (request: IncomingMessage): boolean => callers.isAdmin(bearerOf(request) ?? '');

  function caller(request: IncomingMessage): Caller {
    const identified = callers.identify(bearerOf(request) ?? '', addressOf(request, trustProxy), 'plugin');
    if (identified.kind === 'known') return identified.caller;
    throw identified.kind === 'unknown' ? unauthorized() : new Refusal(429, lockedOut(identified.waitMs));
  }

  return {
    caller,
    callerOrStranger(request) {
      if (bearerOf(request) !== null) return caller(request);
      if (Number(request.headers['content-length'] ?? Infinity) > longestOfStranger) throw unauthorized();
      const waitMs = lockOut.wait(addressOf(request, trustProxy));
      if (waitMs > 0) throw new Refusal(429, lockedOut(waitMs));
      return null;
    },
    refusedStranger(request, { data, message }) {
      if (data === undefined) return new Refusal(400, new OpusError('protocol.invalid', message));
      const { code, hint } = data;
      if (code === 'protocol.unauthorized') lockOut.failed(addressOf(request, trustProxy));
      return new Refusal(
        code === 'protocol.unauthorized' ? 401 : 400,
        new OpusError(code, message, hint === null ? {} : { hint }),
      );
    },
    isAdmin,
    refuseUnlessAdmin(request) {
      if (!isAdmin(request)) throw unauthorized();
    },
  };
}

function unauthorized(): Refusal {
  const hint = 'The command line takes it from service.json in the data folder; a device is paired with `opus pair`.';
  return new Refusal(
    401,
    new OpusError('protocol.unauthorized', 'This needs the token of the running service.', { hint }),
  );
}
