import type { BoardJob } from '../../protocol/board.ts';
import { jobsOfQuery, pullRequestAddress } from '../../view-model/job-query.ts';

/** One of them names the job. */
export interface ShownJob {
  /** A job's id, or an FR's for its newest job. */
  readonly job?: string;
  /** The address of its pull request. */
  readonly pullRequest?: string;
}

export function findJob(jobs: Iterable<BoardJob>, { job, pullRequest }: ShownJob): BoardJob | null {
  const url = pullRequest === undefined ? null : pullRequestAddress(pullRequest);
  const [found] = jobsOfQuery(url === null ? { kind: 'name', name: job ?? '' } : { kind: 'pull-request', url }, jobs);
  return found ?? null;
}
