import { OpusError } from '#shared/domain/errors.ts';
import type { MethodInput, MethodName, MethodResult } from '#shared/protocol/methods.ts';
import { connectToService } from './service-client.ts';

const answerWithinMs = 5_000;

/** Null where no service answers, so that the caller does it by itself. Rejects with what a service refuses. */
export async function askServiceOrNull<Method extends MethodName>(
  data: string,
  method: Method,
  params: MethodInput<Method>,
): Promise<MethodResult<Method> | null> {
  try {
    return (await connectToService(data)?.call(method, params, { timeoutMs: answerWithinMs })) ?? null;
  } catch (thrown) {
    if (thrown instanceof OpusError && thrown.code === 'protocol.unreachable') return null;
    throw thrown;
  }
}
