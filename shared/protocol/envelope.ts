import * as z from 'zod/mini';
import type { ErrorSummary, OpusError } from '../domain/errors.ts';

const id = z.union([z.string().check(z.maxLength(100)), z.int()]);

/** A call. Its id is not optional: nothing is done for a caller who does not want to hear how it went. */
export const rpcRequest = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id,
  method: z.string().check(z.minLength(1), z.maxLength(100)),
  params: z.optional(z.record(z.string(), z.unknown())),
});
export type RpcRequest = z.infer<typeof rpcRequest>;
export type RpcId = RpcRequest['id'];

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: ErrorSummary;
}

export type RpcResponse =
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly result: unknown }
  | { readonly jsonrpc: '2.0'; readonly id: RpcId | null; readonly error: RpcError };

/** JSON-RPC's own numbers for calls that are no calls; `opus` for an error that a well-formed call came to. */
export const rpcCodes = {
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  opus: -32_000,
} as const;

export function rpcErrorOf(error: OpusError): RpcError {
  const { code, message, hint } = error.summary();
  return { code: rpcCodes.opus, message, data: { code, message, hint } };
}

/** Where in the value and what is wrong with it, on one line: `params.limit must be a number`. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], root: string): string {
  return issues
    .slice(0, 5)
    .map((issue) => `${[root, ...issue.path].map(String).join('.')} ${describe(issue)}`)
    .join('; ')
    .slice(0, 1_000);
}

// The messages of zod/mini are empty unless a locale is loaded, which is larger than all of this.
function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `has no ${issue.keys.slice(0, 5).join(', ')}`;
    case 'invalid_type':
      return `must be of type ${issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must have at least ${issue.minimum}`;
    case 'too_big':
      return `must have at most ${issue.maximum}`;
    default:
      return issue.message === 'Invalid input' ? 'is not what it should be' : issue.message;
  }
}
