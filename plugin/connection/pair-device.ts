import { requestUrl, type RequestUrlResponse } from 'obsidian';
import { OpusError } from '../../shared/domain/errors.ts';
import { methodResults } from '../../shared/protocol/method-results.ts';
import type { MethodResult } from '../../shared/protocol/methods.ts';
import { opusErrorOf } from '../../shared/protocol/opus-error-of.ts';
import { rpcPath } from '../../shared/protocol/version.ts';

/** Changes a one-time code into this device's token. Rejects with OpusError. */
export async function pairDevice(address: string, code: string, device: string): Promise<MethodResult<'device.pair'>> {
  const response = await post(address, {
    jsonrpc: '2.0',
    id: 1,
    method: 'device.pair',
    params: { code: code.trim(), device },
  });
  const answer = answerOf(response);
  if (answer?.['error'] !== undefined) throw opusErrorOf(answer['error']);
  const result = methodResults['device.pair'].safeParse(answer?.['result']);
  if (result.success) return result.data;
  throw new OpusError('protocol.invalid', `${address} answers, but not as a runner does (status ${response.status}).`, {
    hint: 'Check the address; `opus pair` prints the right one.',
  });
}

async function post(address: string, body: unknown): Promise<RequestUrlResponse> {
  try {
    return await requestUrl({
      url: `${address}${rpcPath}`,
      method: 'POST',
      contentType: 'application/json',
      body: JSON.stringify(body),
      throw: false,
    });
  } catch (error) {
    throw new OpusError('protocol.unreachable', `No runner answers at ${address}.`, {
      hint: 'Check the address, that the runner is started (`opus serve`), and that this device can reach its network.',
      cause: error,
    });
  }
}

function answerOf(response: RequestUrlResponse): Readonly<Record<string, unknown>> | null {
  try {
    const answer: unknown = JSON.parse(response.text);
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
