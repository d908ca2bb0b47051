import type { Job } from '../../core/ports/job-registry.ts';
import type { ObservedPullRequest } from '../../core/ports/pull-requests.ts';
import { unheeded } from '../../core/pull-request/remarks.ts';
import { commentedEvent, shownComment, shownComments } from '../../core/pull-request/shown-comments.ts';
import { recordJob } from '../job-recorder.ts';
import type { EngineDependencies } from '../stage-context.ts';

/** More than anybody reads of one job. */
const mostComments = 100;
const mostEvents = 10_000;

/** Tells once of each comment that is not obeyed, so that a person sees it; nothing follows from it. */
export function showComments(
  { registry }: EngineDependencies,
  job: Job,
  pull: ObservedPullRequest,
  facts: { readonly maySteer: (login: string) => boolean; readonly self: string | null },
): void {
  const said = unheeded(pull, facts.maySteer, new Set()).filter(({ author }) => author !== facts.self);
  if (said.length === 0) return;
  const before = shownComments(registry.events({ afterSeq: 0, jobId: job.id, limit: mostEvents }));
  const known = new Set(before.map(({ id }) => id));
  const news = said.filter(({ id }) => !known.has(id)).slice(0, Math.max(0, mostComments - before.length));
  for (const comment of news) {
    recordJob(registry, `${job.id}/commented/${comment.id}`, registry.job(job.id) ?? job, {
      fields: {},
      events: [[commentedEvent, { ...shownComment(comment) }]],
      noteStatus: null,
    });
  }
}
