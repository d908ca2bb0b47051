import * as z from 'zod/mini';
import type { LiveEntry } from '../domain/live-output.ts';
import { noteStatuses } from '../domain/feature-request.ts';
import { boardJob, featureRequestDocument, spending } from './board.ts';
import { roles } from './roles.ts';
import { runnerStatus } from './runner-status.ts';

export const wirePath = '/ws';
/** Of one message, in bytes; a longer one ends the connection. */
export const longestMessage = 1_000_000;
/** The server says something at least this often, in milliseconds, so that silence means that it is gone. */
export const aliveEveryMs = 4_000;
/** After so long without a word the client takes the connection for dead. */
export const deadAfterMs = 10_000;

/** Why the server closes a connection: WebSocket close codes for the client to tell apart. */
export const closeCodes = {
  /** The token is not known, or was revoked: trying again is of no use. */
  unauthorized: 4401,
  /** Too many wrong tokens, connections or calls from there. */
  tooMany: 4429,
  /** No version of the protocol is common; the reason says which side to update. */
  version: 4426,
  /** Not what the protocol allows: no hello first, no JSON, too long. */
  malformed: 4400,
  /** The runner stops; it may be back soon. */
  stopping: 1001,
  /** Something failed in the runner; trying again may help. */
  broken: 1011,
} as const;

/** By which a client goes on where it was. Another epoch means that the numbers count something else, as after a restore. */
export const cursor = z.strictObject({ epoch: z.string().check(z.maxLength(100)), seq: z.int().check(z.gte(0)) });
export type Cursor = z.infer<typeof cursor>;

const word = z.string().check(z.maxLength(200));

/** The params of `hello`, the first message. */
export const helloParams = z.object({
  protocol: z.int(),
  client: z.union([
    word,
    z.object({ name: word, version: word, kind: z.optional(z.enum(['plugin', 'dashboard', 'cli', 'other'])) }),
  ]),
  token: z.string().check(z.minLength(1), z.maxLength(500)),
  since: z.optional(z.nullable(cursor)),
  /** Whether this client applies the runner's writes, where the vault is not on the runner's machine. */
  appliesWrites: z._default(z.boolean(), false),
});
export type Hello = z.input<typeof helloParams>;

export const helloResult = z.object({
  runner: z.object({ version: z.string(), name: z.string(), vaultWriter: z.enum(['runner', 'plugin']) }),
  /** The version spoken from here on: the older of both. */
  protocol: z.int(),
  role: z.enum(roles),
  person: z.string(),
  device: z.string(),
  epoch: z.string(),
  /** Of the newest event. */
  seq: z.int(),
  /** True when what was missed since the cursor follows as events; else a snapshot is needed (`board.get`). */
  resumed: z.boolean(),
});
export type HelloResult = z.infer<typeof helloResult>;

/** Gapless `seq`; the last of several events of a job that come together carries the job as it is then. */
export const eventParams = z.object({
  seq: z.int(),
  at: z.number(),
  type: z.string(),
  jobId: z.nullable(z.string()),
  data: z.record(z.string(), z.unknown()),
  job: z.optional(boardJob),
});
export type WireEvent = z.infer<typeof eventParams>;

/** What no event tells; each present part replaces what was known. */
export const stateParams = z.object({
  runner: z.optional(runnerStatus),
  featureRequests: z.optional(z.array(featureRequestDocument)),
  spending: z.optional(spending),
  /** How many agent, policy, rule and memory notes wait to be confirmed. */
  untrusted: z.optional(z.int()),
});
export type WireState = z.infer<typeof stateParams>;

/**
 * `seq` is that of the newest event: a client that knows less has missed something and asks for a snapshot. `bytes` is the size
 * of a message that follows at once and is so large that on a slow line nothing else is heard for a while.
 */
export const aliveParams = z.object({ seq: z.int(), at: z.number(), bytes: z.optional(z.int()) });

function isEntry(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'event' in value;
}

export const outputParams = z.object({
  subscription: z.int(),
  dropped: z.int(),
  /** LiveEntry each; what a newer runner adds is passed over. */
  entries: z.array(z.custom<LiveEntry>(isEntry)),
  /** Nothing comes any more before somebody does something about the job. */
  rests: z._default(z.boolean(), false),
});
export type WireOutput = z.infer<typeof outputParams>;

const path = z.string().check(z.minLength(1), z.maxLength(1_000));

/**
 * A write of the runner for a client with the vault at hand, told to one client at a time until it is acknowledged with
 * `vault.applied`. `id` is the same when it is told again.
 */
export const vaultWriteParams = z.object({
  id: z.string(),
  write: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('keys'),
      path,
      keys: z.array(z.tuple([z.string(), z.string()])),
      status: z.nullable(z.object({ expect: z.array(z.enum(noteStatuses)), to: z.enum(noteStatuses) })),
      /** The vault's own names of the keys, where they differ. */
      names: z.record(z.string(), z.string()),
    }),
    z.object({
      kind: z.literal('note'),
      path,
      text: z.string(),
      mode: z.enum(['create', 'replace']),
    }),
    /** `expect` is the SHA-256 of the only text that may be removed. */
    z.object({ kind: z.literal('remove'), path, expect: z.string() }),
  ]),
});
export type VaultWrite = z.infer<typeof vaultWriteParams>;

/** What the server tells without being asked. */
export const notifications = {
  event: eventParams,
  state: stateParams,
  alive: aliveParams,
  output: outputParams,
  'vault.write': vaultWriteParams,
} as const;
export type NotificationName = keyof typeof notifications;
export type NotificationParams<Name extends NotificationName> = z.output<(typeof notifications)[Name]>;
