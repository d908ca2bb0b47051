import { addLabels, closeIssue, createIssue, labelOf, removeLabel, reopenIssue } from './issues.ts';
import { closePull, reopenPull, tellIssue } from './pulls.ts';
import type { Comment, Issue, Pull } from './records.ts';
import { addIssueComment, tellComment } from './reviews.ts';
import { invalidField, itemOf, notFound, reads, textOf, textsOf, writes, type Call, type Routes } from './routes.ts';
import { commentView, issueView, labelView } from './views.ts';

const area = 'issues';

function listLabels(call: Call, item: Issue | Pull) {
  return [...item.labels].map((name) =>
    labelView(call.state, item.repository, labelOf(call.state, item.repository, name)),
  );
}

function commentOf(call: Call): { readonly item: Issue | Pull; readonly comment: Comment } {
  const id = Number(call.params['comment_id']);
  for (const item of call.repository.items.values()) {
    const comment = item.comments.find((candidate) => candidate.id === id);
    if (comment !== undefined) return { item, comment };
  }
  throw notFound();
}

function issueOf(call: Call): Issue {
  const item = itemOf(call, 'issue_number');
  if (item.kind !== 'issue') throw notFound();
  return item;
}

function updateState(call: Call, item: Issue | Pull): void {
  const wanted = call.body['state'];
  if (wanted === undefined || wanted === item.state) return;
  if (item.kind === 'pull') {
    if (wanted === 'closed') closePull(call.state, item, call.login);
    else reopenPull(call.state, item, call.login);
  } else if (wanted === 'closed') {
    closeIssue(
      call.state,
      item,
      call.login,
      (textOf(call.body, 'state_reason') ?? 'completed') as Issue['stateReason'],
    );
  } else reopenIssue(call.state, item, call.login);
}

export const issueRoutes: Routes = {
  'issues/get': reads(area, (call) => ({ status: 200, body: issueView(call.state, itemOf(call, 'issue_number')) })),
  'issues/list-for-repo': reads(area, ({ state, repository, query }) => {
    const wanted = query.get('state') ?? 'open';
    const labels = (query.get('labels') ?? '').split(',').filter(Boolean);
    const since = query.get('since');
    const key = query.get('sort') === 'updated' ? 'updatedAt' : 'createdAt';
    const found = [...repository.items.values()]
      .filter((item) => wanted === 'all' || item.state === wanted)
      .filter((item) => labels.every((name) => item.labels.has(name)))
      .filter((item) => since === null || item.updatedAt >= Date.parse(since))
      .toSorted((left, right) => left[key] - right[key] || left.number - right.number);
    const isAscending = query.get('direction') === 'asc';
    return { status: 200, list: (isAscending ? found : found.toReversed()).map((item) => issueView(state, item)) };
  }),
  'issues/create': writes(
    area,
    ({ state, repository, login, body }) => {
      const title = body['title'];
      if (typeof title !== 'string' && typeof title !== 'number') throw invalidField('Issue', 'title');
      const labels = textsOf(body, 'labels');
      const assignees = textsOf(body, 'assignees');
      const issue = createIssue(state, repository, login, {
        title: String(title),
        body: textOf(body, 'body'),
        labels,
        assignees,
      });
      return { status: 201, body: issueView(state, issue) };
    },
    'read',
  ),
  'issues/update': writes(
    area,
    (call) => {
      const item = itemOf(call, 'issue_number');
      const title = textOf(call.body, 'title');
      const body = textOf(call.body, 'body');
      if (title !== undefined || body !== undefined) {
        Object.assign(item, title === undefined ? {} : { title }, body === undefined ? {} : { body });
        item.updatedAt = call.state.now();
        tellIssue(call.state, item, 'edited', call.login, { changes: {} });
      }
      if (call.body['labels'] !== undefined) replaceLabels(call, item);
      updateState(call, item);
      return { status: 200, body: issueView(call.state, item) };
    },
    'triage',
  ),
  'issues/list-comments': reads(area, (call) => {
    const item = itemOf(call, 'issue_number');
    const since = Date.parse(call.query.get('since') ?? '1970-01-01');
    const found = item.comments.filter((comment) => comment.updatedAt >= since);
    return { status: 200, list: found.map((comment) => commentView(call.state, item, comment)) };
  }),
  'issues/create-comment': writes(
    area,
    (call) => {
      const item = itemOf(call, 'issue_number');
      const comment = addIssueComment(call.state, item, call.login, textOf(call.body, 'body') ?? '');
      return { status: 201, body: commentView(call.state, item, comment) };
    },
    'read',
  ),
  'issues/get-comment': reads(area, (call) => {
    const { item, comment } = commentOf(call);
    return { status: 200, body: commentView(call.state, item, comment) };
  }),
  'issues/update-comment': writes(
    area,
    (call) => {
      const { item, comment } = commentOf(call);
      const from = comment.body;
      Object.assign(comment, { body: textOf(call.body, 'body') ?? '', updatedAt: call.state.now() });
      tellComment(call.state, item, comment, 'edited', call.login, { changes: { body: { from } } });
      return { status: 200, body: commentView(call.state, item, comment) };
    },
    'read',
  ),
  'issues/list-labels-on-issue': reads(area, (call) => ({
    status: 200,
    list: listLabels(call, itemOf(call, 'issue_number')),
  })),
  'issues/add-labels': writes(
    area,
    (call) => {
      const item = itemOf(call, 'issue_number');
      addLabels(call.state, item, call.login, textsOf(call.body, 'labels'));
      return { status: 200, list: listLabels(call, item) };
    },
    'triage',
  ),
  'issues/set-labels': writes(
    area,
    (call) => {
      const item = itemOf(call, 'issue_number');
      replaceLabels(call, item);
      return { status: 200, list: listLabels(call, item) };
    },
    'triage',
  ),
  'issues/remove-label': writes(
    area,
    (call) => {
      const item = itemOf(call, 'issue_number');
      if (!removeLabel(call.state, item, call.login, call.params['name'] ?? '')) throw notFound();
      return { status: 200, list: listLabels(call, item) };
    },
    'triage',
  ),
  'issues/create-label': writes(area, ({ state, repository, body }) => {
    const name = textOf(body, 'name') ?? '';
    if (repository.labels.has(name)) throw invalidField('Label', 'name', 'already_exists');
    const label = labelOf(state, repository, name);
    label.color = textOf(body, 'color') ?? label.color;
    label.description = textOf(body, 'description') ?? null;
    return { status: 201, body: labelView(state, repository, label) };
  }),
  'issues/get-label': reads(area, ({ state, repository, params }) => {
    const label = repository.labels.get(params['name'] ?? '');
    if (label === undefined) throw notFound();
    return { status: 200, body: labelView(state, repository, label) };
  }),
  'issues/list-labels-for-repo': reads(area, ({ state, repository }) => ({
    status: 200,
    list: [...repository.labels.values()].map((label) => labelView(state, repository, label)),
  })),
  'issues/list-sub-issues': reads(area, (call) => ({
    status: 200,
    list: issueOf(call).subIssues.flatMap((number) => {
      const item = call.repository.items.get(number);
      return item === undefined ? [] : [issueView(call.state, item)];
    }),
  })),
  'issues/add-sub-issue': writes(
    area,
    (call) => {
      const issue = issueOf(call);
      const child = [...call.repository.items.values()].find((item) => item.id === call.body['sub_issue_id']);
      if (child === undefined) throw notFound();
      if (issue.subIssues.includes(child.number)) throw invalidField('Issue', 'sub_issue_id');
      issue.subIssues.push(child.number);
      return { status: 201, body: issueView(call.state, issue) };
    },
    'triage',
  ),
};

function replaceLabels(call: Call, item: Issue | Pull): void {
  const wanted = textsOf(call.body, 'labels');
  for (const name of [...item.labels]) if (!wanted.includes(name)) removeLabel(call.state, item, call.login, name);
  addLabels(call.state, item, call.login, wanted);
}
