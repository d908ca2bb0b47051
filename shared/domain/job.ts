import * as z from 'zod/mini';
import { evidence } from './evidence.ts';
import { decisionKinds } from './gate.ts';
import { jobStatuses } from './job-status.ts';
import { stages } from './stage.ts';

export { isFinished, jobStatuses, type JobStatus } from './job-status.ts';

export const waitReasons = [
  'dependency',
  'slot',
  'approval',
  'question',
  'human',
  'usage-limit',
  'budget',
  'disk',
  'circuit',
  'forge',
] as const;
/** What a job whose status is `waiting` waits for. */
export type WaitReason = (typeof waitReasons)[number];

/** The note's `run_state`: where the job is, in the words a reader of the note sees. */
export const runStates = [
  'queued',
  'plan',
  'code',
  'test',
  'review',
  'deliver',
  'merge',
  'waiting',
  'paused',
  'failed',
  'canceled',
  'done',
] as const;
export type RunState = (typeof runStates)[number];

/** `failed` is an error of the stage; `rejected` a test or a review that said no. */
export const stageStatuses = ['running', 'passed', 'rejected', 'failed', 'canceled'] as const;
export type StageStatus = (typeof stageStatuses)[number];

const stageDocument = z.object({
  name: z.enum(stages),
  status: z.enum(stageStatuses),
  round: z.int(),
  attempts: z.int(),
  durationMs: z.number(),
  evidence: z.optional(z.array(evidence)),
});
export type StageDocument = z.infer<typeof stageDocument>;

const decisionDocument = z.object({
  kind: z.enum(decisionKinds),
  gate: z.string(),
  comment: z.string(),
  person: z.string(),
  /** Null where it is not known. */
  device: z.nullable(z.string()),
  channel: z.string(),
  at: z.string(),
});
export type DecisionDocument = z.infer<typeof decisionDocument>;

/** The one JSON shape of a job that every command prints. */
export const jobDocument = z.object({
  job: z.string(),
  fr: z.string(),
  status: z.enum(jobStatuses),
  waitingFor: z.nullable(z.enum(waitReasons)),
  runState: z.enum(runStates),
  stages: z.array(stageDocument),
  rounds: z.int(),
  branch: z.nullable(z.string()),
  commit: z.nullable(z.string()),
  pr: z.nullable(z.object({ url: z.string(), number: z.int(), state: z.enum(['open', 'merged', 'closed']) })),
  gate: z.nullable(z.string()),
  cost: z.nullable(z.string()),
  /** In what it was less protected than it could be, a clause each; empty for most. */
  weaker: z._default(z.array(z.string()), []),
  /** What was decided at its gates, oldest first. */
  decisions: z._default(z.array(decisionDocument), []),
  /** Why policy leaves the merge to a person; empty where it does not, or was not asked. */
  leftToPerson: z._default(z.array(z.string()), []),
  error: z.nullable(z.object({ code: z.string(), message: z.string(), hint: z.nullable(z.string()) })),
});
export type JobDocument = z.infer<typeof jobDocument>;

/** 0 done or waiting at a gate that was meant to be reached, 1 failed, 3 a human is needed. */
export function exitCodeOf(job: Pick<JobDocument, 'status' | 'waitingFor'>): 0 | 1 | 3 {
  if (job.status === 'failed' || job.status === 'canceled') return 1;
  if (job.status === 'waiting' && job.waitingFor !== 'approval' && job.waitingFor !== 'question') return 3;
  return 0;
}
