import { tellIssue, tellPull } from './pulls.ts';
import type { Issue, Label, Pull, Repository } from './records.ts';
import type { GitHubState } from './state.ts';
import { labelView } from './views.ts';

export interface NewIssue {
  readonly title: string;
  readonly body?: string | undefined;
  readonly labels?: readonly string[];
  readonly assignees?: readonly string[];
}

export function createIssue(state: GitHubState, repository: Repository, author: string, wanted: NewIssue): Issue {
  const at = state.now();
  const issue: Issue = {
    kind: 'issue',
    repository,
    id: state.nextId(),
    number: state.nextNumber(repository),
    author,
    createdAt: at,
    updatedAt: at,
    title: wanted.title,
    body: wanted.body ?? null,
    state: 'open',
    stateReason: null,
    closedAt: null,
    closedBy: null,
    labels: new Set(),
    assignees: new Set(wanted.assignees ?? []),
    comments: [],
    subIssues: [],
  };
  repository.items.set(issue.number, issue);
  state.count('issue');
  for (const name of wanted.labels ?? []) issue.labels.add(labelOf(state, repository, name).name);
  tellIssue(state, issue, 'opened', author);
  for (const name of issue.labels) tellLabel(state, issue, name, 'labeled', author);
  return issue;
}

export function closeIssue(state: GitHubState, issue: Issue, actor: string, reason: Issue['stateReason']): void {
  const at = state.now();
  Object.assign(issue, { state: 'closed', stateReason: reason, closedAt: at, closedBy: actor, updatedAt: at });
  tellIssue(state, issue, 'closed', actor);
}

export function reopenIssue(state: GitHubState, issue: Issue, actor: string): void {
  const updatedAt = state.now();
  Object.assign(issue, { state: 'open', stateReason: 'reopened', closedAt: null, closedBy: null, updatedAt });
  tellIssue(state, issue, 'reopened', actor);
}

/** Labels that are not there yet are made, as GitHub does. */
export function labelOf(state: GitHubState, repository: Repository, name: string): Label {
  const known = [...repository.labels.values()].find((label) => label.name.toLowerCase() === name.toLowerCase());
  if (known !== undefined) return known;
  const label: Label = { id: state.nextId(), name, color: 'ededed', description: null };
  repository.labels.set(name, label);
  return label;
}

export function addLabels(state: GitHubState, item: Issue | Pull, actor: string, names: readonly string[]): void {
  for (const wanted of names) {
    const { name } = labelOf(state, item.repository, wanted);
    if (item.labels.has(name)) continue;
    item.labels.add(name);
    item.updatedAt = state.now();
    state.count('label');
    tellLabel(state, item, name, 'labeled', actor);
  }
}

export function removeLabel(state: GitHubState, item: Issue | Pull, actor: string, name: string): boolean {
  const found = [...item.labels].find((label) => label.toLowerCase() === name.toLowerCase());
  if (found === undefined) return false;
  item.labels.delete(found);
  item.updatedAt = state.now();
  tellLabel(state, item, found, 'unlabeled', actor);
  return true;
}

function tellLabel(state: GitHubState, item: Issue | Pull, name: string, action: string, actor: string): void {
  const label = labelView(state, item.repository, labelOf(state, item.repository, name));
  if (item.kind === 'pull') tellPull(state, item, action, actor, { label });
  else tellIssue(state, item, action, actor, { label });
}
