import { expect, it } from 'vitest';
import { showJob } from '../../runner/cli/job-show.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { makeMergeLab, type MergeLab } from '../support/merge-lab.ts';

/** How often it was tried; what another try does not change is tried once for each time that somebody asks. */
const deliveries = (lab: MergeLab): number => lab.story('FR-1').filter((line) => line.startsWith('deliver')).length;

it('a base that is gone, a permission that lacks, and a pull request of somebody else on its branch, each needs a person once', async () => {
  const lab = await makeMergeLab();
  const { github, repository } = lab;
  const { bare } = repository;
  lab.note('FR-1');
  const job = await lab.application.dispatch('FR-1', { again: false });
  const base = bare.branch('main') ?? '';
  bare.git('update-ref', '-d', 'refs/heads/main');
  const work = () => lab.application.work(job.id, { approve: null, signal: new AbortController().signal });
  expect(await work()).toMatchObject({ waitingFor: 'human', error: { code: 'git.base-missing' } });
  expect(lab.property('FR-1', 'status')).toBe('needs-human');
  expect(lab.property('FR-1', 'run_note')).toMatch(/has no branch main any more/);
  expect(deliveries(lab)).toBe(1);

  bare.git('update-ref', 'refs/heads/main', base);
  const permissions = { metadata: 'read', contents: 'write', pull_requests: 'read' } as const;
  lab.useToken(github.token('opus', { kind: 'fine-grained', permissions }));
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'human', error: { code: 'forge.forbidden' } });
  expect(lab.property('FR-1', 'run_note')).toContain('pull_requests: write');
  expect(deliveries(lab)).toBe(2);

  const theirs = github.as('alice').open(repository, { title: 'Mine', head: job.branch, base: 'main' });
  lab.useToken(github.token('opus'));
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'human', error: { code: 'forge.branch-taken' } });
  expect(lab.property('FR-1', 'run_note')).toContain(`#${theirs.number} of alice`);
  expect(theirs.title).toBe('Mine');
  expect(deliveries(lab)).toBe(3);
});

it('a token that git finds revoked needs a person, and is not tried again', async () => {
  const lab = await makeMergeLab();
  lab.note('FR-1');
  const gate = await lab.dispatch('FR-1');
  lab.github.fail({ operation: 'git', kind: 'status', status: 403, times: 100 });
  const asked = await lab.application.decide(gate.id, 'changes', 'More.', { person: 'ada', channel: 'cli' });
  const work = () => lab.application.work(asked.id, { approve: null, signal: new AbortController().signal });
  expect(await work()).toMatchObject({ waitingFor: 'human', error: { code: 'forge.unauthorized' } });
  lab.github.faults.clear();
  lab.github.revoke(lab.token);
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'human', error: { code: 'forge.unauthorized' } });
  expect(deliveries(lab)).toBe(3);
  expect(lab.property('FR-1', 'run_note')).toMatch(/refused the runner's credentials/);
  lab.useToken(lab.github.token('opus'));
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'approval', error: null });
});

it('a pull request that is made a draft, and ready again, is told once each time', async () => {
  const lab = await makeMergeLab();
  lab.note('FR-1');
  await lab.dispatch('FR-1');
  const told = () => ['pr.drafted', 'pr.readied'].map((type) => lab.events('FR-1', type).length);
  const shown = async (): Promise<string> => {
    const terminal = fakeTerminal();
    await showJob(terminal, 'FR-1', { config: `${lab.folder}/opus.yml` });
    return terminal.outLines.join('\n');
  };
  const alice = lab.github.as('alice');
  await lab.look('FR-1');
  expect(told()).toEqual([0, 0]);
  expect(await shown()).toMatch(/^pull request {2}#\d+ open, /m);
  alice.draft(lab.pull('FR-1'), true);
  for (let times = 0; times < 2; times++) expect(await lab.look('FR-1')).toMatchObject({ waitingFor: 'approval' });
  expect(told()).toEqual([1, 0]);
  expect(await shown()).toMatch(/^pull request {2}#\d+ a draft, /m);
  expect(lab.report('FR-1')).toMatch(/The pull request #\d+ is a draft/);
  alice.draft(lab.pull('FR-1'), false);
  for (let times = 0; times < 2; times++) await lab.look('FR-1');
  expect(told()).toEqual([1, 1]);
  expect(await shown()).toMatch(/^pull request {2}#\d+ open, /m);
  expect(lab.report('FR-1')).not.toContain('is a draft');
});
