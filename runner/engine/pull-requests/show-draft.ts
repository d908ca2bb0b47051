import type { Job } from '../../core/ports/job-registry.ts';
import type { ObservedPullRequest } from '../../core/ports/pull-requests.ts';
import { draftChange } from '../../core/pull-request/draft-state.ts';
import { recordJob } from '../job-recorder.ts';
import type { EngineDependencies } from '../stage-context.ts';

const mostEvents = 10_000;

/** Tells once of each time that it was made a draft, or ready; nothing follows from it before the merge. */
export function showDraft({ registry }: EngineDependencies, job: Job, pull: ObservedPullRequest): void {
  if (pull.state !== 'open') return;
  const first = `${job.id}/draft`;
  const isFirst = registry.effect(first) === undefined;
  // Most never are one: their events are not read at each look.
  if (isFirst && !pull.isDraft) return;
  const events = registry.events({ afterSeq: 0, jobId: job.id, limit: mostEvents });
  const change = draftChange(events, pull.isDraft);
  // What is beyond the limit cannot be read again, and would be told at each look.
  if (change === null || events.length >= mostEvents) return;
  recordJob(registry, isFirst ? first : `${first}/${events.at(-1)?.seq ?? 0}`, job, {
    fields: {},
    events: [[change, { number: pull.number }]],
    noteStatus: null,
  });
}
