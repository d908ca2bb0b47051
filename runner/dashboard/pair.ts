import { OpusError } from '../../shared/domain/errors.ts';
import { methodResults } from '../../shared/protocol/method-results.ts';
import type { MethodResult } from '../../shared/protocol/methods.ts';
import { opusErrorOf } from '../../shared/protocol/opus-error-of.ts';
import { rpcPath } from '../../shared/protocol/version.ts';

/** Changes a one-time code into this browser's token. Rejects with OpusError. */
export async function pairBrowser(address: string, code: string, device: string): Promise<MethodResult<'device.pair'>> {
  const params = { code: code.trim(), device: device.trim() };
  const answer = await post(`${address}${rpcPath}`, { jsonrpc: '2.0', id: 1, method: 'device.pair', params });
  if (answer?.['error'] !== undefined) throw opusErrorOf(answer['error']);
  const result = methodResults['device.pair'].safeParse(answer?.['result']);
  if (result.success) return result.data;
  throw new OpusError('protocol.invalid', 'What answers here is not the runner.', { hint: 'Reload this page.' });
}

async function post(url: string, body: object): Promise<Readonly<Record<string, unknown>> | null> {
  const options = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, options).catch((thrown: unknown) => {
    throw new OpusError('protocol.unreachable', 'The runner does not answer.', {
      hint: 'See that it is started (`opus serve`), and that this device can reach its network.',
      cause: thrown,
    });
  });
  const answer: unknown = await response.json().catch(() => null);
  return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : null;
}
