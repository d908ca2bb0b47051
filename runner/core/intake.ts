import { isDispatchable, type FeatureRequest, type NoteStatus } from '#shared/domain/feature-request.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Policy } from './configuration.ts';
import type { Job } from './ports/job-registry.ts';

/** What a look at the vault asks for. */
export type IntakeAction =
  | { readonly kind: 'dispatch'; readonly featureRequest: FeatureRequest }
  /** The note answers a gate. */
  | { readonly kind: 'decision'; readonly job: Job; readonly decision: string }
  /** A person has set the note to a status that means: stop. */
  | { readonly kind: 'cancel'; readonly job: Job; readonly reason: string }
  /** The note says something else than the job's row. */
  | { readonly kind: 'update'; readonly job: Job; readonly fields: Pick<Job, 'title' | 'priority' | 'notePath'> }
  /** A person has set the note to another status than the job has given it; theirs stays. */
  | { readonly kind: 'clash'; readonly job: Job; readonly found: NoteStatus }
  /** The note has the job's status again. */
  | { readonly kind: 'clash-settled'; readonly job: Job }
  | { readonly kind: 'missing'; readonly job: Job }
  | { readonly kind: 'found'; readonly job: Job };

export interface IntakeInput {
  /** Every FR note of a vault whose root is healthy. */
  readonly notes: readonly FeatureRequest[];
  readonly unfinished: readonly Job[];
  /** Ids of FRs whose newest job has not been told to the note yet, so that the note's status is out of date. */
  readonly untold: ReadonlySet<string>;
  /** Clashes that are known already: the note's status by job id. */
  readonly clashes: ReadonlyMap<string, NoteStatus>;
  /** Ids that were planned at the first sight of the vault and wait for a person's word. */
  readonly backlog: ReadonlySet<string>;
  readonly policy: Pick<Policy, 'dispatch' | 'preempt'>;
  readonly now: number;
  /** Milliseconds for which a note must be gone before its job is canceled. */
  readonly deletedAfter: number;
}

/** Compares the notes with the jobs. Pure; repeated on the same input it asks for the same. */
export function intake(input: IntakeInput): IntakeAction[] {
  const actions: IntakeAction[] = [];
  const byId = new Map<string, FeatureRequest[]>();
  for (const note of input.notes) {
    if (note.id === '' || note.problems.some(({ code }) => code === 'note.sync-conflict')) continue;
    byId.set(note.id, [...(byId.get(note.id) ?? []), note]);
  }
  // A sync tool that is at work, or a folder that is not mounted, shows no note at all: that is nobody's decision.
  const isHealthy = byId.size > 0;
  for (const job of input.unfinished) actions.push(...actionsOfJob(job, byId, isHealthy, input));
  actions.push(...dispatches(byId, input));
  return actions;
}

function actionsOfJob(
  job: Job,
  byId: ReadonlyMap<string, readonly FeatureRequest[]>,
  isHealthy: boolean,
  input: IntakeInput,
): IntakeAction[] {
  const notes = byId.get(job.featureRequestId) ?? [];
  const note = notes.find(({ path }) => path === job.notePath) ?? notes[0];
  if (!note) {
    if (!isHealthy) return [];
    if (job.missingSince === null) return [{ kind: 'missing', job }];
    // A clock that was set back must not make it wait for ever, nor one set forward end it at once.
    if (input.now - job.missingSince < input.deletedAfter) return [];
    return [{ kind: 'cancel', job, reason: `its note ${job.notePath} was deleted` }];
  }
  const actions: IntakeAction[] = [];
  if (job.missingSince !== null) actions.push({ kind: 'found', job });
  if ((note.status === 'parked' || note.status === 'rejected') && note.status !== job.noteStatus) {
    return [...actions, { kind: 'cancel', job, reason: `the note's status was set to ${note.status}` }];
  }
  if (note.title !== job.title || note.priority !== job.priority || note.path !== job.notePath) {
    const { title, priority, path } = note;
    actions.push({ kind: 'update', job, fields: { title, priority, notePath: path } });
  }
  actions.push(...clashes(job, note, input));
  const { decision } = note;
  if (job.gate !== null && decision.trim() !== '') actions.push({ kind: 'decision', job, decision });
  return actions;
}

function clashes(job: Job, { status }: FeatureRequest, input: IntakeInput): IntakeAction[] {
  if (status === null || input.untold.has(job.featureRequestId)) return [];
  const known = input.clashes.get(job.id);
  // Planned again is the word for a new job.
  const isClash = status !== job.noteStatus && !(status === 'planned' && isWithPerson(job));
  if (!isClash) return known === undefined ? [] : [{ kind: 'clash-settled', job }];
  return known === status ? [] : [{ kind: 'clash', job, found: status }];
}

function isWithPerson(job: Job): boolean {
  return job.waitingFor === 'human' && job.noteStatus === 'needs-human';
}

function dispatches(byId: ReadonlyMap<string, readonly FeatureRequest[]>, input: IntakeInput): IntakeAction[] {
  if (input.policy.dispatch !== 'auto') return [];
  const open = new Map(input.unfinished.map((job) => [job.featureRequestId, job]));
  const due: FeatureRequest[] = [];
  for (const [id, notes] of byId) {
    const [note] = notes;
    if (!note || notes.length > 1 || note.status !== 'planned' || !isDispatchable(note)) continue;
    if (input.backlog.has(id) || input.untold.has(id)) continue;
    const job = open.get(id);
    // Set to planned again by hand, a request that needed a person is dispatched anew.
    if (job === undefined || isFinished(job.status) || isWithPerson(job)) due.push(note);
  }
  return due
    .sort((left, right) => left.priority.localeCompare(right.priority) || left.id.localeCompare(right.id))
    .map((featureRequest) => ({ kind: 'dispatch', featureRequest }));
}

/** The backlog as it is after another look: what is no longer planned was decided on. */
export function remainingBacklog(backlog: readonly string[], notes: readonly FeatureRequest[]): string[] {
  const planned = new Set(notes.filter(({ status }) => status === 'planned').map(({ id }) => id));
  return backlog.filter((id) => planned.has(id));
}
