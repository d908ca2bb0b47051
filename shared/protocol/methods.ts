import type * as z from 'zod/mini';
import type { methodParams } from './method-params.ts';
import { methodResults } from './method-results.ts';

// Apart, since a client reads results alone, and what it does not need it should not carry.

export type MethodName = keyof typeof methodResults;
/** What a caller writes: what has a default may be left out. */
export type MethodInput<Method extends MethodName> = z.input<(typeof methodParams)[Method]>;
export type MethodParams<Method extends MethodName> = z.output<(typeof methodParams)[Method]>;
export type MethodResult<Method extends MethodName> = z.output<(typeof methodResults)[Method]>;

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(methodResults, name);
}
