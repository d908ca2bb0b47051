import * as z from 'zod/mini';

export const pauseStates = ['no', 'paused', 'draining'] as const;

export const runnerProblem = z.object({ code: z.string(), message: z.string(), hint: z.nullable(z.string()) });
export type RunnerProblem = z.infer<typeof runnerProblem>;

const circuit = z.object({
  kind: z.enum(['agent', 'forge']),
  name: z.string(),
  state: z.enum(['closed', 'open', 'half-open']),
  /** Milliseconds since the epoch; null while it is closed. */
  until: z.nullable(z.number()),
});

/** What a running service says of itself. */
export const runnerStatus = z.object({
  pid: z.int(),
  version: z.string(),
  url: z.string(),
  /** Whether it would start jobs now. */
  ready: z.boolean(),
  /** How agents are confined, in a word or a sentence. */
  sandbox: z.string(),
  startedAt: z.number(),
  paused: z.enum(pauseStates),
  /** False while the file system cannot tell of changes and the vault is only looked at now and then. */
  watching: z.boolean(),
  /** Where the vault is not on the runner's machine: whether a device that writes for it is connected, and how many writes wait. */
  vaultElsewhere: z.optional(z.object({ connected: z.boolean(), untold: z.int() })),
  circuits: z.array(circuit),
  problems: z.array(runnerProblem),
  running: z.int(),
  queued: z.int(),
  waiting: z.int(),
});
export type RunnerStatus = z.infer<typeof runnerStatus>;

export const pauseResult = z.object({ paused: z.enum(pauseStates), running: z.int() });
export type PauseResult = z.infer<typeof pauseResult>;
