import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import {
  describeIssues,
  rpcCodes,
  rpcErrorOf,
  rpcRequest,
  type RpcError,
  type RpcId,
  type RpcResponse,
} from '#shared/protocol/envelope.ts';
import { isMethodName, methods, type MethodName } from '#shared/protocol/methods.ts';
import type { Log } from '../core/ports/log.ts';
import type { CallContext, ServerApplication } from './server-application.ts';

/** From the bytes of a call to the answer. Never rejects; what the caller did wrong is told, what broke here is logged. */
export async function answerCall(
  text: string,
  application: ServerApplication,
  context: CallContext,
  log: Log,
): Promise<RpcResponse> {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return failed(null, { code: rpcCodes.parseError, message: 'The call is not JSON.' });
  }
  if (Array.isArray(message)) {
    return failed(null, { code: rpcCodes.invalidRequest, message: 'Several calls in one request are not supported.' });
  }
  const request = rpcRequest.safeParse(message);
  if (!request.success) {
    const what = describeIssues(request.error.issues, 'request');
    return failed(idOf(message), { code: rpcCodes.invalidRequest, message: `This is no JSON-RPC 2.0 call: ${what}.` });
  }
  const { id, method, params } = request.data;
  if (!isMethodName(method)) {
    return failed(id, { code: rpcCodes.methodNotFound, message: `There is no method ${JSON.stringify(method)}.` });
  }
  const checked = methods[method].params.safeParse(params ?? {});
  if (!checked.success) {
    const what = describeIssues(checked.error.issues, 'params');
    return failed(id, { code: rpcCodes.invalidParams, message: `${method}: ${what}.` });
  }
  try {
    return { jsonrpc: '2.0', id, result: await call(application, method, checked.data, context) };
  } catch (thrown) {
    const error = toOpusError(thrown);
    if (!(thrown instanceof OpusError)) log.error({ err: thrown, method }, `${method} broke: ${error.message}`);
    else log.debug({ method, code: error.code }, `${method} was refused: ${error.message}`);
    return failed(id, rpcErrorOf(error));
  }
}

async function call(
  application: ServerApplication,
  method: MethodName,
  params: unknown,
  context: CallContext,
): Promise<unknown> {
  // The schema of this very method made the params; TypeScript cannot tell one method of the union from another.
  const perform = application[method] as (params: unknown, context: CallContext) => Promise<unknown>;
  const work = perform(params, context);
  const result = methods[method].result.safeParse(
    method === 'events.since' ? await orCut(work, context.signal) : await work,
  );
  if (result.success) return result.data;
  throw new TypeError(
    `the runner's answer is not what ${method} promises: ${describeIssues(result.error.issues, 'result')}`,
  );
}

/** What waits does so for its caller's sake alone, and may be left at any moment. */
async function orCut(work: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  const cut = Promise.withResolvers<never>();
  const abort = (): void => {
    cut.reject(new OpusError('protocol.unreachable', 'The service is stopping.', { hint: 'Ask again once it runs.' }));
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, cut.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function failed(id: RpcId | null, error: RpcError): RpcResponse {
  return { jsonrpc: '2.0', id, error };
}

function idOf(message: unknown): RpcId | null {
  const id = rpcRequest.shape.id.safeParse((message as { readonly id?: unknown } | null)?.id);
  return id.success ? id.data : null;
}
