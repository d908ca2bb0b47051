import { requestUrl, type RequestUrlResponse } from 'obsidian';
import { OpusError } from '../../shared/domain/errors.ts';
import { pairingAnswer, pairingCall } from '../../shared/protocol/client/pairing-call.ts';
import type { MethodResult } from '../../shared/protocol/methods.ts';
import { rpcPath } from '../../shared/protocol/version.ts';

/** Changes a one-time code into this device's token. Rejects with OpusError. */
export async function pairDevice(address: string, code: string, device: string): Promise<MethodResult<'device.pair'>> {
  const { text, status } = await post(address, pairingCall(code, device));
  return pairingAnswer(text, {
    message: `${address} answers, but not as a runner does (status ${status}).`,
    hint: 'Check the address; `opus pair` prints the right one.',
  });
}

async function post(address: string, body: string): Promise<RequestUrlResponse> {
  try {
    return await requestUrl({
      url: `${address}${rpcPath}`,
      method: 'POST',
      contentType: 'application/json',
      body,
      throw: false,
    });
  } catch (error) {
    throw new OpusError('protocol.unreachable', `No runner answers at ${address}.`, {
      hint: 'Check the address, that the runner is started (`opus serve`), and that this device can reach its network.',
      cause: error,
    });
  }
}
