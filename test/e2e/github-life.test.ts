import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { patience, startGithubLab, type GithubLab } from '../support/github-life-lab.ts';

let lab: GithubLab;

beforeAll(async () => {
  const files = { 'README.md': 'counted\n' };
  lab = await startGithubLab({
    repositories: {
      app: { owner: 'acme', name: 'app', files, roles: { opus: 'write', alice: 'write' } },
      foreign: { owner: 'others', name: 'lib', files },
      frozen: { owner: 'acme', name: 'frozen', files, roles: { opus: 'write' } },
      guarded: { owner: 'acme', name: 'guarded', files, roles: { opus: 'write' } },
    },
    policy: 'pullRequests: { draft: true, labels: [opus], reviewers: [alice] }',
    reviewer: `case $OPUS_FR_ID.$OPUS_ROUND in OP-1.0) printf '{"verdict":"fail","confidence":90,"summary":"one line","issues":[{"severity":"major","message":"one more line"}]}' > "$OPUS_RESULT_FILE";;
*) printf '{"verdict":"pass","confidence":95,"summary":"as asked","issues":[]}' > "$OPUS_RESULT_FILE";; esac`,
  });
  lab.github.fail({ operation: 'pulls/create', match: /acme\/app/, kind: 'reset', afterEffect: true });
  lab.plan('OP-1', ['issue: 12']);
  lab.repository('frozen').isArchived = true;
  await lab.atGate('OP-1');
  for (const id of ['ME-1', 'CL-1', 'PU-1', 'FO-1', 'DE-1']) lab.plan(id);
  lab.plan('FK-1', ['repo: foreign']);
  lab.plan('AR-1', ['repo: frozen']);
  lab.plan('PR-1', ['repo: guarded']);
});

afterAll(async () => {
  await lab.stop();
});

const app = () => lab.repository('app');

it('opens one pull request that says everything, found again when the answer to its making was lost', async () => {
  const job = await lab.atGate('OP-1');
  const pull = lab.pull('OP-1');
  expect(app().bare.branch(job.branch)).toBe(job.headCommit);
  expect(pull).toMatchObject({ title: 'OP-1: Write OP-1', isDraft: true, headCommit: job.headCommit });
  expect([...pull.labels]).toEqual(['opus']);
  expect([...pull.requestedReviewers]).toEqual(['alice']);
  expect(pull.body).toContain('obsidian://open?vault=vault&file=10_features%2FOP-1.md');
  expect(pull.body).toContain('One file for OP-1');
  expect(pull.body).toMatch(/`?test -s README\.md`?.*\b0\b/);
  expect(pull.body).toContain('pass at confidence 95');
  expect(pull.body).toMatch(/^Closes #12$/m);
  await lab.call('approval.decide', { job: 'OP-1', kind: 'changes', comment: 'More.', person: 'ada' });
  const second = await lab.atGate('OP-1', { not: job.headCommit });
  expect(lab.pull('OP-1')).toMatchObject({ number: pull.number, headCommit: second.headCommit });
  expect(lab.pull('OP-1').body).not.toBe('');
  await lab.approve('OP-1');
  await lab.succeeded('OP-1');
  expect(lab.pull('OP-1')).toMatchObject({ isDraft: false, mergedBy: 'opus' });
});

it('works in a fork where it may not write', async () => {
  const job = await lab.atGate('FK-1');
  expect(lab.pull('FK-1')).toMatchObject({ headCommit: job.headCommit, headRepository: { owner: 'opus' } });
  expect(lab.repository('foreign').bare.branch(job.branch)).toBeNull();
});

it('a pull request that a person merged ends the job with that commit', async () => {
  await lab.atGate('ME-1');
  lab.github.as('alice').draft(lab.pull('ME-1'), false);
  const commit = lab.github.as('alice').merge(lab.pull('ME-1'));
  expect(await lab.succeeded('ME-1')).toMatchObject({ mergeCommit: commit });
  await vi.waitFor(() => {
    expect(lab.note('ME-1')).toMatch(/^status: done$/m);
    expect(lab.note('ME-1')).toContain(commit.slice(0, 8));
  }, patience);
});

it('a closed pull request asks a person, and reopened it is back at its gate', async () => {
  const { headCommit } = await lab.atGate('CL-1');
  lab.github.as('alice').close(lab.pull('CL-1'));
  const closed = await lab.atPerson('CL-1', 'forge.pull-request-closed');
  expect(closed.error?.message).toContain('alice');
  await vi.waitFor(() => {
    expect(lab.note('CL-1')).toMatch(/^status: needs-human$/m);
  }, patience);
  lab.github.as('alice').reopen(lab.pull('CL-1'));
  expect((await lab.atGate('CL-1')).headCommit).toBe(headCommit);
});

it('commits that a person pushed on top are tested, reviewed and asked for anew', async () => {
  const first = await lab.atGate('PU-1');
  const pushed = lab.github.as('alice').push(app(), { branch: first.branch, files: { 'alice.txt': 'hers\n' } });
  const second = await lab.atGate('PU-1', { not: first.headCommit });
  expect(second).toMatchObject({ headCommit: pushed, gate: { hash: pushed } });
  const stages = lab.read((registry) => registry.attempts(second.id).map(({ stage }) => stage));
  expect(stages).toEqual(['plan', 'code', 'test', 'review', 'deliver', 'test', 'review', 'deliver']);
});

it('a branch that was rewritten is left alone, and a person is asked', async () => {
  const first = await lab.atGate('FO-1');
  const from = app().bare.branch('main') ?? '';
  const theirs = lab.github.as('alice').push(app(), { branch: first.branch, files: { 'x.txt': 'x\n' }, from });
  await lab.atPerson('FO-1', 'git.branch-moved');
  expect(app().bare.branch(first.branch)).toBe(theirs);
});

it('a branch that was deleted asks a person, whose retry pushes it anew into the same pull request', async () => {
  const first = await lab.atGate('DE-1');
  const { number } = lab.pull('DE-1');
  lab.github.as('alice').deleteBranch(app(), first.branch);
  const gone = await lab.atPerson('DE-1', 'git.branch-moved');
  expect(gone.error?.message).toContain('was deleted');
  await lab.retry('DE-1', 'deliver');
  expect((await lab.atGate('DE-1')).headCommit).toBe(first.headCommit);
  expect(app().bare.branch(first.branch)).toBe(first.headCommit);
  expect(lab.pull('DE-1')).toMatchObject({ number, state: 'open' });
});

it('says of each kind of access that it lacks what lacks, and leaves it to a person', async () => {
  const archived = await lab.atPerson('AR-1', 'forge.archived');
  expect(archived.error?.message).toContain('acme/frozen');
  const token = lab.github.token('opus');
  await lab.atGate('PR-1');
  const guarded = lab.repository('guarded');
  lab.github.protect(guarded, lab.job('PR-1').branch);
  lab.github.revoke(lab.tokenInUse());
  await lab.call('approval.decide', { job: 'PR-1', kind: 'changes', comment: 'More.', person: 'ada' });
  await lab.atPerson('PR-1', 'forge.unauthorized');
  lab.replaceToken(token);
  await lab.retry('PR-1', null);
  const refused = await lab.atPerson('PR-1', 'forge.push-refused');
  expect(refused.error?.message).toMatch(/protected/i);
});
