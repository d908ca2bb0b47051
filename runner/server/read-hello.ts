import * as z from 'zod/mini';
import { OpusError } from '#shared/domain/errors.ts';
import { rpcRequest, type RpcId } from '#shared/protocol/envelope.ts';
import { closeCodes, helloParams } from '#shared/protocol/wire.ts';
import { negotiate } from './negotiate.ts';

export type ReadHello =
  | {
      readonly kind: 'hello';
      readonly id: RpcId;
      readonly hello: z.output<typeof helloParams>;
      readonly protocol: number;
    }
  /** Without an id there is nothing to answer to. */
  | { readonly kind: 'refused'; readonly id: RpcId | null; readonly code: number; readonly error: OpusError };

const askedVersion = z.object({ protocol: z.int() });

/** The first message of a connection. Its version is looked at before the rest, which another version may have otherwise. */
export function readHello(text: string): ReadHello {
  const request = rpcRequest.safeParse(parsed(text));
  if (!request.success || request.data.method !== 'hello') {
    return refused(null, closeCodes.malformed, 'The first message must be a hello.');
  }
  const { id, params } = request.data;
  const asked = askedVersion.safeParse(params);
  const negotiated = asked.success ? negotiate(asked.data.protocol) : null;
  if (negotiated?.kind === 'refused') return refused(id, closeCodes.version, negotiated.sentence);
  const hello = helloParams.safeParse(params);
  if (!hello.success || negotiated === null) {
    return refused(id, closeCodes.malformed, 'This hello is not one of the protocol.');
  }
  return { kind: 'hello', id, hello: hello.data, protocol: negotiated.protocol };
}

function refused(id: RpcId | null, code: number, message: string): ReadHello {
  return { kind: 'refused', id, code, error: new OpusError('protocol.invalid', message) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
