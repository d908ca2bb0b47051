import type { Fields } from './description.ts';
import { jobLog, stepTimes } from './job-logs.ts';
import type { CheckRun, CommitStatus, Repository, WorkflowRun } from './records.ts';
import type { GitHubState } from './state.ts';
import { nodeId, personView, repositoryView, stamp, stampOrNull } from './views.ts';

function rootOf(state: GitHubState, repository: Repository): string {
  return `${state.api}/repos/${repository.owner}/${repository.name}`;
}

function appView(state: GitHubState, isActions: boolean): Fields {
  const slug = isActions ? 'github-actions' : 'other';
  return {
    id: isActions ? 15368 : 1,
    slug,
    name: isActions ? 'GitHub Actions' : 'Other checks',
    owner: personView(state, state.person('github', 'Organization')),
  };
}

export function checkRunView(state: GitHubState, repository: Repository, run: CheckRun): Fields {
  const root = rootOf(state, repository);
  return {
    id: run.id,
    node_id: nodeId('CR', run.id),
    name: run.name,
    head_sha: run.commit,
    external_id: run.externalId,
    url: `${root}/check-runs/${run.id}`,
    html_url: `${state.origin}/${repository.owner}/${repository.name}/runs/${run.id}`,
    details_url: run.detailsUrl,
    status: run.status,
    conclusion: run.conclusion,
    started_at: stamp(run.startedAt),
    completed_at: stampOrNull(run.completedAt),
    output: {
      title: run.title,
      summary: run.summary,
      text: run.text,
      annotations_count: 0,
      annotations_url: `${root}/check-runs/${run.id}/annotations`,
    },
    check_suite: { id: run.suite },
    app: appView(state, run.workflowRun !== null),
    pull_requests: [],
  };
}

export function jobView(state: GitHubState, repository: Repository, run: CheckRun, workflow: WorkflowRun): Fields {
  const root = rootOf(state, repository);
  return {
    id: run.id,
    run_id: workflow.id,
    run_url: `${root}/actions/runs/${workflow.id}`,
    run_attempt: run.attempt,
    node_id: nodeId('CR', run.id),
    head_sha: run.commit,
    head_branch: workflow.branch,
    url: `${root}/actions/jobs/${run.id}`,
    html_url: run.detailsUrl,
    check_run_url: `${root}/check-runs/${run.id}`,
    status: run.status,
    conclusion: run.conclusion,
    created_at: stamp(run.startedAt),
    started_at: stamp(run.startedAt),
    completed_at: stampOrNull(run.completedAt),
    name: run.name,
    workflow_name: workflow.workflow,
    labels: ['ubuntu-latest'],
    steps: run.steps.map((step, index) => ({
      name: step.name,
      status: 'completed',
      conclusion: step.conclusion,
      number: index + 1,
      started_at: stamp(stepTimes(run.startedAt, index).start),
      completed_at: stamp(stepTimes(run.startedAt, index).end),
    })),
  };
}

export function workflowRunView(state: GitHubState, repository: Repository, run: WorkflowRun): Fields {
  const root = rootOf(state, repository);
  const jobs = repository.checkRuns.filter((job) => job.workflowRun === run.id && job.attempt === run.attempt);
  const isDone = jobs.every((job) => job.status === 'completed');
  const isGood = jobs.every((job) => job.conclusion === 'success' || job.conclusion === 'skipped');
  const at = stamp(jobs[0]?.startedAt ?? repository.createdAt);
  return {
    id: run.id,
    node_id: nodeId('WFR', run.id),
    name: run.workflow,
    display_title: run.workflow,
    head_branch: run.branch,
    head_sha: run.commit,
    path: `.github/workflows/${run.workflow}.yml`,
    run_number: run.number,
    run_attempt: run.attempt,
    event: 'pull_request',
    status: isDone ? 'completed' : 'in_progress',
    conclusion: isDone ? (isGood ? 'success' : 'failure') : null,
    check_suite_id: run.suite,
    url: `${root}/actions/runs/${run.id}`,
    html_url: `${state.origin}/${repository.owner}/${repository.name}/actions/runs/${run.id}`,
    jobs_url: `${root}/actions/runs/${run.id}/jobs`,
    created_at: at,
    updated_at: at,
    repository: repositoryView(state, repository),
    head_repository: repositoryView(state, repository),
    pull_requests: [],
    head_commit: null,
  };
}

export function statusView(state: GitHubState, repository: Repository, status: CommitStatus): Fields {
  return {
    id: status.id,
    node_id: nodeId('SC', status.id),
    url: `${rootOf(state, repository)}/statuses/${status.commit}`,
    state: status.state,
    context: status.context,
    description: status.description,
    target_url: status.targetUrl,
    created_at: stamp(status.at),
    updated_at: stamp(status.at),
    creator: personView(state, state.person(status.author)),
  };
}

export function logUrl(state: GitHubState, run: CheckRun): string {
  return `${state.origin}/_logs/${run.id}`;
}

export function hasLog(run: CheckRun): boolean {
  return !jobLog(run.steps, run.startedAt)[Symbol.iterator]().next().done;
}
