import { expect, it } from 'vitest';
import { makeMergeLab, type MergeLab } from '../support/merge-lab.ts';

const minutes = 60_000;
/** Longer than a forge takes to begin its checks. */
const checksAppear = 5 * minutes;

const short = (commit: string | null): string => (commit ?? '').slice(0, 8);
const headOf = (lab: MergeLab, id: string): string => lab.job(id).headCommit ?? '';

it('approving reviews of trusted people on the head commit merge it; others, dismissed ones and those of earlier commits do not', async () => {
  const lab = await makeMergeLab({ policy: ['pullRequests: { approvers: [alice], trusted: [alice] }'] });
  lab.note('FR-1');
  await lab.dispatch('FR-1');
  const pull = lab.pull('FR-1');
  const first = headOf(lab, 'FR-1');
  lab.github.as('ben').review(pull, { state: 'APPROVED' });
  const taken = lab.github.as('alice').review(pull, { state: 'APPROVED' });
  lab.github.as('alice').dismiss(pull, taken);
  expect(await lab.look('FR-1')).toMatchObject({ waitingFor: 'approval', gate: { hash: first } });
  // On what was there before somebody pushed.
  lab.github.as('alice').review(pull, { state: 'APPROVED' });
  lab.github.as('ben').push(lab.repository, { branch: pull.headRef, files: { 'more.txt': 'more\n' } });
  const adopted = await lab.look('FR-1');
  expect(adopted).toMatchObject({ waitingFor: 'approval', gate: { hash: pull.headCommit } });
  expect(headOf(lab, 'FR-1')).not.toBe(first);
  expect(await lab.look('FR-1')).toMatchObject({ waitingFor: 'approval', gate: { hash: pull.headCommit } });
  lab.github.as('alice').review(pull, { state: 'APPROVED' });
  expect(await lab.look('FR-1')).toMatchObject({ status: 'succeeded', pullRequest: { state: 'merged' } });
  expect(lab.application.document('FR-1').decisions).toMatchObject([
    { kind: 'approve', gate: `merge@${short(pull.headCommit)}`, person: 'alice', channel: 'forge', device: null },
  ]);
  expect(lab.github.effects('merge')).toBe(1);
  expect([...lab.repository.bare.refs().keys()]).toEqual(['main']);
  expect(lab.property('FR-1', 'status')).toBe('done');
});

it('four eyes are two people, whichever way each of them approves, and the note says whose is missing', async () => {
  const lab = await makeMergeLab({ policy: ['fourEyes: true', 'pullRequests: { approvers: [alice] }'] });
  lab.note('FR-1');
  await lab.dispatch('FR-1');
  lab.edit('FR-1', (text) => text.replace('decision: ""', `decision: approve ${short(headOf(lab, 'FR-1'))}`));
  await lab.application.takeNoteDecision('FR-1');
  expect(await lab.look('FR-1')).toMatchObject({ waitingFor: 'approval', gate: { kind: 'merge' } });
  expect(lab.property('FR-1', 'run_note')).toMatch(/^1 of 2 approvals: note approved FR-1-1\. Another person decides/);
  const again = { person: 'note', channel: 'note' } as const;
  await expect(lab.application.decide('FR-1-1', 'approve', '', again)).rejects.toMatchObject({
    code: 'registry.not-approver',
    message: 'note has approved FR-1-1 already, and policy asks for four eyes.',
  });
  lab.github.as('alice').review(lab.pull('FR-1'), { state: 'APPROVED' });
  expect(await lab.look('FR-1')).toMatchObject({ status: 'succeeded', error: null });
  expect(lab.application.document('FR-1').decisions.map(({ person }) => person)).toEqual(['note', 'alice']);
  expect(lab.property('FR-1', 'run_note')).toBe('');
});

it('policy merges by itself what meets every condition, and tells what the others lack', async () => {
  const lab = await makeMergeLab({
    stages: ['code', 'test', 'review'],
    config: ['limits: { autoMerge: true }'],
    policy: ['autoMerge: { priorities: [P3] }', 'pullRequests: { draft: true }'],
  });
  lab.note('FR-1', { priority: 'P3' });
  lab.note('FR-2', { priority: 'P3', auto_merge: 'false' });
  for (const id of ['FR-1', 'FR-2']) await lab.dispatch(id);
  const ci = lab.github.ci(lab.repository);
  const check = ci.start(headOf(lab, 'FR-1'), { name: 'build' });
  await lab.look('FR-1');
  expect(lab.application.document('FR-1')).toMatchObject({
    waitingFor: 'approval',
    leftToPerson: ['the check build not ended'],
  });
  ci.finish(check, { conclusion: 'success' });
  lab.pass(checksAppear);
  expect(await lab.look('FR-1')).toMatchObject({ status: 'succeeded' });
  expect(lab.pull('FR-1').isDraft).toBe(false);
  expect(lab.application.document('FR-1').decisions).toMatchObject([{ person: 'policy', channel: 'policy' }]);
  expect(lab.job('FR-2')).toMatchObject({ waitingFor: 'approval' });
  await lab.look('FR-2');
  expect(lab.application.document('FR-2').leftToPerson).toEqual(['its note says no']);
  expect(lab.events('FR-2', 'merge.left-to-person')).toHaveLength(1);
  expect(lab.github.effects('merge')).toBe(1);
});
