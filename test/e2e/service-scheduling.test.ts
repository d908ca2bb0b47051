import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeControlLab, type ControlLab } from '../support/control-lab.ts';

let lab: ControlLab;
afterEach(() => lab.close());

function save(...ids: string[]): void {
  for (const id of ids) lab.note(id);
}

function starts(): string[] {
  return lab.events('job.started').map(({ fr }) => fr);
}

describe('limits', () => {
  test('no more jobs are at work than are allowed in all', async () => {
    lab = makeControlLab({ config: ['concurrency: 2'] });
    const ids = ['FR-1', 'FR-2', 'FR-3', 'FR-4', 'FR-5'];
    for (const id of ids) lab.hold(id);
    save(...ids);
    await lab.serve();
    await lab.working('FR-1.code', 'FR-2.code');
    expect(['FR-3', 'FR-4', 'FR-5'].map((id) => lab.standing(id))).toEqual(['queued', 'queued', 'queued']);
    lab.letGo('FR-1');
    await lab.working('FR-2.code', 'FR-3.code');
    for (const id of ids) lab.letGo(id);
    for (const id of ids) await lab.stands(id, 'waiting approval');
    expect(starts()).toEqual(ids);
  });

  test('a repository has no more at work than its own limit, others go on', async () => {
    lab = makeControlLab({ app: 'concurrency: 1' });
    for (const id of ['FR-1', 'FR-2', 'FR-3']) lab.hold(id);
    save('FR-1', 'FR-2');
    lab.note('FR-3', { repo: 'web' });
    await lab.serve();
    await lab.working('FR-1.code', 'FR-3.code');
    lab.letGo('FR-1');
    await lab.working('FR-2.code', 'FR-3.code');
  });

  test('an agent has no more jobs than its own limit, also where it comes at a later stage', async () => {
    lab = makeControlLab({ agents: { code: ['concurrency: 2'], review: ['concurrency: 1'] } });
    for (const id of ['FR-1', 'FR-2', 'FR-3']) for (const stage of ['code', 'review']) lab.hold(id, stage);
    save('FR-1', 'FR-2', 'FR-3');
    await lab.serve();
    await lab.working('FR-1.code', 'FR-2.code');
    lab.letGo('FR-1');
    await lab.working('FR-1.review', 'FR-2.code', 'FR-3.code');
    lab.letGo('FR-2');
    await lab.stands('FR-2', 'waiting slot');
    await lab.working('FR-1.review', 'FR-3.code');
    lab.letGo('FR-1', 'review');
    await lab.working('FR-2.review', 'FR-3.code');
    expect(lab.standing('FR-1')).toBe('waiting approval');
  });

  test('nothing new starts while as many wait for a decision as the review queue holds', async () => {
    lab = makeControlLab({ config: ['limits: { reviewQueue: 1 }', 'concurrency: 1'] });
    save('FR-1', 'FR-2');
    await lab.serve();
    await lab.stands('FR-1', 'waiting approval');
    expect((await lab.opus('approve', 'FR-1')).exit).toBe(0);
    await lab.stands('FR-2', 'waiting approval');
    const [approved] = lab.events('approval.decided');
    const second = lab.events('job.started').find(({ fr }) => fr === 'FR-2');
    expect(second?.seq).toBeGreaterThan(approved?.seq ?? Infinity);
  });
});

describe('order', () => {
  test('the more urgent goes first, of equals the older', async () => {
    lab = makeControlLab({ config: ['concurrency: 1'], policy: ['preempt: none'] });
    lab.hold('FR-9');
    save('FR-9');
    await lab.serve();
    await lab.working('FR-9.code');
    for (const [id, priority] of [
      ['FR-1', 'P3'],
      ['FR-2', 'P1'],
      ['FR-3', 'P2'],
      ['FR-5', 'P0'],
      ['FR-4', 'P1'],
    ] as const) {
      lab.note(id, { priority });
      await lab.stands(id, 'queued');
    }
    lab.letGo('FR-9');
    await lab.stands('FR-1', 'waiting approval');
    expect(starts()).toEqual(['FR-9', 'FR-5', 'FR-2', 'FR-4', 'FR-3', 'FR-1']);
  });

  test('repositories take turns, whichever has asked for more', async () => {
    lab = makeControlLab({ config: ['concurrency: 1'] });
    lab.hold('FR-9');
    save('FR-9');
    await lab.serve();
    await lab.working('FR-9.code');
    save('FR-1', 'FR-2', 'FR-3');
    for (const id of ['FR-1', 'FR-2', 'FR-3']) await lab.stands(id, 'queued');
    for (const id of ['FR-4', 'FR-5']) lab.note(id, { repo: 'web' });
    for (const id of ['FR-4', 'FR-5']) await lab.stands(id, 'queued');
    lab.letGo('FR-9');
    await lab.stands('FR-3', 'waiting approval');
    const repositories = lab.registry((registry) => starts().map((id) => registry.newestJobOf(id)?.repository));
    expect(repositories).toEqual(['app', 'web', 'app', 'web', 'app', 'app']);
  });
});

describe('dependencies', () => {
  test('a job waits for what its note depends on, says so, and starts by itself on a base that holds it', async () => {
    lab = makeControlLab();
    lab.hold('FR-1');
    save('FR-1');
    lab.note('FR-2', { depends_on: '["[[FR-1]]"]' });
    await lab.serve();
    await lab.stands('FR-2', 'waiting dependency');
    await vi.waitFor(() => {
      expect(lab.property('FR-2', 'status')).toBe('blocked');
    });
    expect(lab.property('FR-2', 'run_state')).toBe('waiting');
    expect(lab.property('FR-2', 'run_note')).toMatch(
      /^FR-2 waits for FR-1 \([\w-]+\) to be done\. .*job unblock FR-2$/,
    );
    lab.letGo('FR-1');
    await lab.stands('FR-1', 'waiting approval');
    expect(lab.standing('FR-2')).toBe('waiting dependency');
    expect((await lab.opus('approve', 'FR-1')).exit).toBe(0);
    await lab.stands('FR-2', 'waiting approval');
    const [first, second] = lab.registry((registry) => ['FR-1', 'FR-2'].map((id) => registry.newestJobOf(id)));
    expect(first?.mergeCommit).toMatch(/^[0-9a-f]{40}$/);
    expect(second?.baseCommit).toBe(first?.mergeCommit);
    expect(lab.git('app', 'log', '--format=%H', second?.branch ?? '')).toContain(first?.mergeCommit);
    await vi.waitFor(() => {
      expect(lab.property('FR-2', 'status')).toBe('in-review');
    });
    expect(lab.property('FR-2', 'run_note')).toBe('');
  });

  test('a phrase of the body counts where policy says so, and only there', async () => {
    lab = makeControlLab({ policy: ['bodyDependencies: true'] });
    lab.hold('FR-1');
    save('FR-1');
    lab.note('FR-2', {}, 'To be built after FR-1.');
    await lab.serve();
    await lab.stands('FR-2', 'waiting dependency');
    await lab.working('FR-1.code');
    await lab.close();

    lab = makeControlLab();
    for (const id of ['FR-1', 'FR-2']) lab.hold(id);
    save('FR-1');
    lab.note('FR-2', {}, 'To be built after FR-1.');
    await lab.serve();
    await lab.working('FR-1.code', 'FR-2.code');
  });

  test('requests that depend on each other are not dispatched, and the circle is shown', async () => {
    lab = makeControlLab();
    lab.note('FR-1', { depends_on: '["[[FR-2]]"]' });
    lab.note('FR-2', { depends_on: '["[[FR-1]]"]' });
    save('FR-3');
    await lab.serve();
    await lab.stands('FR-3', 'waiting approval');
    expect(['FR-1', 'FR-2'].map((id) => lab.standing(id))).toEqual(['none', 'none']);
    const validated = await lab.opus('fr', 'validate');
    expect(validated.stdout).toMatch(/FR-1[\s\S]*FR-2/);
    const refused = await lab.opus('fr', 'dispatch', 'FR-1');
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toMatch(/FR-1.*FR-2/);
    expect(lab.property('FR-1', 'status')).toBe('planned');
  });
});

describe('preemption', () => {
  test('an urgent request pauses the least urgent job at once; that goes on from its checkpoint afterwards', async () => {
    lab = makeControlLab({ config: ['concurrency: 2'] });
    lab.hold('FR-1');
    lab.hold('FR-2', 'review');
    lab.hold('FR-3');
    lab.note('FR-1', { priority: 'P2' });
    lab.note('FR-2', { priority: 'P3' });
    await lab.serve();
    await lab.working('FR-1.code', 'FR-2.review');
    lab.note('FR-3', { priority: 'P0' });
    await lab.working('FR-1.code', 'FR-3.code');
    await vi.waitFor(() => {
      expect(lab.property('FR-2', 'run_state')).toBe('paused');
    });
    expect(lab.property('FR-2', 'status')).toBe('in-progress');
    const status = (await lab.json(0, 'status')) as { jobs: { fr: string; status: string }[] };
    expect(status.jobs.find(({ fr }) => fr === 'FR-2')).toMatchObject({ status: 'paused', waitingFor: 'slot' });
    lab.letGo('FR-3');
    await lab.stands('FR-3', 'waiting approval');
    await lab.working('FR-1.code', 'FR-2.review');
    expect(lab.property('FR-2', 'run_state')).toBe('review');
    lab.letGo('FR-2', 'review');
    await lab.stands('FR-2', 'waiting approval');
    const attempts = lab
      .registry((registry) => registry.attempts('FR-2-1'))
      .map(({ stage, status }) => [stage, status]);
    expect(attempts).toEqual([
      ['code', 'passed'],
      ['test', 'passed'],
      ['review', 'canceled'],
      ['review', 'passed'],
      ['deliver', 'passed'],
    ]);
  });

  test('nobody is paused where policy says so; the urgent one is next', async () => {
    lab = makeControlLab({ config: ['concurrency: 1'], policy: ['preempt: none'] });
    lab.hold('FR-1');
    lab.note('FR-1', { priority: 'P3' });
    await lab.serve();
    await lab.working('FR-1.code');
    lab.note('FR-2', { priority: 'P2' });
    await lab.stands('FR-2', 'queued');
    lab.note('FR-3', { priority: 'P0' });
    await lab.stands('FR-3', 'queued');
    lab.letGo('FR-1');
    await lab.stands('FR-2', 'waiting approval');
    expect(starts()).toEqual(['FR-1', 'FR-3', 'FR-2']);
    expect(lab.events('job.paused')).toEqual([]);
  });
});

test('how long it takes from the saving of a note until its agent runs', async () => {
  lab = makeControlLab({ config: ['concurrency: 30'] });
  await lab.serve();
  const times: number[] = [];
  for (let number = 1; number <= 20; number++) {
    const id = `FR-${number}`;
    const savedAt = Date.now();
    lab.note(id, { repo: number % 2 === 0 ? 'app' : 'web' });
    await lab.stands(id, 'waiting approval');
    const [attempt] = lab.registry((registry) => registry.attempts(`${id}-1`));
    const log = readFileSync(join(lab.data, 'logs', `${id}-1`, `${attempt?.id ?? ''}.log`), 'utf8');
    times.push(Number(/began (\d+)/.exec(log)?.[1]) - savedAt);
  }
  times.sort((left, right) => left - right);
  expect(times.every((time) => time > 0)).toBe(true);
  console.info(`note saved until agent started: median ${times[9]} ms, p95 ${times[18]} ms, longest ${times[19]} ms`);
}, 180_000);
