import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeControlLab, type ControlLab, type ControlLabOptions } from '../support/control-lab.ts';
import { plainGit } from '../support/git-lab.ts';

let lab: ControlLab;
afterEach(() => lab.close());

/** A running service with these notes, of which those in `held` wait in their first stage. */
async function served(ids: readonly string[], held: readonly string[] = [], options: ControlLabOptions = {}) {
  lab = makeControlLab(options);
  for (const id of held) lab.hold(id);
  for (const id of ids) lab.note(id);
  return await lab.serve();
}

function fileOf(id: string): string {
  const job = lab.registry((registry) => registry.newestJobOf(id));
  return lab.git('app', 'show', `${job?.branch ?? ''}:${id}.txt`);
}

describe('deciding', () => {
  test('run follows a job to its gate, approve lets it be merged', async () => {
    await served([]);
    lab.note('FR-1', { status: 'idea' });
    lab.note('FR-2', { status: 'idea' });
    const ran = await lab.opus('run', 'FR-1');
    expect(ran).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/waiting for your decision \(merge@[0-9a-f]{8}\)/) as string,
    });
    expect(ran.stderr).toMatch(/code[\s\S]*test[\s\S]*review[\s\S]*deliver/);
    expect(await lab.job(0, 'approve', 'FR-1')).toMatchObject({
      status: 'succeeded',
      pr: { state: 'merged' },
      error: null,
    });
    expect(await lab.job(0, 'run', 'FR-2', '--approve')).toMatchObject({ job: 'FR-2-1', status: 'succeeded' });
    expect(lab.git('app', 'ls-tree', '--name-only', 'main').split('\n')).toEqual(
      expect.arrayContaining(['FR-1.txt', 'FR-2.txt']),
    );
    const again = await lab.opus('approve', 'FR-1');
    expect(again.exit).toBe(2);
    expect(again.stderr).toContain('FR-1-1 asks for no decision now; it is succeeded.');
  });

  test('changes sends a job back with the comment, reject ends it', async () => {
    await served(['FR-1']);
    await lab.stands('FR-1', 'waiting approval');
    const mute = await lab.json(2, 'changes', 'FR-1');
    expect(mute).toMatchObject({ error: { code: 'config.usage' } });
    expect(await lab.job(0, 'changes', 'FR-1', '--comment', 'Paint it blue')).toMatchObject({
      status: 'waiting',
      waitingFor: 'approval',
      rounds: 1,
    });
    expect(fileOf('FR-1')).toContain('Paint it blue');
    const rejected = await lab.opus('reject', 'FR-1', '--comment', 'Not blue enough');
    expect(rejected.exit).toBe(0);
    expect(rejected.stdout).toMatch(/canceled[\s\S]*#1 closed/);
    await lab.says('FR-1', 'status', 'rejected');
    expect(lab.property('FR-1', 'gate')).toBe('');
  });

  test('a job that needs a person goes on from where it is told to, with more rounds and a comment', async () => {
    await served([]);
    lab.refuse('FR-1', true);
    lab.note('FR-1', { status: 'idea' });
    expect(await lab.job(3, 'run', 'FR-1')).toMatchObject({
      status: 'waiting',
      waitingFor: 'human',
      error: { code: 'stage.rounds-exhausted' },
    });
    await lab.says('FR-1', 'status', 'needs-human');
    lab.refuse('FR-1', false);
    const retried = await lab.opus('job', 'retry', 'FR-1', '--rounds', '1', '--comment', 'Mind the gap');
    expect(retried.exit).toBe(0);
    expect(retried.stdout).toContain('waiting for your decision');
    expect(fileOf('FR-1')).toContain('Mind the gap');
    const before = lab.story('FR-1-1').length;
    expect(await lab.job(0, 'job', 'retry', 'FR-1', '--from', 'review')).toMatchObject({
      status: 'waiting',
      waitingFor: 'approval',
    });
    expect(lab.story('FR-1-1').slice(before)).toEqual(['review passed', 'deliver passed']);
    await lab.says('FR-1', 'status', 'in-review');
    const refused = await lab.opus('job', 'retry', 'FR-1');
    expect(refused).toMatchObject({ exit: 2, stderr: expect.stringContaining('there is nothing to retry') as string });
  });
});

describe('one job', () => {
  test('is paused in the middle of an agent or of a queue, and resumed', async () => {
    await served(['FR-1', 'FR-2'], ['FR-1', 'FR-2'], { config: ['concurrency: 1'] });
    await lab.working('FR-1.code');
    await lab.stands('FR-2', 'queued');
    expect(await lab.job(0, 'job', 'pause', 'FR-2')).toMatchObject({ status: 'paused', waitingFor: null });
    const paused = await lab.opus('job', 'pause', 'FR-1');
    expect(paused).toMatchObject({ exit: 0, stdout: expect.stringContaining('paused') as string });
    expect(lab.agents()).toEqual([]);
    await lab.says('FR-1', 'run_state', 'paused');
    expect(lab.property('FR-1', 'status')).toBe('in-progress');
    expect((await lab.opus('job', 'resume', 'FR-2')).exit).toBe(0);
    await lab.working('FR-2.code');
    expect(await lab.job(0, 'job', 'resume', 'FR-1')).toMatchObject({ status: 'waiting', waitingFor: 'slot' });
    lab.letGo('FR-2');
    await lab.working('FR-1.code');
    lab.letGo('FR-1');
    await lab.stands('FR-1', 'waiting approval');
    expect(lab.story('FR-1-1')).toEqual([
      'code canceled',
      'code passed',
      'test passed',
      'review passed',
      'deliver passed',
    ]);

    const resumed = await lab.opus('job', 'resume', 'FR-1');
    expect(resumed).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('FR-1-1 is waiting for approval, not paused.') as string,
    });
    expect(await lab.json(2, 'job', 'pause', 'FR-1')).toMatchObject({ error: { code: 'registry.not-pausable' } });
    const unknown = await lab.opus('job', 'pause', 'FR-9');
    expect(unknown).toMatchObject({ exit: 2, stderr: expect.stringContaining('There is no job "FR-9"') as string });
  });

  test('is canceled: its agent ends, its note is parked, its pull request closed', async () => {
    await served(['FR-1', 'FR-2'], ['FR-1']);
    await lab.working('FR-1.code');
    expect(await lab.job(0, 'job', 'cancel', 'FR-1', '--reason', 'no need')).toMatchObject({
      status: 'canceled',
      error: null,
    });
    expect(lab.agents()).not.toContain('FR-1.code');
    await lab.says('FR-1', 'status', 'parked');
    await lab.stands('FR-2', 'waiting approval');
    const canceled = await lab.opus('job', 'cancel', 'FR-2');
    expect(canceled).toMatchObject({ exit: 0, stdout: expect.stringMatching(/canceled[\s\S]*#1 closed/) as string });
    await lab.says('FR-2', 'status', 'parked');
    expect(lab.events('job.canceled').map(({ data }) => data)).toEqual([
      { reason: 'no need' },
      { reason: 'canceled by a person' },
    ]);
    expect((await lab.opus('job', 'cancel', 'FR-2')).exit).toBe(2);
  });

  test('is canceled for good while it works on what was asked of its pull request', async () => {
    await served(['FR-1']);
    await lab.says('FR-1', 'gate', /^merge@/);
    lab.hold('FR-1');
    const hash = lab.property('FR-1', 'gate').split('@')[1] ?? '';
    lab.edit('FR-1', (text) => text.replace('status:', `decision: changes ${hash} paint it\nstatus:`));
    await lab.working('FR-1.code');
    expect(await lab.job(0, 'job', 'cancel', 'FR-1')).toMatchObject({ status: 'canceled', pr: { state: 'closed' } });
    await lab.working();
    const begun = lab.events('stage.started').at(-1);
    expect(begun?.seq).toBeLessThan(lab.events('job.canceled')[0]?.seq ?? 0);
    expect(lab.story('FR-1-1').slice(-2)).toEqual(['deliver passed', 'code canceled']);
  });

  test('is paused while it waits to be tried again', async () => {
    lab = makeControlLab({ config: ['retry: { attempts: 2, base: 20s }'] });
    lab.breakDown('FR-1');
    lab.note('FR-1');
    await lab.serve();
    await vi.waitFor(() => {
      expect(lab.story('FR-1-1')).toEqual(['code failed']);
    }, 10_000);
    expect(await lab.job(0, 'job', 'pause', 'FR-1')).toMatchObject({ status: 'paused' });
    lab.note('FR-2');
    await lab.stands('FR-2', 'waiting approval');
    expect(lab.standing('FR-1')).toBe('paused');
    expect(lab.story('FR-1-1')).toEqual(['code failed']);
    await lab.says('FR-1', 'run_state', 'paused');
  });

  test("is started before what it waits for is done, at a person's word", async () => {
    await served([]);
    lab.note('FR-1', { status: 'idea' });
    lab.note('FR-2', { depends_on: '["[[FR-1]]"]' });
    await lab.stands('FR-2', 'waiting dependency');
    expect((await lab.opus('job', 'unblock', 'FR-2')).exit).toBe(0);
    await lab.stands('FR-2', 'waiting approval');
    const refused = await lab.opus('job', 'unblock', 'FR-2');
    expect(refused).toMatchObject({ exit: 2, stderr: expect.stringContaining('nothing holds it up') as string });
  });

  test('is handed to a person in the middle of a stage, and goes on with what they committed', async () => {
    lab = makeControlLab();
    lab.hold('FR-1', 'review');
    lab.note('FR-1');
    await lab.serve();
    await lab.working('FR-1.review');
    mkdirSync(join(lab.folder, 'full'));
    writeFileSync(join(lab.folder, 'full/mine.txt'), 'mine\n');
    const full = await lab.opus('job', 'checkout', 'FR-1', '--dir', 'full');
    expect(full.exit).toBe(3);
    expect(full.stderr).toContain('is not empty; nothing was written into it');
    expect(readdirSync(join(lab.folder, 'full'))).toEqual(['mine.txt']);
    await lab.working('FR-1.review');

    expect(await lab.job(0, 'job', 'checkout', 'FR-1', '--dir', 'mine')).toMatchObject({ status: 'paused' });
    expect(lab.agents()).toEqual([]);
    const mine = join(lab.folder, 'mine');
    expect(plainGit(mine, 'rev-parse', '--abbrev-ref', 'HEAD').trim()).toBe('opus/FR-1-1-request-fr-1');
    expect(existsSync(join(mine, 'FR-1.txt'))).toBe(true);
    expect((await lab.opus('job', 'resume', 'FR-1')).stderr).toContain('job return FR-1-1');
    writeFileSync(join(mine, 'person.txt'), 'by hand\n');
    const open = await lab.opus('job', 'return', 'FR-1');
    expect(open.exit).toBe(3);
    expect(open.stderr).toMatch(/has a change that .* not committed; nothing was taken/);
    expect(lab.standing('FR-1')).toBe('paused');
    plainGit(mine, 'add', '-A');
    plainGit(mine, 'commit', '-qm', 'By hand');
    const commit = plainGit(mine, 'rev-parse', 'HEAD').trim();
    lab.letGo('FR-1', 'review');
    expect((await lab.opus('job', 'return', 'FR-1')).exit).toBe(0);
    await lab.stands('FR-1', 'waiting approval');
    const shown = await lab.job(0, 'job', 'show', 'FR-1');
    expect(shown.commit).toBe(commit);
    const tests = shown.stages.filter(({ name }) => name === 'test').flatMap(({ evidence }) => evidence ?? []);
    expect(tests.at(-1)).toMatchObject({ commit, exitCode: 0 });
    expect(lab.git('app', 'rev-parse', 'opus/FR-1-1-request-fr-1').trim()).toBe(commit);
  });

  test('goes on without a checkout that is gone', async () => {
    lab = makeControlLab();
    lab.hold('FR-1', 'review');
    lab.note('FR-1');
    await lab.serve();
    await lab.working('FR-1.review');
    await lab.job(0, 'job', 'checkout', 'FR-1', '--dir', 'mine');
    rmSync(join(lab.folder, 'mine'), { recursive: true });
    const gone = await lab.opus('job', 'return', 'FR-1');
    expect(gone.exit).toBe(3);
    expect(gone.stderr).toContain('job retry FR-1-1 --from code');
    lab.letGo('FR-1', 'review');
    expect(await lab.job(0, 'job', 'retry', 'FR-1-1', '--from', 'code')).toMatchObject({ waitingFor: 'approval' });
  });
});
