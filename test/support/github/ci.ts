import type { CheckRun, CommitStatus, Conclusion, JobStep, Repository, WorkflowRun } from './records.ts';
import type { GitHubState } from './state.ts';
import { stamp } from './views.ts';
import { checkRunView, statusView } from './views-checks.ts';

export interface StartCheck {
  readonly name: string;
  /** A job of this Actions workflow; a check of another App where it is left out. */
  readonly workflow?: string;
}

export interface FinishCheck {
  readonly conclusion: Conclusion;
  /** Of a single step, "Run tests". */
  readonly log?: JobStep['log'];
  readonly steps?: readonly JobStep[];
  readonly title?: string;
  readonly summary?: string;
}

export interface Ci {
  start(commit: string, check: StartCheck): CheckRun;
  finish(run: CheckRun, end: FinishCheck): void;
  /** Starts and finishes at once. */
  report(commit: string, check: StartCheck & FinishCheck): CheckRun;
  status(commit: string, context: string, state: 'error' | 'failure' | 'pending' | 'success', text?: string): void;
}

export function tellCheck(state: GitHubState, repository: Repository, run: CheckRun, action: string): void {
  state.tell({
    event: 'check_run',
    action,
    repository,
    sender: 'github-actions[bot]',
    fields: () => ({ check_run: checkRunView(state, repository, run) }),
  });
}

export function addCheckRun(
  state: GitHubState,
  repository: Repository,
  commit: string,
  name: string,
  workflow: WorkflowRun | null,
): CheckRun {
  const id = state.nextId();
  const root = `${state.origin}/${repository.owner}/${repository.name}`;
  const run: CheckRun = {
    id,
    name,
    commit,
    suite: workflow?.suite ?? state.nextId(),
    attempt: workflow?.attempt ?? 1,
    status: 'in_progress',
    conclusion: null,
    startedAt: state.now(),
    completedAt: null,
    title: null,
    summary: null,
    text: null,
    workflowRun: workflow?.id ?? null,
    detailsUrl: workflow === null ? `${root}/runs/${id}` : `${root}/actions/runs/${workflow.id}/job/${id}`,
    externalId: '',
    steps: [],
  };
  repository.checkRuns.push(run);
  tellCheck(state, repository, run, 'created');
  return run;
}

export function finishCheckRun(state: GitHubState, repository: Repository, run: CheckRun, end: FinishCheck): void {
  const steps = end.steps ?? [{ name: 'Run tests', conclusion: end.conclusion, log: end.log ?? '' }];
  Object.assign(run, {
    status: 'completed',
    conclusion: end.conclusion,
    completedAt: Math.max(state.now(), run.startedAt + steps.length * 1000),
    title: end.title ?? null,
    summary: end.summary ?? null,
    steps,
  });
  tellCheck(state, repository, run, 'completed');
}

/** Runs a job once more: a new check run of the same name, in the same suite. */
export function rerunJob(state: GitHubState, repository: Repository, run: CheckRun): CheckRun {
  const workflow = repository.workflowRuns.find((candidate) => candidate.id === run.workflowRun) ?? null;
  if (workflow !== null) workflow.attempt = run.attempt + 1;
  state.count('rerun');
  return addCheckRun(state, repository, run.commit, run.name, workflow);
}

export function addStatus(
  state: GitHubState,
  repository: Repository,
  wanted: Pick<CommitStatus, 'commit' | 'context' | 'state' | 'description' | 'targetUrl'>,
  author: string,
): CommitStatus {
  const status: CommitStatus = { ...wanted, id: state.nextId(), author, at: state.now() };
  repository.statuses.push(status);
  state.tell({
    event: 'status',
    action: null,
    repository,
    sender: author,
    fields: () => ({
      ...statusView(state, repository, status),
      sha: status.commit,
      name: `${repository.owner}/${repository.name}`,
      branches: [],
      commit: {
        sha: status.commit,
        commit: {
          author: { ...state.author(author), date: stamp(status.at) },
          committer: { ...state.author(author), date: stamp(status.at) },
        },
      },
    }),
  });
  return status;
}

export function createCi(state: GitHubState, repository: Repository): Ci {
  function workflowRun(commit: string, workflow: string): WorkflowRun {
    const known = repository.workflowRuns.find((run) => run.commit === commit && run.workflow === workflow);
    if (known !== undefined) return known;
    const branch = [...repository.bare.refs()].find(([, head]) => head === commit)?.[0] ?? null;
    const number = repository.workflowRuns.length + 1;
    const run = { id: state.nextId(), workflow, commit, branch, suite: state.nextId(), number, attempt: 1 };
    repository.workflowRuns.push(run);
    return run;
  }

  const ci: Ci = {
    start: (commit, { name, workflow }) =>
      addCheckRun(state, repository, commit, name, workflow === undefined ? null : workflowRun(commit, workflow)),
    finish: (run, end) => {
      finishCheckRun(state, repository, run, end);
    },
    report(commit, check) {
      const run = ci.start(commit, check);
      ci.finish(run, check);
      return run;
    },
    status(commit, context, value, text) {
      const description = text ?? null;
      addStatus(state, repository, { commit, context, state: value, description, targetUrl: null }, repository.owner);
    },
  };
  return ci;
}
