import { actorObject } from './graphql-actor.ts';
import { connection, type Page } from './graphql-page.ts';
import type { CheckRun, CommitStatus, Pull } from './records.ts';
import { baseCommitOf, latestRuns, latestStatuses, protectionOf } from './rules.ts';
import type { GitHubState } from './state.ts';
import { itemUrl, nodeId, stamp, stampOrNull } from './views.ts';

/** Only the last one is asked for, and its checks. */
export function commitsOf(state: GitHubState, pull: Pull) {
  const base = baseCommitOf(pull);
  const range = base === null ? pull.headCommit : `${base}..${pull.headCommit}`;
  const listed = pull.repository.bare.tryGit('rev-list', '--reverse', '--max-count=250', range)?.split('\n') ?? [];
  const commits = listed.filter((commit) => commit !== '');
  return (commits.length === 0 ? [pull.headCommit] : commits).map((oid) => ({
    commit: { __typename: 'Commit', oid, statusCheckRollup: () => rollup(state, pull, oid) },
  }));
}

function rollup(state: GitHubState, pull: Pull, commit: string) {
  const runs = latestRuns(pull.repository, commit);
  const statuses = latestStatuses(pull.repository, commit);
  if (runs.length + statuses.length === 0) return null;
  const results = [
    ...runs.map((run) => (run.status === 'completed' ? (run.conclusion ?? '') : 'pending')),
    ...statuses.map((status): string => status.state),
  ];
  const bad = ['failure', 'error', 'cancelled', 'timed_out', 'action_required', 'stale'];
  const summary = results.some((result) => bad.includes(result)) ? 'FAILURE' : 'SUCCESS';
  const contexts = [
    ...runs.map((run) => checkRunObject(state, pull, run)),
    ...statuses.map((status) => statusObject(state, pull, status)),
  ];
  return {
    state: summary === 'SUCCESS' && results.includes('pending') ? 'PENDING' : summary,
    contexts: (page: Page) => connection(contexts, page),
  };
}

function requiredFor(pull: Pull, name: string) {
  return () => protectionOf(pull)?.requiredChecks.includes(name) ?? false;
}

function checkRunObject(state: GitHubState, pull: Pull, run: CheckRun) {
  const workflow = pull.repository.workflowRuns.find((candidate) => candidate.id === run.workflowRun);
  return {
    __typename: 'CheckRun',
    id: nodeId('CR', run.id),
    databaseId: run.id,
    name: run.name,
    status: run.status.toUpperCase(),
    conclusion: run.conclusion?.toUpperCase() ?? null,
    startedAt: stamp(run.startedAt),
    completedAt: stampOrNull(run.completedAt),
    detailsUrl: run.detailsUrl,
    url: `${itemUrl(state, pull)}/checks?check_run_id=${run.id}`,
    title: run.title,
    summary: run.summary,
    text: run.text,
    externalId: run.externalId,
    isRequired: requiredFor(pull, run.name),
    checkSuite: {
      id: nodeId('CS', run.suite),
      databaseId: run.suite,
      app: {
        name: workflow === undefined ? 'Other checks' : 'GitHub Actions',
        slug: workflow === undefined ? 'other' : 'github-actions',
      },
      workflowRun:
        workflow === undefined
          ? null
          : {
              id: nodeId('WFR', workflow.id),
              databaseId: workflow.id,
              runNumber: workflow.number,
              workflow: { name: workflow.workflow },
            },
    },
  };
}

function statusObject(state: GitHubState, pull: Pull, status: CommitStatus) {
  return {
    __typename: 'StatusContext',
    id: nodeId('SC', status.id),
    context: status.context,
    state: status.state.toUpperCase(),
    description: status.description,
    targetUrl: status.targetUrl,
    createdAt: stamp(status.at),
    creator: () => actorObject(state, status.author),
    isRequired: requiredFor(pull, status.context),
  };
}
