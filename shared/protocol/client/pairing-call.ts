import { OpusError } from '../../domain/errors.ts';
import { methodResults } from '../method-results.ts';
import type { MethodResult } from '../methods.ts';
import { opusErrorOf } from '../opus-error-of.ts';

/** The body by which a one-time code is changed into a device's token, over HTTP. */
export function pairingCall(code: string, device: string): string {
  const params = { code: code.trim(), device: device.trim() };
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'device.pair', params });
}

/** What was answered to it. Throws the runner's refusal, and `protocol.invalid` with these words where it is no answer of one. */
export function pairingAnswer(text: string, stranger: { message: string; hint: string }): MethodResult<'device.pair'> {
  const answer = recordIn(text);
  if (answer['error'] !== undefined) throw opusErrorOf(answer['error']);
  const result = methodResults['device.pair'].safeParse(answer['result']);
  if (result.success) return result.data;
  throw new OpusError('protocol.invalid', stranger.message, { hint: stranger.hint });
}

function recordIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
