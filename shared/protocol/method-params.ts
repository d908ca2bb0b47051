import * as z from 'zod/mini';
import { noteProblemCodes, noteStatuses, priorities } from '../domain/feature-request.ts';
import { decisionKinds } from '../domain/gate.ts';
import { stages } from '../domain/stage.ts';
import { roles } from './roles.ts';
import { mostNotes } from './vault-bundle.ts';

/** The longest that `events.since` keeps its caller waiting. */
export const longestWaitMs = 30_000;

const name = z.string().check(z.minLength(1), z.maxLength(120));
const comment = z._default(z.string().check(z.maxLength(20_000)), '');
const path = z.string().check(z.minLength(1), z.maxLength(4_096));
const nothing = z.strictObject({});
/** A job's id, or an FR's id for its newest job. */
const ofJob = { job: name };
const oneJob = z.strictObject(ofJob);
/**
 * The gate that was shown, as `merge@` and the hash or its beginning of at least 8 digits: another one by now is refused with
 * `registry.gate-stale`.
 */
const shownGate = z.optional(z.string().check(z.regex(/^[a-z]+@[0-9a-f]{8,64}$/)));
const notePath = z.string().check(z.minLength(1), z.maxLength(1_000));
const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));

const lineComment = z.strictObject({
  file: z.string().check(z.minLength(1), z.maxLength(4_096)),
  line: z.nullable(z.int().check(z.gte(1))),
  body: z.string().check(z.minLength(1), z.maxLength(5_000)),
});
export type LineComment = z.infer<typeof lineComment>;

/** What a client may ask of a running service, strictly: a misspelt option is an error. What it answers is in `methodResults`. */
export const methodParams = {
  'board.get': nothing,
  'fr.dispatch': z.strictObject({ fr: name, again: z._default(z.boolean(), false) }),
  'fr.dispatch-all': nothing,
  /** Without an FR, every note is looked at. */
  'fr.validate': z.strictObject({ fr: z.optional(name) }),
  /** Sets what a person may set of a note; `expect` is the status that was shown, refused with `vault.clash` when it is another. */
  'fr.set': z.strictObject({
    fr: name,
    status: z.optional(z.enum(noteStatuses)),
    priority: z.optional(z.enum(priorities)),
    expect: z.optional(z.nullable(z.enum(noteStatuses))),
  }),
  'runner.status': nothing,
  'runner.pause': nothing,
  'runner.resume': nothing,
  /** Nothing new is started; what runs goes on to its end. */
  'runner.drain': nothing,
  /** Reads opus.yml anew. */
  'runner.reload': nothing,
  'job.list': z.strictObject({
    finished: z._default(z.boolean(), true),
    limit: z._default(z.int().check(z.gte(1), z.lte(1_000)), 100),
  }),
  'job.get': oneJob,
  /** The last lines of each attempt's log, the oldest attempt first. */
  'job.log': z.strictObject({ ...ofJob, lines: z._default(z.int().check(z.gte(1), z.lte(5_000)), 200) }),
  'job.cancel': z.strictObject({ ...ofJob, reason: z.optional(z.string().check(z.maxLength(2_000))) }),
  'job.pause': oneJob,
  'job.resume': oneJob,
  'job.retry': z.strictObject({
    ...ofJob,
    from: z.optional(z.enum(stages)),
    rounds: z.optional(z.int().check(z.gte(1), z.lte(100))),
    comment,
  }),
  'job.revert': z.strictObject({ ...ofJob, comment }),
  'job.unblock': oneJob,
  /** `dir` is an absolute path: the caller's current folder is not the runner's. */
  'job.checkout': z.strictObject({
    ...ofJob,
    dir: path.check(z.startsWith('/', { error: 'must be an absolute path' })),
  }),
  'job.return': oneJob,
  'approval.decide': z.strictObject({
    ...ofJob,
    kind: z.enum(decisionKinds),
    comment,
    gate: shownGate,
    /** Taken from whoever may speak for others, which is the command line; a device speaks for its person. */
    person: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
    device: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  }),
  /**
   * Events in order, at most `limit`. With none to give, the answer waits for one, at most `waitMs`. Without `afterSeq` only
   * what happens from now on counts. The next call names `throughSeq`.
   */
  'events.since': z.strictObject({
    afterSeq: z.optional(z.int().check(z.gte(0))),
    jobId: z.optional(name),
    limit: z._default(z.int().check(z.gte(1), z.lte(1_000)), 100),
    waitMs: z._default(z.int().check(z.gte(0), z.lte(longestWaitMs)), 0),
  }),
  /** From the last that happened; told by `output` notifications. */
  'output.subscribe': oneJob,
  'output.unsubscribe': z.strictObject({ subscription: z.int() }),
  'backup.create': z.strictObject({
    file: z.optional(path.check(z.startsWith('/', { error: 'must be an absolute path' }))),
  }),
  'job.diff': oneJob,
  /** Sends the job back to code with these comments, as one fix round: from its merge gate, or from a rest for a person. */
  'job.comment': z.strictObject({
    ...ofJob,
    comments: z._default(z.array(lineComment).check(z.maxLength(200)), []),
    comment,
    gate: shownGate,
  }),
  'question.answer': z.strictObject({
    ...ofJob,
    answer: z.string().check(z.minLength(1), z.maxLength(20_000)),
    gate: shownGate,
  }),
  'trust.list': nothing,
  /** Confirms exactly what was shown; one that is something else by now refuses all of it. */
  'trust.confirm': z.strictObject({
    shown: z.array(z.strictObject({ path: z.string().check(z.maxLength(1_000)), hash: z.nullable(z.string()) })),
  }),
  /**
   * What the runner needs of the vault, by the SHA-256 of each note's bytes. With `files` it answers which contents it lacks;
   * contents come in as many calls as they need, without `files`; named again with nothing missing, the bundle is taken as the
   * vault's state, whole: what it does not name is gone. Without either, it answers the folders, and whether what this
   * device brought is still what the runner knows.
   */
  'vault.bundle': z.strictObject({
    files: z._default(
      z.nullable(
        z
          .array(
            z.strictObject({
              path: notePath,
              hash,
              /** The size of a note that is too long to be brought; `hash` is that of its beginning, then. */
              bytes: z.optional(z.int().check(z.gte(1))),
            }),
          )
          .check(z.maxLength(mostNotes)),
      ),
      null,
    ),
    /** How many files earlier calls have named already, where they are too many for one message. */
    from: z._default(z.int().check(z.gte(0)), 0),
    /** The next call names more of them; until then nothing is compared. */
    more: z._default(z.boolean(), false),
    contents: z._default(z.array(z.strictObject({ hash, text: z.string() })).check(z.maxLength(1_000)), []),
  }),
  /** Acknowledges a `vault.write`. `text` is the note's text as it stands now, so that the runner sees it at once. */
  'vault.applied': z.strictObject({
    id: z.string().check(z.maxLength(200)),
    outcome: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.enum(['written', 'unchanged', 'gone']) }),
      z.strictObject({ kind: z.literal('clash'), found: z.string().check(z.maxLength(500)) }),
      z.strictObject({
        kind: z.literal('refused'),
        code: z._default(z.enum(noteProblemCodes), 'note.unreadable'),
        message: z.string().check(z.maxLength(2_000)),
        line: z.int(),
      }),
      /** It could not be done here now, as when a file is locked; another client, or this one later, is asked. */
      z.strictObject({ kind: z.literal('failed'), message: z.string().check(z.maxLength(2_000)) }),
    ]),
    text: z._default(z.nullable(z.string()), null),
  }),
  /** A code by which one device may be paired within ten minutes, and the link that carries it. */
  'pairing.create': z.strictObject({ role: z._default(z.enum(roles), 'approver'), person: z.optional(name) }),
  /** Changes a code into a device's token. The one call that needs no token; wrong codes lock their sender out. */
  'device.pair': z.strictObject({ code: z.string().check(z.minLength(1), z.maxLength(100)), device: name }),
  'device.list': nothing,
  /** Revokes the device that calls, whatever it may do else; its connections end after the answer. */
  'device.unpair': nothing,
  /** Ends its connections, too. */
  'device.revoke': z.strictObject({ device: name }),
} as const;
