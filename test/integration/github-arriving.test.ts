import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { composeReader } from '../../runner/compose-reader.ts';
import { createIssueDesk, type IssueDesk } from '../../runner/engine/issues/issue-desk.ts';
import { linkFeatureRequests } from '../../shared/domain/link-feature-requests.ts';
import { parseFeatureRequest } from '../../shared/domain/parse-feature-request.ts';
import type { Issue } from '../support/github/records.ts';
import { makeMergeLab, type MergeLab } from '../support/merge-lab.ts';

const issuePolicy = 'issues: { label: opus, comment: true }';

function deskOf(lab: MergeLab): IssueDesk {
  return createIssueDesk({
    dependencies: lab.dependencies,
    changed: () => Promise.resolve(),
    cancel: (job, reason) => lab.application.cancel(job, reason),
  });
}

const features = (lab: MergeLab): string => join(lab.folder, 'vault/10_features');

function notes(lab: MergeLab): string[] {
  return readdirSync(features(lab), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
}

function eventsOf(lab: MergeLab, type: string): number {
  const all = lab.dependencies.registry.events({ afterSeq: 0, limit: 10_000 });
  return all.filter((event) => event.type === type).length;
}

const ours = ({ comments }: Pick<Issue, 'comments'>): string[] =>
  comments.filter(({ author }) => author === 'opus').map(({ body }) => body);

it('makes one note of a labelled issue, whatever happens between, and tells in one comment where it stands', async () => {
  const lab = await makeMergeLab({ policy: [issuePolicy] });
  const alice = lab.github.as('alice');
  const body = 'Show it darker.\n---\n```\n![[secrets]]\n````js\nx\n````\n<<<<<<< ours\n';
  const issue = alice.openIssue(lab.repository, { title: 'Dark "mode": yes', body, labels: ['opus'] });
  alice.openIssue(lab.repository, { title: 'Not for us', labels: ['bug'] });
  await Promise.all([deskOf(lab).look(), deskOf(lab).look('app')]);
  const desk = deskOf(lab);
  await desk.look();
  expect(desk.problems()).toEqual([]);
  expect(notes(lab)).toEqual(['03_planned/FR-001-dark-mode-yes.md']);
  const text = readFileSync(join(features(lab), notes(lab)[0] ?? ''), 'utf8');
  const note = parseFeatureRequest('FR-001.md', text, { hash: (part) => part, repositories: ['app'] });
  expect(note).toMatchObject({
    id: 'FR-001',
    title: 'Dark "mode": yes',
    status: 'idea',
    repo: 'app',
    issue: issue.number,
  });
  expect(linkFeatureRequests([note])[0]?.problems).toEqual([]);
  expect(text).toContain(`\`\`\`\`\`text\n${body.trimEnd()}\n\`\`\`\`\``);
  expect(ours(issue)).toHaveLength(1);
  expect(ours(issue)[0]).toMatch(/^This is \*\*FR-001\*\*\. It is an idea/);

  // Renamed by a person, the registry lost.
  renameSync(join(features(lab), notes(lab)[0] ?? ''), join(features(lab), 'Dark.md'));
  writeFileSync(join(features(lab), 'Dark.md'), text.replace('status: idea', 'status: planned'));
  rmSync(join(lab.folder, 'data'), { recursive: true });
  await lab.restart();
  await deskOf(lab).look();
  await deskOf(lab).look();
  expect(notes(lab)).toEqual(['Dark.md']);
  expect(ours(issue)).toHaveLength(1);
  expect(ours(issue)[0]).toMatch(/It is planned\./);

  // Edited and closed on the forge: told once, and the note stays as it is.
  alice.editIssue(issue, { body: 'Show it lighter.' });
  alice.close(issue);
  await deskOf(lab).look();
  await deskOf(lab).look();
  expect([eventsOf(lab, 'issue.updated'), eventsOf(lab, 'issue.closed')]).toEqual([1, 1]);
  expect(readFileSync(join(features(lab), 'Dark.md'), 'utf8')).toContain('Show it darker.');
  const reader = composeReader(lab.dependencies.config);
  expect(reader.issueNews({ issue: issue.number, repo: 'app' })).toMatchObject({ isEdited: true, isClosed: true });
  reader.close();

  // A person does not want it: it does not come again.
  const second = alice.openIssue(lab.repository, { title: 'Second', labels: ['opus'] });
  await deskOf(lab).look();
  const made = notes(lab).find((name) => name.includes('FR-002')) ?? '';
  rmSync(join(features(lab), made));
  await deskOf(lab).look();
  expect(notes(lab)).toEqual(['Dark.md']);
  expect(ours(second)).toHaveLength(1);
});

it('never writes a second comment after an answer that was lost', async () => {
  const lab = await makeMergeLab({ policy: [issuePolicy] });
  const issue = lab.github.as('alice').openIssue(lab.repository, { title: 'One', labels: ['opus'] });
  lab.github.fail({ operation: 'issues/create-comment', kind: 'reset', afterEffect: true, times: 1 });
  const desk = deskOf(lab);
  await desk.look();
  await desk.look();
  expect(ours(issue)).toHaveLength(1);
  expect(desk.problems()).toEqual([]);
});

it('takes up what people who may steer say, once each, in the pull request and in its issue', async () => {
  const lab = await makeMergeLab({ policy: [issuePolicy] });
  const issue = lab.github.as('alice').openIssue(lab.repository, { title: 'Count' });
  lab.note('FR-7', { issue: String(issue.number) });
  await lab.dispatch('FR-7');
  const pull = lab.pull('FR-7');
  lab.pass(1000);
  lab.github.as('carol').comment(pull, '@orchestrator cancel');
  lab.github.as('alice').comment(pull, '> @orchestrator cancel\n\nNo!');
  lab.github.as('alice').comment(pull, '@orchestrator explain');
  lab.github.as('ben').comment(issue, '@orchestrator fix Say it in French.');
  await lab.look('FR-7');
  await deskOf(lab).look();
  const fixed = await lab.look('FR-7');
  await lab.look('FR-7');
  await deskOf(lab).look();
  expect(fixed).toMatchObject({ status: 'waiting', gate: { kind: 'merge' } });
  expect(lab.story('FR-7').filter((line) => line.startsWith('code'))).toEqual(['code.0 passed', 'code.1 passed']);
  expect(ours(pull).filter((body) => body.includes('waiting for approval to be merged'))).toHaveLength(1);
  expect(ours(pull).join()).not.toContain('canceled');
  expect(ours(issue).filter((body) => body.includes('goes back to its coder'))).toHaveLength(1);
  expect(lab.events('FR-7', 'command.given').map(({ data }) => data['command'])).toEqual(['explain', 'fix']);

  lab.github.as('alice').comment(issue, '@orchestrator cancel');
  await deskOf(lab).look();
  expect(lab.job('FR-7').status).toBe('canceled');
  expect(lab.property('FR-7', 'status')).toBe('parked');
  expect(pull.state).toBe('closed');
  expect(ours(issue).filter((body) => body.includes('is canceled, as alice asked'))).toHaveLength(1);
});

it('keeps labels and a board in step, leaves those of others alone, and says what it may not do', async () => {
  const lab = await makeMergeLab({
    policy: [
      'labels: { status: true, agent: true }',
      'project: { owner: acme, number: 1, values: { in-review: "In review", done: Done } }',
    ],
  });
  const board = lab.github.project('acme', 'Work', ['Todo', 'In review', 'Done']);
  lab.note('FR-8');
  await lab.dispatch('FR-8');
  const pull = lab.pull('FR-8');
  lab.github.as('alice').label(pull, 'bug', 'opus:planned');
  const desk = deskOf(lab);
  await desk.look();
  expect([...pull.labels].filter((label) => !label.startsWith('agent:')).sort()).toEqual(['bug', 'opus:in-review']);
  expect(desk.problems().map(({ message }) => message)).toEqual([expect.stringContaining('project')]);
  expect(lab.job('FR-8').status).toBe('waiting');

  lab.useToken(lab.github.token('opus', { scopes: ['repo', 'workflow', 'project'] }));
  await desk.look();
  expect(desk.problems()).toEqual([]);
  const choice = (): (string | undefined)[] =>
    board.items.map((item) => board.fields[0]?.options?.find(({ id }) => id === [...item.values.values()][0])?.name);
  expect(choice()).toEqual(['In review']);
  const calls = lab.github.seen.length;
  await desk.look();
  expect(lab.github.seen.length).toBe(calls);

  await lab.approve('FR-8');
  await desk.look();
  expect(choice()).toEqual(['Done']);
  expect([...pull.labels].filter((label) => label.startsWith('opus:'))).toEqual(['opus:done']);
});

it('tells of a branch of ours that no job here knows and that has no pull request', async () => {
  const lab = await makeMergeLab();
  const alice = lab.github.as('alice');
  for (const branch of ['opus/FR-9-1-lost', 'opus/FR-9-2-open', 'opus/of-a-person']) {
    alice.push(lab.repository, { branch, files: { 'a.txt': branch } });
  }
  alice.open(lab.repository, { title: 'Open', head: 'opus/FR-9-2-open', base: 'main' });
  const desk = deskOf(lab);
  await desk.lookForBranches();
  await desk.lookForBranches();
  expect(desk.problems()).toMatchObject([{ message: expect.stringContaining('opus/FR-9-1-lost') as string }]);
  alice.deleteBranch(lab.repository, 'opus/FR-9-1-lost');
  await desk.lookForBranches();
  expect(desk.problems()).toEqual([]);
  expect(lab.github.state.pulls(lab.repository)).toHaveLength(1);
});
