import { parseJobId } from '../shared/domain/ids.ts';
import type { BoardJob } from '../shared/protocol/board.ts';
import type { RunnerState } from '../shared/view-model/runner-state.ts';

type Jobs = Pick<RunnerState, 'jobs'>;

/** The newest job of the note, whether that is the feature request or a run report; null when none is known. */
export function jobOfNote({ jobs }: Jobs, path: string): BoardJob | null {
  const all = [...jobs.values()];
  const report = all.find((job) => job.reportPath === path);
  return report ?? newest(all.filter((job) => job.notePath === path));
}

/** The job whose pull request has this address, whatever page of it is meant. */
export function jobOfPullRequest({ jobs }: Jobs, url: string): BoardJob | null {
  for (const job of jobs.values()) {
    const address = job.pr?.url;
    if (address === undefined) continue;
    const rest = url.startsWith(address) ? url.slice(address.length) : null;
    if (rest !== null && (rest === '' || /^[/?#]/.test(rest))) return job;
  }
  return null;
}

function newest(jobs: readonly BoardJob[]): BoardJob | null {
  return jobs.reduce<BoardJob | null>(
    (found, job) => (found === null || numberOf(job) > numberOf(found) ? job : found),
    null,
  );
}

function numberOf(job: BoardJob): number {
  return parseJobId(job.job)?.number ?? 0;
}
