import { isErrorCode, OpusError } from '../domain/errors.ts';

// Free of zod: a command that must start at once reads errors by it.

/** The OpusError that the other side meant by the error of its answer, which is not trusted to be one. */
export function opusErrorOf(error: unknown): OpusError {
  const outer = recordOf(error);
  const data = recordOf(outer['data']);
  const code = textOf(data['code']) ?? 'protocol.invalid';
  const hint = textOf(data['hint']);
  return new OpusError(
    // A newer runner may know more codes.
    isErrorCode(code) ? code : 'internal.unexpected',
    textOf(data['message']) ?? textOf(outer['message']) ?? 'The call was refused without a reason.',
    hint === null ? {} : { hint },
  );
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
