import { dollars, sentenceCase } from '../../shared/view-model/formats.ts';
import { spendingLine } from '../../shared/view-model/sidebar-model.ts';
import { useRunnerState } from '../../shared/view/frame/host-context.ts';
import { Spending as SpendingLine } from '../../shared/view/sidebar/runner-line.tsx';

/** Today's sum, and what each job that the runner tells of has cost so far. */
export function Spending() {
  const { jobs, spending } = useRunnerState();
  const rows = [...jobs.values()].sort((left, right) => right.updatedAt - left.updatedAt);
  return (
    <>
      {spending === null ? (
        <p class="opus-quiet">Nothing is known yet.</p>
      ) : (
        <SpendingLine spending={spendingLine(spending)} />
      )}
      {rows.length === 0 ? (
        <p class="opus-quiet">There are no jobs.</p>
      ) : (
        <div class="opus-table-place" tabIndex={0} role="region" aria-label="Cost of jobs">
          <table class="opus-table">
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">Feature request</th>
                <th scope="col">Status</th>
                <th scope="col" class="opus-number">
                  Cost
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((job) => (
                <tr key={job.job}>
                  <th scope="row">{job.job}</th>
                  <td>{job.title}</td>
                  <td>{sentenceCase(job.status)}</td>
                  <td class="opus-number">{job.dollars === null ? 'not known' : dollars(job.dollars)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
