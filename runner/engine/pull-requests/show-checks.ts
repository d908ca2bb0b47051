import { checkedEvent, checkStateOf } from '../../core/pull-request/check-state.ts';
import type { Job } from '../../core/ports/job-registry.ts';
import type { ObservedPullRequest } from '../../core/ports/pull-requests.ts';
import type { EngineDependencies } from '../stage-context.ts';

/** Tells how it stands with the checks of the job's commit, for people to see; what follows from it is decided elsewhere. */
export function showChecks({ registry }: EngineDependencies, job: Job, pull: ObservedPullRequest): void {
  if (pull.state !== 'open' || pull.headCommit === null || pull.headCommit !== job.headCommit) return;
  const found = checkStateOf(pull.checks);
  if (found === null) return;
  const runs = pull.checks.reduce((sum, { run }) => sum + run, 0);
  // Told once of each round of checks, without reading the job's events at each look.
  const seen = [pull.checks.length, runs, found.state, ...found.failed];
  const key = `${job.id}/checks/${pull.headCommit}/${JSON.stringify(seen)}`;
  if (registry.effect(key) !== undefined) return;
  const data = { commit: pull.headCommit, ...found };
  registry.commit(key, null, { events: [{ type: checkedEvent, jobId: job.id, data }] });
}
