import { addCheckRun, addStatus, rerunJob, tellCheck } from './ci.ts';
import { Refusal } from './refusal.ts';
import type { CheckRun, CommitStatus, Conclusion, WorkflowRun } from './records.ts';
import { latestRuns, latestStatuses } from './rules.ts';
import { commitOf, notFound, reads, textOf, writes, type Call, type Route, type Routes } from './routes.ts';
import { repositoryView } from './views.ts';
import { checkRunView, hasLog, jobView, logUrl, statusView, workflowRunView } from './views-checks.ts';
import type { Fields } from './description.ts';

function runOf(call: Call, parameter: string): CheckRun {
  const run = call.repository.checkRuns.find((candidate) => candidate.id === Number(call.params[parameter]));
  if (run === undefined) throw notFound();
  return run;
}

function workflowOf(call: Call, id: number | null): WorkflowRun {
  const run = call.repository.workflowRuns.find((candidate) => candidate.id === id);
  if (run === undefined) throw notFound();
  return run;
}

function updated(call: Call, run: CheckRun): Fields {
  const { body, state } = call;
  const output = (body['output'] ?? {}) as Fields;
  const conclusion = textOf(body, 'conclusion') as Conclusion | undefined;
  const status = (conclusion === undefined ? textOf(body, 'status') : 'completed') as CheckRun['status'] | undefined;
  Object.assign(run, {
    ...(status === undefined ? {} : { status }),
    ...(conclusion === undefined ? {} : { conclusion, completedAt: state.now() }),
    ...(textOf(output, 'title') === undefined ? {} : { title: textOf(output, 'title') }),
    ...(textOf(output, 'summary') === undefined ? {} : { summary: textOf(output, 'summary') }),
    ...(textOf(output, 'text') === undefined ? {} : { text: textOf(output, 'text') }),
    ...(textOf(body, 'details_url') === undefined ? {} : { detailsUrl: textOf(body, 'details_url') }),
    ...(textOf(body, 'external_id') === undefined ? {} : { externalId: textOf(body, 'external_id') }),
  });
  if (conclusion !== undefined) tellCheck(state, call.repository, run, 'completed');
  return checkRunView(state, call.repository, run);
}

/** Only Apps may write check runs. */
function asApp(run: Route['run']): Route {
  return { ...writes('checks', run), caller: 'installation' };
}

function failedOf(call: Call, workflow: WorkflowRun): readonly CheckRun[] {
  const jobs = call.repository.checkRuns.filter((run) => run.workflowRun === workflow.id);
  const latest = new Map(jobs.map((run) => [run.name, run]));
  return [...latest.values()].filter((run) => run.status === 'completed' && run.conclusion !== 'success');
}

export const checkRoutes: Routes = {
  'checks/list-for-ref': reads('checks', (call) => {
    const commit = commitOf(call, call.params['ref'] ?? '');
    const name = call.query.get('check_name');
    const all = call.query.get('filter') === 'all';
    const runs = all
      ? call.repository.checkRuns.filter((run) => run.commit === commit)
      : latestRuns(call.repository, commit);
    const list = runs
      .filter((run) => name === null || run.name === name)
      .map((run) => checkRunView(call.state, call.repository, run));
    return { status: 200, list, wrap: (check_runs, total_count) => ({ total_count, check_runs }) };
  }),
  'checks/get': reads('checks', (call) => ({
    status: 200,
    body: checkRunView(call.state, call.repository, runOf(call, 'check_run_id')),
  })),
  'checks/create': asApp((call) => {
    const commit = textOf(call.body, 'head_sha') ?? '';
    const run = addCheckRun(call.state, call.repository, commit, textOf(call.body, 'name') ?? '', null);
    run.status = 'queued';
    return { status: 201, body: updated(call, run) };
  }),
  'checks/update': asApp((call) => ({ status: 200, body: updated(call, runOf(call, 'check_run_id')) })),
  'checks/list-suites-for-ref': reads('checks', (call) => {
    const commit = commitOf(call, call.params['ref'] ?? '');
    const runs = call.repository.checkRuns.filter((run) => run.commit === commit);
    const list = [...new Map(runs.map((run) => [run.suite, run])).values()].map((run) => ({
      id: run.suite,
      head_sha: commit,
      status: run.status,
      conclusion: run.conclusion,
      repository: repositoryView(call.state, call.repository),
    }));
    return { status: 200, list, wrap: (check_suites, total_count) => ({ total_count, check_suites }) };
  }),
  'repos/create-commit-status': writes('statuses', (call) => {
    const wanted = {
      commit: commitOf(call, call.params['sha'] ?? ''),
      context: textOf(call.body, 'context') ?? 'default',
      state: textOf(call.body, 'state') as CommitStatus['state'],
      description: textOf(call.body, 'description') ?? null,
      targetUrl: textOf(call.body, 'target_url') ?? null,
    };
    const status = addStatus(call.state, call.repository, wanted, call.login);
    return { status: 201, body: statusView(call.state, call.repository, status) };
  }),
  'repos/list-commit-statuses-for-ref': reads('statuses', (call) => {
    const commit = commitOf(call, call.params['ref'] ?? '');
    const found = call.repository.statuses.filter((status) => status.commit === commit).toReversed();
    return { status: 200, list: found.map((status) => statusView(call.state, call.repository, status)) };
  }),
  'repos/get-combined-status-for-ref': reads('statuses', (call) => {
    const sha = commitOf(call, call.params['ref'] ?? '');
    const found = latestStatuses(call.repository, sha);
    const isBad = found.some((status) => status.state === 'failure' || status.state === 'error');
    const isGood = found.length > 0 && found.every((status) => status.state === 'success');
    const body = {
      state: isBad ? 'failure' : isGood ? 'success' : 'pending',
      statuses: found.map((status) => statusView(call.state, call.repository, status)),
      sha,
      total_count: found.length,
      repository: repositoryView(call.state, call.repository),
    };
    return { status: 200, body };
  }),
  'actions/list-workflow-runs-for-repo': reads('actions', (call) => {
    const sha = call.query.get('head_sha');
    const branch = call.query.get('branch');
    const list = call.repository.workflowRuns
      .filter((run) => (sha === null || run.commit === sha) && (branch === null || run.branch === branch))
      .map((run) => workflowRunView(call.state, call.repository, run));
    return { status: 200, list, wrap: (workflow_runs, total_count) => ({ total_count, workflow_runs }) };
  }),
  'actions/get-workflow-run': reads('actions', (call) => ({
    status: 200,
    body: workflowRunView(call.state, call.repository, workflowOf(call, Number(call.params['run_id']))),
  })),
  'actions/list-jobs-for-workflow-run': reads('actions', (call) => {
    const workflow = workflowOf(call, Number(call.params['run_id']));
    const jobs = call.repository.checkRuns.filter((run) => run.workflowRun === workflow.id);
    const isAll = call.query.get('filter') === 'all';
    const shown = isAll ? jobs : [...new Map(jobs.map((run) => [run.name, run])).values()];
    const list = shown.map((run) => jobView(call.state, call.repository, run, workflow));
    return { status: 200, list, wrap: (page, total_count) => ({ total_count, jobs: page }) };
  }),
  'actions/get-job-for-workflow-run': reads('actions', (call) => {
    const run = runOf(call, 'job_id');
    return { status: 200, body: jobView(call.state, call.repository, run, workflowOf(call, run.workflowRun)) };
  }),
  'actions/download-job-logs-for-workflow-run': reads('actions', (call) => {
    const run = runOf(call, 'job_id');
    if (run.workflowRun === null || !hasLog(run)) throw notFound();
    return { status: 302, headers: { location: logUrl(call.state, run) } };
  }),
  'actions/re-run-job-for-workflow-run': writes('actions', (call) => {
    const run = runOf(call, 'job_id');
    workflowOf(call, run.workflowRun);
    if (run.status !== 'completed') throw new Refusal(403, 'The workflow run containing this job is already running');
    rerunJob(call.state, call.repository, run);
    return { status: 201, body: {} };
  }),
  'actions/re-run-workflow-failed-jobs': writes('actions', (call) => {
    const workflow = workflowOf(call, Number(call.params['run_id']));
    const failed = failedOf(call, workflow);
    if (failed.length === 0) throw new Refusal(403, 'There are no failed jobs to rerun.');
    for (const run of failed) rerunJob(call.state, call.repository, run);
    return { status: 201, body: {} };
  }),
  'checks/rerequest-run': writes('checks', (call) => {
    const run = runOf(call, 'check_run_id');
    rerunJob(call.state, call.repository, run);
    return { status: 201, body: {} };
  }),
  'actions/list-repo-workflows': reads('actions', (call) => {
    const files = call.repository.bare
      .git('ls-tree', '--name-only', call.repository.defaultBranch, '.github/workflows/')
      .split('\n')
      .filter(Boolean);
    const list = files.map((path, index) => ({
      id: index + 1,
      name: path.split('/').at(-1) ?? path,
      path,
      state: 'active',
    }));
    return { status: 200, list, wrap: (workflows, total_count) => ({ total_count, workflows }) };
  }),
};
