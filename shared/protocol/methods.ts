import * as z from 'zod/mini';
import { expectedCost } from '../domain/expected-cost.ts';
import { noteProblemCodes, noteStatuses, priorities } from '../domain/feature-request.ts';
import { decisionKinds } from '../domain/gate.ts';
import { jobDocument } from '../domain/job.ts';
import { stages } from '../domain/stage.ts';
import { pauseResult, runnerProblem, runnerStatus } from './runner-status.ts';

/** The longest that `events.since` keeps its caller waiting. */
export const longestWaitMs = 30_000;

const name = z.string().check(z.minLength(1), z.maxLength(120));
const comment = z._default(z.string().check(z.maxLength(20_000)), '');
const path = z.string().check(z.minLength(1), z.maxLength(4_096));
const nothing = z.strictObject({});
/** A job's id, or an FR's id for its newest job. */
const ofJob = { job: name };
const oneJob = z.strictObject(ofJob);

const featureRequestDocument = z.object({
  id: z.string(),
  title: z.string(),
  status: z.nullable(z.enum(noteStatuses)),
  priority: z.enum(priorities),
  path: z.string(),
  dependsOn: z.array(z.string()),
  problems: z.array(z.object({ code: z.enum(noteProblemCodes), message: z.string(), line: z.int() })),
});

const event = z.object({
  seq: z.int(),
  at: z.number(),
  type: z.string(),
  jobId: z.nullable(z.string()),
  data: z.record(z.string(), z.unknown()),
});
export type ProtocolEvent = z.infer<typeof event>;

const dispatchedJob = z.extend(jobDocument, {
  /** By what its repository's jobs took before; absent where its note has not been looked at yet. */
  expected: z.optional(expectedCost),
});
export type DispatchedJob = z.infer<typeof dispatchedJob>;

/**
 * What a client may ask of a running service. A call that nobody foresaw is refused: params are strict, so that a
 * misspelt option is an error; of results, only what is named here leaves the runner.
 */
export const methods = {
  'board.get': {
    params: nothing,
    result: z.object({
      /** The events up to this one are in the snapshot. */
      seq: z.int(),
      runner: runnerStatus,
      jobs: z.array(jobDocument),
      featureRequests: z.array(featureRequestDocument),
    }),
  },
  'fr.dispatch': {
    params: z.strictObject({ fr: name, again: z._default(z.boolean(), false) }),
    result: dispatchedJob,
  },
  'fr.dispatch-all': {
    params: nothing,
    result: z.object({
      jobs: z.array(dispatchedJob),
      refused: z.array(z.object({ fr: z.string(), ...runnerProblem.shape })),
    }),
  },
  /** Without an FR, every note is looked at. */
  'fr.validate': {
    params: z.strictObject({ fr: z.optional(name) }),
    result: z.object({ featureRequests: z.array(featureRequestDocument) }),
  },
  'runner.status': { params: nothing, result: runnerStatus },
  'runner.pause': { params: nothing, result: pauseResult },
  'runner.resume': { params: nothing, result: pauseResult },
  /** Nothing new is started; what runs goes on to its end. */
  'runner.drain': { params: nothing, result: pauseResult },
  /** Reads opus.yml anew. */
  'runner.reload': {
    params: nothing,
    result: z.object({
      /** Keys whose new values are in force. */
      changed: z.array(z.string()),
      /** Keys whose new values wait for a restart. */
      needsRestart: z.array(z.string()),
    }),
  },
  'job.list': {
    params: z.strictObject({
      finished: z._default(z.boolean(), true),
      limit: z._default(z.int().check(z.gte(1), z.lte(1_000)), 100),
    }),
    result: z.object({ jobs: z.array(jobDocument) }),
  },
  'job.get': { params: oneJob, result: jobDocument },
  /** The last lines of each attempt's log, the oldest attempt first. */
  'job.log': {
    params: z.strictObject({ ...ofJob, lines: z._default(z.int().check(z.gte(1), z.lte(5_000)), 200) }),
    result: z.object({ logs: z.array(z.object({ name: z.string(), text: z.string() })) }),
  },
  'job.cancel': {
    params: z.strictObject({ ...ofJob, reason: z.optional(z.string().check(z.maxLength(2_000))) }),
    result: jobDocument,
  },
  'job.pause': { params: oneJob, result: jobDocument },
  'job.resume': { params: oneJob, result: jobDocument },
  'job.retry': {
    params: z.strictObject({
      ...ofJob,
      from: z.optional(z.enum(stages)),
      rounds: z.optional(z.int().check(z.gte(1), z.lte(100))),
      comment,
    }),
    result: jobDocument,
  },
  'job.revert': { params: z.strictObject({ ...ofJob, comment }), result: jobDocument },
  'job.unblock': { params: oneJob, result: jobDocument },
  /** `dir` is an absolute path: the caller's current folder is not the runner's. */
  'job.checkout': {
    params: z.strictObject({ ...ofJob, dir: path.check(z.startsWith('/', { error: 'must be an absolute path' })) }),
    result: jobDocument,
  },
  'job.return': { params: oneJob, result: jobDocument },
  'approval.decide': {
    params: z.strictObject({
      ...ofJob,
      kind: z.enum(decisionKinds),
      comment,
      person: z.string().check(z.minLength(1), z.maxLength(200)),
      device: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
    }),
    result: jobDocument,
  },
  /**
   * Events in order, at most `limit`. With none to give, the answer waits for one, at most `waitMs`. Without `afterSeq` only
   * what happens from now on counts. The next call names `throughSeq`.
   */
  'events.since': {
    params: z.strictObject({
      afterSeq: z.optional(z.int().check(z.gte(0))),
      jobId: z.optional(name),
      limit: z._default(z.int().check(z.gte(1), z.lte(1_000)), 100),
      waitMs: z._default(z.int().check(z.gte(0), z.lte(longestWaitMs)), 0),
    }),
    result: z.object({ events: z.array(event), throughSeq: z.int() }),
  },
  'backup.create': {
    params: z.strictObject({ file: z.optional(path.check(z.startsWith('/', { error: 'must be an absolute path' }))) }),
    result: z.object({ file: z.string(), bytes: z.int() }),
  },
} as const;

export type MethodName = keyof typeof methods;
/** What a caller writes: what has a default may be left out. */
export type MethodInput<Method extends MethodName> = z.input<(typeof methods)[Method]['params']>;
export type MethodParams<Method extends MethodName> = z.output<(typeof methods)[Method]['params']>;
export type MethodResult<Method extends MethodName> = z.output<(typeof methods)[Method]['result']>;

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(methods, name);
}
