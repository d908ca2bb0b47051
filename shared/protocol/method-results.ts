import * as z from 'zod/mini';
import { expectedCost } from '../domain/expected-cost.ts';
import { jobDocument } from '../domain/job.ts';
import { boardJob, featureRequestDocument, spending } from './board.ts';
import { codeNote, diffDocument } from './review-documents.ts';
import type { methodParams } from './method-params.ts';
import { roles } from './roles.ts';
import { pauseResult, runnerProblem, runnerStatus } from './runner-status.ts';

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

const role = z.enum(roles);

const device = z.object({
  id: z.string(),
  name: z.string(),
  person: z.string(),
  role,
  pairedAt: z.number(),
  lastSeenAt: z.nullable(z.number()),
  connected: z.boolean(),
});
export type DeviceDocument = z.infer<typeof device>;

/** What a running service answers: only what is named here leaves the runner, and a client trusts nothing else. */
export const methodResults = {
  'board.get': z.object({
    /** The events up to this one are in the snapshot. */
    seq: z.int(),
    /** Of the numbers of events; another one after a restore. */
    epoch: z.string(),
    runner: runnerStatus,
    jobs: z.array(boardJob),
    featureRequests: z.array(featureRequestDocument),
    spending,
    /** How many agent, policy, rule and memory notes wait to be confirmed. */
    untrusted: z.int(),
  }),
  'fr.dispatch': dispatchedJob,
  'fr.dispatch-all': z.object({
    jobs: z.array(dispatchedJob),
    refused: z.array(z.object({ fr: z.string(), ...runnerProblem.shape })),
  }),
  'fr.validate': z.object({ featureRequests: z.array(featureRequestDocument) }),
  'fr.set': featureRequestDocument,
  'runner.status': runnerStatus,
  'runner.pause': pauseResult,
  'runner.resume': pauseResult,
  'runner.drain': pauseResult,
  'runner.reload': z.object({
    /** Keys whose new values are in force. */
    changed: z.array(z.string()),
    /** Keys whose new values wait for a restart. */
    needsRestart: z.array(z.string()),
  }),
  'job.list': z.object({ jobs: z.array(jobDocument) }),
  'job.get': jobDocument,
  'job.log': z.object({ logs: z.array(z.object({ name: z.string(), text: z.string() })) }),
  'job.cancel': jobDocument,
  'job.pause': jobDocument,
  'job.resume': jobDocument,
  'job.retry': jobDocument,
  'job.revert': jobDocument,
  'job.unblock': jobDocument,
  'job.checkout': jobDocument,
  'job.return': jobDocument,
  'approval.decide': jobDocument,
  'events.since': z.object({ events: z.array(event), throughSeq: z.int() }),
  'output.subscribe': z.object({ subscription: z.int(), job: z.string() }),
  'output.unsubscribe': z.object({}),
  'backup.create': z.object({ file: z.string(), bytes: z.int() }),
  'job.diff': diffDocument,
  'job.comment': jobDocument,
  'question.answer': jobDocument,
  'trust.list': z.object({ notes: z.array(codeNote) }),
  'trust.confirm': z.object({ confirmed: z.int() }),
  'vault.bundle': z.object({
    /** Not all of them at once, where they are many. */
    missing: z.array(z.string()),
    /** False with nothing missing: another device speaks for the vault, or this one is behind it. It asks again later. */
    taken: z.boolean(),
    /** The folders to bring: all notes in them. */
    folders: z.array(z.string()),
  }),
  'vault.applied': z.object({}),
  'pairing.create': z.object({ code: z.string(), link: z.string(), url: z.string(), expiresAt: z.number(), role }),
  'device.pair': z.object({ token: z.string(), id: z.string(), role, person: z.string(), runner: z.string() }),
  'device.list': z.object({ devices: z.array(device) }),
  'device.unpair': z.object({}),
  'device.revoke': z.object({ revoked: z.array(z.string()) }),
} as const satisfies Record<keyof typeof methodParams, unknown>;
