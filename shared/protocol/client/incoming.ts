import * as z from 'zod/mini';
import { eventParams, notifications, type NotificationName, type NotificationParams } from '../wire.ts';

/** What one message of the runner is, after everything in it was checked. */
export type Incoming =
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failure'; readonly id: number | null; readonly error: unknown }
  | Told
  /** Something that a newer runner says. */
  | { readonly kind: 'unknown' }
  /** Not what the protocol says. */
  | { readonly kind: 'malformed' };

type Told = {
  [Name in NotificationName]: {
    readonly kind: Name;
    readonly params: NotificationParams<Name>;
    /** A part of it was not what the protocol says and was left out. */
    readonly isPartial: boolean;
  };
}[NotificationName];

const message = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.optional(z.nullable(z.union([z.string(), z.int()]))),
  method: z.optional(z.string()),
  params: z.optional(z.unknown()),
  result: z.optional(z.unknown()),
  error: z.optional(z.unknown()),
});

const eventAlone = z.omit(eventParams, { job: true });
const malformed: Incoming = { kind: 'malformed' };

export function readIncoming(text: string): Incoming {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return malformed;
  }
  const read = message.safeParse(json);
  if (!read.success) return malformed;
  const { id, method, params, result, error } = read.data;
  if (method !== undefined) return readTold(method, params);
  if (error !== undefined && error !== null) {
    return { kind: 'failure', id: typeof id === 'number' ? id : null, error };
  }
  return typeof id === 'number' && result !== undefined ? { kind: 'answer', id, result } : malformed;
}

function readTold(name: string, params: unknown): Incoming {
  if (!isNotification(name)) return { kind: 'unknown' };
  const read = notifications[name].safeParse(params);
  // The schema of this very name made the params; TypeScript cannot tell one of the union from another.
  if (read.success) return { kind: name, params: read.data, isPartial: false } as Told;
  if (name !== 'event') return malformed;
  // An event that is left out is a gap, and the snapshot that it calls for would have the same job in it.
  const alone = eventAlone.safeParse(params);
  return alone.success ? { kind: 'event', params: alone.data, isPartial: true } : malformed;
}

function isNotification(name: string): name is NotificationName {
  return Object.hasOwn(notifications, name);
}
