import { closePull, createPull, mergePull, reopenPull, tellPull, updateBranch, type MergeMethod } from './pulls.ts';
import { noticePushes } from './pushes.ts';
import { invalidField, pullOf, reads, textOf, textsOf, writes, type Routes } from './routes.ts';
import { baseCommitOf, compare } from './rules.ts';
import { personView, pullView } from './views.ts';

const area = 'pull_requests';

export const pullRoutes: Routes = {
  'pulls/list': reads(area, ({ state, repository, query }) => {
    const wanted = query.get('state') ?? 'open';
    const head = query.get('head');
    const base = query.get('base');
    const found = state
      .pulls(repository)
      .filter((pull) => wanted === 'all' || pull.state === wanted)
      // GitHub ignores a head without its owner.
      .filter((pull) => !head?.includes(':') || head === `${pull.headRepository.owner}:${pull.headRef}`)
      .filter((pull) => base === null || base === pull.baseRef);
    const key = query.get('sort') === 'updated' ? 'updatedAt' : 'createdAt';
    const isAscending = (query.get('direction') ?? (key === 'createdAt' ? 'desc' : 'asc')) === 'asc';
    const sorted = found.toSorted((left, right) => left[key] - right[key] || left.number - right.number);
    return { status: 200, list: (isAscending ? sorted : sorted.toReversed()).map((pull) => pullView(state, pull)) };
  }),
  'pulls/get': reads(area, (call) => {
    const pull = pullOf(call);
    if (!/diff|patch/.test(call.accept)) return { status: 200, body: pullView(call.state, pull) };
    const base = baseCommitOf(pull) ?? pull.headCommit;
    return { status: 200, text: `${call.repository.bare.git('diff', `${base}...${pull.headCommit}`)}\n` };
  }),
  'pulls/create': writes(
    area,
    ({ state, repository, login, body }) => {
      const title = textOf(body, 'title');
      if (title === undefined) throw invalidField('PullRequest', 'title', 'missing_field');
      const pull = createPull(state, repository, login, {
        title,
        head: textOf(body, 'head') ?? '',
        base: textOf(body, 'base') ?? '',
        body: textOf(body, 'body') ?? null,
        draft: body['draft'] === true,
      });
      return { status: 201, body: pullView(state, pull) };
    },
    'read',
  ),
  'pulls/update': writes(area, (call) => {
    const pull = pullOf(call);
    const { state, body, login } = call;
    const base = textOf(body, 'base');
    if (base !== undefined && call.repository.bare.branch(base) === null) throw invalidField('PullRequest', 'base');
    const changed = {
      ...(textOf(body, 'title') === undefined ? {} : { title: textOf(body, 'title') }),
      ...(textOf(body, 'body') === undefined ? {} : { body: textOf(body, 'body') }),
      ...(base === undefined ? {} : { baseRef: base }),
    };
    if (Object.keys(changed).length > 0) {
      Object.assign(pull, changed, { updatedAt: state.now() });
      tellPull(state, pull, 'edited', login, { changes: {} });
    }
    if (body['state'] === 'closed') closePull(state, pull, login);
    if (body['state'] === 'open') reopenPull(state, pull, login);
    return { status: 200, body: pullView(state, pull) };
  }),
  'pulls/merge': writes('contents', (call) => {
    const pull = pullOf(call);
    const sha = mergePull(call.state, pull, call.login, {
      method: (textOf(call.body, 'merge_method') ?? 'merge') as MergeMethod,
      sha: textOf(call.body, 'sha'),
      title: textOf(call.body, 'commit_title'),
      message: textOf(call.body, 'commit_message'),
    });
    noticePushes(call.state, call.repository, call.login);
    return { status: 200, body: { sha, merged: true, message: 'Pull Request successfully merged' } };
  }),
  'pulls/check-if-merged': reads(area, (call) => ({ status: pullOf(call).mergedAt === null ? 404 : 204 })),
  'pulls/update-branch': writes(area, (call) => {
    const pull = pullOf(call);
    updateBranch(call.state, pull, call.login, textOf(call.body, 'expected_head_sha'));
    noticePushes(call.state, pull.headRepository, call.login);
    const url = pullView(call.state, pull)['html_url'];
    return { status: 202, body: { message: 'Updating pull request branch.', url } };
  }),
  'pulls/list-files': reads(area, (call) => {
    const pull = pullOf(call);
    const { bare } = call.repository;
    const base = baseCommitOf(pull) ?? pull.headCommit;
    const from = compare(call.repository, base, pull.headCommit).mergeBase ?? base;
    const lines = bare.git('diff', '--numstat', '--no-renames', from, pull.headCommit).split('\n').filter(Boolean);
    const list = lines.map((line) => {
      const [added = '0', removed = '0', filename = ''] = line.split('\t');
      const counts = { additions: Number(added) || 0, deletions: Number(removed) || 0 };
      const isNew = bare.tryGit('cat-file', '-e', `${from}:${filename}`) === null;
      const isGone = bare.tryGit('cat-file', '-e', `${pull.headCommit}:${filename}`) === null;
      const status = isNew ? 'added' : isGone ? 'removed' : 'modified';
      return { sha: null, filename, status, ...counts, changes: counts.additions + counts.deletions };
    });
    return { status: 200, list };
  }),
  'pulls/request-reviewers': writes(area, (call) => {
    const pull = pullOf(call);
    for (const login of textsOf(call.body, 'reviewers')) {
      if (login === pull.author || !call.state.may(login, call.repository, 'read')) {
        throw invalidField('PullRequest', 'reviewers');
      }
      pull.requestedReviewers.add(call.state.person(login).login);
      const requested_reviewer = personView(call.state, call.state.person(login));
      tellPull(call.state, pull, 'review_requested', call.login, { requested_reviewer });
    }
    return { status: 201, body: pullView(call.state, pull) };
  }),
  'pulls/remove-requested-reviewers': writes(area, (call) => {
    const pull = pullOf(call);
    for (const login of textsOf(call.body, 'reviewers')) pull.requestedReviewers.delete(login);
    return { status: 200, body: pullView(call.state, pull) };
  }),
  'pulls/list-requested-reviewers': reads(area, (call) => {
    const users = [...pullOf(call).requestedReviewers].map((login) => personView(call.state, call.state.person(login)));
    return { status: 200, body: { users, teams: [] } };
  }),
};
