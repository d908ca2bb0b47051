import type { FastifyReply, FastifyRequest } from 'fastify';
import { OpusError } from '#shared/domain/errors.ts';
import { rpcErrorOf } from '#shared/protocol/envelope.ts';
import { rpcPath } from '#shared/protocol/version.ts';
import type { Log } from '../core/ports/log.ts';

/** Thrown by hooks and handlers for what a caller may be told. */
export class Refusal extends Error {
  readonly status: number;
  readonly error: OpusError;

  constructor(status: number, error: OpusError) {
    super(error.message);
    this.status = status;
    this.error = error;
  }
}

/** Anything thrown on the way to an answer; what broke here is told to the log alone, since anybody may be asking. */
export function refusalOf(thrown: unknown, log: Log): Refusal {
  if (thrown instanceof Refusal) return thrown;
  const status = thrown instanceof Error && 'statusCode' in thrown ? Number(thrown.statusCode) : 500;
  if (status === 413) {
    return new Refusal(status, new OpusError('protocol.invalid', 'The request is larger than a megabyte.'));
  }
  if (status === 415) {
    const hint = 'Send it with Content-Type: application/json.';
    return new Refusal(status, new OpusError('protocol.invalid', 'The request is not JSON.', { hint }));
  }
  if (status >= 400 && status < 500) {
    return new Refusal(status, new OpusError('protocol.invalid', 'The request cannot be understood.'));
  }
  log.error({ err: thrown }, 'A request could not be answered.');
  return new Refusal(
    500,
    new OpusError('internal.unexpected', 'The runner could not answer.', { hint: 'The log has the details.' }),
  );
}

/** As JSON, in the shape that callers at that address expect. The connection ends, so that a body still on its way does too. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, error } = refusal;
  const toCaller = request.raw.url?.startsWith(rpcPath) === true;
  return reply
    .code(status)
    .header('connection', 'close')
    .type('application/json; charset=utf-8')
    .send(toCaller ? { jsonrpc: '2.0', id: null, error: rpcErrorOf(error) } : { error: error.summary() });
}
