import { OpusError } from '../../shared/domain/errors.ts';
import { pairingAnswer, pairingCall } from '../../shared/protocol/client/pairing-call.ts';
import type { MethodResult } from '../../shared/protocol/methods.ts';
import { rpcPath } from '../../shared/protocol/version.ts';

/** Changes a one-time code into this browser's token. Rejects with OpusError. */
export async function pairBrowser(address: string, code: string, device: string): Promise<MethodResult<'device.pair'>> {
  const text = await post(`${address}${rpcPath}`, pairingCall(code, device));
  return pairingAnswer(text, { message: 'What answers here is not the runner.', hint: 'Reload this page.' });
}

async function post(url: string, body: string): Promise<string> {
  const options = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const response = await fetch(url, options).catch((thrown: unknown) => {
    throw new OpusError('protocol.unreachable', 'The runner does not answer.', {
      hint: 'See that it is started (`opus serve`), and that this device can reach its network.',
      cause: thrown,
    });
  });
  return await response.text().catch(() => '');
}
