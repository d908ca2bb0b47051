import { jobsOfQuery, type JobFilter } from '../../view-model/job-query.ts';
import { dollars, relativeTime } from '../../view-model/formats.ts';
import { useHost, useRunnerNow, useRunnerState } from '../frame/host-context.ts';
import { statusWord } from '../../view-model/job-words.ts';

/** The newest first, as a table. */
export function JobList({ filter }: { readonly filter: JobFilter }) {
  const host = useHost();
  const { jobs } = useRunnerState();
  const now = useRunnerNow(30_000);
  const found = jobsOfQuery({ kind: 'list', filter: { ...filter, limit: Number.MAX_SAFE_INTEGER } }, jobs.values());
  const shown = found.slice(0, filter.limit);
  if (shown.length === 0) return <p class="opus-quiet">No job is like that.</p>;
  return (
    <div class="opus-scroll" tabIndex={0} role="region" aria-label="Jobs">
      <table class="opus-table">
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">Title</th>
            <th scope="col">State</th>
            <th scope="col">Changed</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((job) => (
            <tr key={job.job}>
              <th scope="row">
                <button
                  type="button"
                  class="opus-link"
                  aria-label={`Review changes: ${job.job}`}
                  onClick={() => {
                    host.openView('review', job.job);
                  }}
                >
                  {job.job}
                </button>
              </th>
              <td>{job.title}</td>
              <td>{statusWord(job)}</td>
              <td>{relativeTime(job.updatedAt, now)}</td>
              <td>{job.dollars === null ? '–' : dollars(job.dollars)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.length > shown.length && <p class="opus-quiet">{`${found.length - shown.length} more are not shown.`}</p>}
    </div>
  );
}
