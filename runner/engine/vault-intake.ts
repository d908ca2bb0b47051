import { dispositionOf, toOpusError, type ErrorSummary, type OpusError } from '#shared/domain/errors.ts';
import { noteStatuses, type FeatureRequest, type NoteStatus } from '#shared/domain/feature-request.ts';
import { isFinished } from '#shared/domain/job.ts';
import { intake, remainingBacklog, type IntakeAction } from '../core/intake.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { clashSentence } from '../core/reporting/note-keys.ts';
import { takeNoteDecision } from './control.ts';
import { dispatch } from './dispatcher.ts';
import { firstSight } from './first-sight.ts';
import { stopAndCancel } from './job-control.ts';
import { recordJob } from './job-recorder.ts';
import type { JobRuntime } from './job-runtime.ts';
import type { ConfirmedNotes } from './stage-context.ts';

export interface VaultIntake {
  /** Reads the vault and takes up what it asks for; concurrent calls are folded into one more look. Never rejects. */
  look(): Promise<void>;
  /** Settles when no look is going on. */
  settled(): Promise<void>;
  /** The notes as they were last read. */
  notes(): readonly FeatureRequest[];
  /** Why the vault could not be read the last time; null when it could. */
  problem(): ErrorSummary | null;
  /** What could not be dispatched and why, by FR id; and by job id, whose note's status a person has changed. */
  refusals(): ReadonlyMap<string, ErrorSummary>;
  /** Whether the last look took up anything. */
  foundWork(): boolean;
}

interface Refusal {
  readonly hash: string;
  readonly at: number;
  readonly error: ErrorSummary;
  /** What was in force then: somebody may have confirmed the agent that was missing. */
  readonly confirmed: ConfirmedNotes;
}

/** What a dispatch failed of is tried again after so long, unless its note changed: it may have been the origin's absence. */
const retryRefusedMs = 60_000;

export interface IntakeHooks {
  /** Something may want to run now. */
  onAction(): void;
  /** Called before each look. */
  onLook(): Promise<void>;
  /** Called before what was seen is judged by the clock. */
  onJudging?(): void;
}

export function createVaultIntake(runtime: JobRuntime, hooks: IntakeHooks): VaultIntake {
  const { dependencies, running } = runtime;
  const { registry, vault, clock, log } = dependencies;
  let notes: readonly FeatureRequest[] = [];
  let problem: ErrorSummary | null = null;
  let foundWork = false;
  let looking: Promise<void> | null = null;
  let again = false;
  const refused = new Map<string, Refusal>();
  /** Decisions that were looked at, so that one which was refused is not refused anew with each look. */
  const seenDecisions = new Map<string, string>();

  async function lookOnce(): Promise<void> {
    try {
      await hooks.onLook();
      notes = await vault.scan();
    } catch (thrown) {
      const error = toOpusError(thrown);
      if (problem?.message !== error.message) log.warn({ err: thrown, code: error.code }, error.message);
      problem = error.summary();
      return;
    }
    const isBack = problem !== null;
    problem = null;
    for (const job of runtime.absent.takeReturned(notes)) {
      hooks.onAction();
      await runtime.wake(job);
    }
    const actions = actionsNow();
    for (const action of actions) {
      try {
        if (await perform(action)) foundWork = true;
      } catch (thrown) {
        const error = toOpusError(thrown);
        const about = 'job' in action ? action.job.id : action.featureRequest.id;
        log.error({ err: thrown, job: about, code: error.code }, `${about}: ${error.message}`);
      }
    }
    if (actions.length > 0 || isBack) await runtime.tell();
  }

  async function lookUntilNobodyAsks(): Promise<void> {
    for (again = true; isAskedAgain();) {
      try {
        await lookOnce();
      } catch (thrown) {
        log.error({ err: thrown }, `The vault could not be looked through: ${toOpusError(thrown).message}`);
      }
    }
  }

  function isAskedAgain(): boolean {
    const asked = again;
    again = false;
    // At once, so that nobody who asks from now on is sent to a look that is over.
    if (!asked) looking = null;
    return asked;
  }

  function actionsNow(): IntakeAction[] {
    hooks.onJudging?.();
    const { policy } = dependencies.confirmed();
    const state = firstSight(dependencies, notes, policy);
    const backlog = remainingBacklog(state, notes);
    if (backlog.length !== state.length) registry.setState('backlog', backlog);
    const untold = registry.outbox().flatMap(({ jobId }) => (jobId === null ? [] : [registry.job(jobId)]));
    const open = registry.jobs({ finished: false });
    for (const id of seenDecisions.keys()) if (!open.some((job) => job.id === id)) seenDecisions.delete(id);
    const planned = new Map(notes.map((note) => [note.id, note.contentHash]));
    const clashes = knownClashes();
    for (const [id, { hash }] of refused) if (planned.get(id) !== hash) refused.delete(id);
    return intake({
      notes,
      unfinished: open,
      untold: new Set(untold.flatMap((job) => (job === null ? [] : [job.featureRequestId]))),
      clashes,
      backlog: new Set(backlog),
      policy,
      now: clock.now(),
      deletedAfter: dependencies.config.timeouts.deleted,
    });
  }

  /** Whether it came to anything. */
  async function perform(action: IntakeAction): Promise<boolean> {
    switch (action.kind) {
      case 'dispatch':
        return await dispatchPlanned(action.featureRequest);
      case 'decision':
        return await takeDecision(action.job, action.decision);
      case 'cancel':
        await stopAndCancel(dependencies, running, action.job, action.reason, null);
        log.info({ job: action.job.id }, `${action.job.id} was canceled, since ${action.reason}.`);
        await runtime.wake(action.job);
        hooks.onAction();
        return true;
      case 'update':
        registry.commit(null, null, { updateJob: { id: action.job.id, fields: action.fields } });
        hooks.onAction();
        return false;
      case 'clash':
      case 'clash-settled':
        return await takeClash(action.job);
      case 'missing':
        registry.commit(null, null, { updateJob: { id: action.job.id, fields: { missingSince: clock.now() } } });
        log.warn(
          { job: action.job.id },
          `The note ${action.job.notePath} of ${action.job.id} is gone; its job is canceled if it stays so.`,
        );
        return false;
      case 'found':
        registry.commit(null, null, { updateJob: { id: action.job.id, fields: { missingSince: null } } });
        return false;
    }
  }

  async function dispatchPlanned(featureRequest: FeatureRequest): Promise<boolean> {
    const { id, contentHash: hash } = featureRequest;
    const earlier = refused.get(id);
    const confirmed = dependencies.confirmed();
    if (earlier?.confirmed === confirmed && clock.now() - earlier.at < retryRefusedMs && clock.now() >= earlier.at)
      return false;
    try {
      const open = registry.newestJobOf(id);
      if (open?.waitingFor === 'human') {
        await stopAndCancel(dependencies, running, open, 'superseded by a new dispatch', null);
      }
      // Read anew: between the look and now a person may have taken it back.
      const fresh = await vault.read(featureRequest.path);
      if (fresh?.status !== 'planned' || fresh.id !== id) return false;
      const current = { ...fresh, dependsOn: featureRequest.dependsOn, problems: featureRequest.problems };
      const job = await dispatch(dependencies, current, notes, 'planned', { waitForDependencies: true });
      refused.delete(id);
      log.info({ job: job.id }, `${id} was dispatched as ${job.id}.`);
      hooks.onAction();
      return true;
    } catch (thrown) {
      const error = toOpusError(thrown);
      refused.set(id, { hash, at: clock.now(), error: error.summary(), confirmed });
      if (earlier?.error.message !== error.message) {
        log.warn({ err: thrown, code: error.code }, `${id} cannot be dispatched: ${error.message}`);
        tellRefusal(featureRequest, error);
      }
      return false;
    }
  }

  function tellRefusal(featureRequest: FeatureRequest, error: OpusError): void {
    const sentence = `Cannot start: ${error.message} ${error.hint ?? ''}`.replace(/\s+/g, ' ').trim().slice(0, 500);
    const write = { path: featureRequest.path, keys: [['run_note', sentence]] as const, status: null };
    registry.commit(null, null, { outbox: [{ jobId: null, payload: { kind: 'keys', write } }] });
  }

  async function takeDecision(job: Job, decision: string): Promise<boolean> {
    const seen = `${job.gate?.hash ?? ''} ${decision}`;
    if (seenDecisions.get(job.id) === seen) return false;
    seenDecisions.set(job.id, seen);
    const before = registry.decisions(job.id).length;
    const after = await takeNoteDecision(dependencies, job).catch((thrown: unknown) => {
      refuseDecision(job, toOpusError(thrown));
      throw thrown;
    });
    if (registry.decisions(job.id).length === before) return false;
    log.info({ job: job.id }, `The decision in the note of ${job.id} was taken.`);
    await runtime.wake(after);
    hooks.onAction();
    return true;
  }

  /** Told in the note, where the decision was written; what may pass by itself is tried again with a later look. */
  function refuseDecision(job: Job, error: OpusError): void {
    if (dispositionOf(error.code) === 'retry') seenDecisions.delete(job.id);
    const current = registry.job(job.id);
    if (current === null || current.gate === null || current.error?.message === error.message) return;
    recordJob(registry, null, current, { fields: { error: error.summary() }, events: [], noteStatus: null });
  }

  /** Has the note told of it, or told no more. Read anew: between the look and now either side may have moved. */
  async function takeClash({ id }: Job): Promise<boolean> {
    const before = registry.job(id);
    const status = before === null ? null : ((await vault.read(before.notePath))?.status ?? null);
    const job = registry.job(id);
    if (job === null || isFinished(job.status) || status === null) return false;
    if (registry.outbox().some(({ jobId }) => jobId === id)) return false;
    const clashes = knownClashes();
    if (status === job.noteStatus) clashes.delete(id);
    else clashes.set(id, status);
    registry.setState('clash', Object.fromEntries(clashes));
    if (status !== job.noteStatus) log.warn({ job: id, found: status }, clashSentence(job, status));
    recordJob(registry, null, job, { fields: {}, events: [], noteStatus: job.noteStatus });
    return false;
  }

  /** By job id; kept over a restart, so that one which is settled meanwhile is told no more. */
  function knownClashes(): Map<string, NoteStatus> {
    const known = registry.state('clash')?.value;
    const entries = typeof known === 'object' && known !== null ? Object.entries(known) : [];
    return new Map(
      entries.flatMap(([id, found]) => {
        const status = noteStatuses.find((word) => word === found);
        const job = registry.job(id);
        return status === undefined || job === null || isFinished(job.status) ? [] : [[id, status] as const];
      }),
    );
  }

  function clashProblems(): [string, ErrorSummary][] {
    return [...knownClashes()].map(([id, found]) => {
      const job = registry.job(id);
      const message = job === null ? '' : `${job.notePath}: ${clashSentence(job, found)}`;
      return [id, { code: 'vault.clash', message, hint: null }];
    });
  }

  return {
    look() {
      if (looking) {
        again = true;
        return looking;
      }
      foundWork = false;
      looking = lookUntilNobodyAsks();
      return looking;
    },
    settled: () => looking ?? Promise.resolve(),
    notes: () => notes,
    problem: () => problem,
    refusals: () => new Map([...[...refused].map(([id, { error }]) => [id, error] as const), ...clashProblems()]),
    foundWork: () => foundWork,
  };
}
