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
import { leastRole, mayCall } from '#shared/protocol/least-role.ts';
import { methodParams } from '#shared/protocol/method-params.ts';
import { methodResults } from '#shared/protocol/method-results.ts';
import { isMethodName, type MethodName } from '#shared/protocol/methods.ts';
import type { Log } from '../core/ports/log.ts';
import { seesAll, viewersResult } from './redaction.ts';
import type {
  ApplicationMethod,
  CallContext,
  Caller,
  ConnectionMethod,
  Performed,
  ServerApplication,
} from './server-application.ts';

/** `caller` null is somebody without a token, who may pair and nothing else. */
export type AskedBy = Omit<CallContext, 'caller'> & { readonly caller: Caller | null };
export interface Performers {
  readonly application: Pick<ServerApplication, ApplicationMethod>;
  /** Null where there is no connection that lasts. */
  readonly connection: Performed<ConnectionMethod> | null;
}

const stranger: Caller = { role: 'viewer', person: null, device: null, channel: 'plugin' };

/**
 * From the text of a call to the answer, and the one place that says who may call what. Never rejects; what the caller did
 * wrong is told, what broke here is logged.
 */
export async function answerCall(
  text: string,
  performers: Performers,
  context: AskedBy,
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
  const forbidden = refusalOf(context.caller, method);
  if (forbidden) {
    log.debug({ method, code: forbidden.code }, `${method} was refused: ${forbidden.message}`);
    return failed(id, rpcErrorOf(forbidden));
  }
  const checked = methodParams[method].safeParse(params ?? {});
  if (!checked.success) {
    const what = describeIssues(checked.error.issues, 'params');
    return failed(id, { code: rpcCodes.invalidParams, message: `${method}: ${what}.` });
  }
  const caller = context.caller ?? stranger;
  try {
    refuseSpeakingForOthers(caller, method, checked.data);
    const result = await call(performers, method, checked.data, { ...context, caller });
    return { jsonrpc: '2.0', id, result: seesAll(caller.role) ? result : viewersResult(result) };
  } catch (thrown) {
    const error = toOpusError(thrown);
    if (!(thrown instanceof OpusError)) log.error({ err: thrown, method }, `${method} broke: ${error.message}`);
    else log.debug({ method, code: error.code }, `${method} was refused: ${error.message}`);
    return failed(id, rpcErrorOf(error));
  }
}

/** The answer to a call that is not even looked at. */
export function refuseCall(text: string, error: OpusError): RpcResponse {
  try {
    return failed(idOf(JSON.parse(text)), rpcErrorOf(error));
  } catch {
    return failed(null, rpcErrorOf(error));
  }
}

/** Null when that caller may call that method. */
function refusalOf(caller: Caller | null, method: MethodName): OpusError | null {
  if (caller === null) {
    if (method === 'device.pair') return null;
    return new OpusError('protocol.unauthorized', `${method} needs the token of a paired device.`, {
      hint: 'Pair this device with `opus pair` on the machine of the runner.',
    });
  }
  if (method === 'device.pair') {
    return new OpusError('protocol.forbidden', 'Who has a token is paired already.', {
      hint: 'A device is paired by a call without a token, over HTTP.',
    });
  }
  if (mayCall(caller.role, method)) return null;
  const needed = leastRole[method];
  return new OpusError('protocol.forbidden', `${method} needs the role ${needed}; this device is a ${caller.role}.`, {
    hint: `Pair it anew with: opus pair --role ${needed}`,
  });
}

/** The command line may name who decides; a device is one person's. */
function refuseSpeakingForOthers(caller: Caller, method: MethodName, params: object): void {
  if (method !== 'approval.decide' || caller.person === null || !('person' in params)) return;
  if (params.person === undefined || params.person === caller.person) return;
  throw new OpusError('protocol.forbidden', `This device decides for ${caller.person} and for nobody else.`, {
    hint: 'Leave `person` out of the call.',
  });
}

async function call(
  { application, connection }: Performers,
  method: MethodName,
  params: unknown,
  context: CallContext,
): Promise<unknown> {
  const ofConnection = method === 'output.subscribe' || method === 'output.unsubscribe';
  // The schema of this very method made the params; TypeScript cannot tell one method of the union from another.
  const perform = (ofConnection ? connection?.[method] : application[method]) as
    ((params: unknown, context: CallContext) => Promise<unknown>) | undefined;
  if (perform === undefined) {
    throw new OpusError('protocol.invalid', `${method} needs a connection that lasts.`, {
      hint: 'Call it over the WebSocket.',
    });
  }
  const work = perform(params, context);
  const result = methodResults[method].safeParse(
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
