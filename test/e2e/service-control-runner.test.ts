import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeControlLab, type ControlLab, type ControlLabOptions } from '../support/control-lab.ts';

let lab: ControlLab;
afterEach(() => lab.close());

/** A running service with these notes, of which those in `held` wait in their first stage. */
async function served(ids: readonly string[], held: readonly string[] = [], options: ControlLabOptions = {}) {
  lab = makeControlLab(options);
  for (const id of held) lab.hold(id);
  for (const id of ids) lab.note(id);
  return await lab.serve();
}

const setStatus = (id: string, status: string): void => {
  lab.edit(id, (text) => text.replace(/^status: .*$/m, `status: ${status}`));
};

describe('the whole runner', () => {
  test('is paused over a restart, and resumed', async () => {
    const service = await served(['FR-1'], ['FR-1']);
    await lab.working('FR-1.code');
    const paused = await lab.opus('pause', '--all');
    expect(paused).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^Paused: nothing runs or starts/) as string,
    });
    await lab.working();
    await lab.says('FR-1', 'run_state', 'paused');
    expect(await service.stop()).toBe(0);
    await lab.serve();
    lab.note('FR-2');
    await lab.stands('FR-2', 'queued');
    expect(lab.agents()).toEqual([]);
    expect((await lab.opus('status')).stdout).toContain('Paused: nothing runs or starts.');
    expect(await lab.json(0, 'resume', '--all')).toMatchObject({ paused: 'no' });
    await lab.working('FR-1.code');
    await lab.stands('FR-2', 'waiting approval');
    lab.letGo('FR-1');
    await lab.stands('FR-1', 'waiting approval');
    expect(lab.story('FR-1-1').slice(0, 2)).toEqual(['code canceled', 'code passed']);
  });

  test('is drained: what runs may end, nothing starts', async () => {
    await served(['FR-1'], ['FR-1']);
    await lab.working('FR-1.code');
    expect(await lab.json(0, 'drain')).toEqual({ paused: 'draining', running: 1 });
    lab.note('FR-2');
    await lab.stands('FR-2', 'queued');
    const waited = lab.opus('drain', '--wait');
    lab.letGo('FR-1');
    expect(await waited).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^Drained: nothing runs and nothing starts\./) as string,
    });
    expect([lab.standing('FR-1'), lab.standing('FR-2')]).toEqual(['waiting approval', 'queued']);
    expect((await lab.opus('resume', '--all')).exit).toBe(0);
    await lab.stands('FR-2', 'waiting approval');
  });

  test("starts a backlog at a person's word only", async () => {
    await served(['FR-1', 'FR-2', 'FR-3'], [], { policy: ['backlog: ask'] });
    lab.note('FR-4');
    await lab.stands('FR-4', 'waiting approval');
    expect(['FR-1', 'FR-2', 'FR-3'].map((id) => lab.standing(id))).toEqual(['none', 'none', 'none']);
    await vi.waitFor(async () => {
      expect((await lab.opus('status')).stdout).toContain('FR-1, FR-2, FR-3');
    }, 10_000);
    const some = await lab.json(0, 'fr', 'dispatch', 'FR-1', 'FR-4');
    expect(some).toMatchObject({ jobs: [{ fr: 'FR-1' }, { job: 'FR-4-1' }], refused: [] });
    const refused = await lab.opus('fr', 'dispatch', 'FR-77');
    expect(refused).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('No note in the vault has the id FR-77') as string,
    });
    const all = await lab.opus('fr', 'dispatch', '--all');
    expect(all.exit).toBe(0);
    expect(all.stdout).toMatch(/FR-2-1[\s\S]*FR-3-1/);
    for (const id of ['FR-1', 'FR-2', 'FR-3']) await lab.stands(id, 'waiting approval');
    expect((await lab.opus('fr', 'dispatch', '--all')).stdout).toContain('Nothing waits for your word.');
  });

  test('takes notes that are confirmed while it runs, and starts what waited for them', async () => {
    await served([], [], { config: ['trust: confirm'] });
    lab.note('FR-1');
    await lab.says('FR-1', 'run_note', /^Cannot start: /);
    const shown = await lab.opus('trust');
    expect(shown.exit).toBe(3);
    expect(shown.stdout).toMatch(/new .*coder\.md/);
    const confirmed = await lab.opus('trust', '--all');
    expect(confirmed).toMatchObject({ exit: 0, stdout: expect.stringContaining('3 of 3 confirmed.') as string });
    await lab.stands('FR-1', 'waiting approval');
    expect(await lab.json(0, 'trust')).toEqual([]);
  });

  test('is shown by status, once or as it changes', async () => {
    const { pid } = await served(['FR-1']);
    await lab.stands('FR-1', 'waiting approval');
    const seen = (await lab.json(0, 'status')) as { runner: Record<string, unknown>; jobs: unknown[] };
    expect(seen.runner).toMatchObject({
      pid,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
      sandbox: 'isolated',
    });
    expect(seen.runner['ready']).toBe(true);
    expect(seen.jobs).toMatchObject([{ job: 'FR-1-1', waitingFor: 'approval' }]);
    const watching = lab.start('status', '--watch');
    let text = '';
    watching.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
    await vi.waitFor(() => {
      expect(text).toContain('FR-1-1');
    }, 10_000);
    watching.kill('SIGINT');
    await once(watching, 'exit');
    expect(watching.exitCode).toBe(0);
  });
});

describe('the note', () => {
  test('answers its gate when it names it, and is told when it names another', async () => {
    await served(['FR-1']);
    await lab.says('FR-1', 'gate', /^merge@[0-9a-f]{8}$/);
    const gate = lab.property('FR-1', 'gate');
    lab.edit('FR-1', (text) => text.replace('status:', 'decision: approve 01234567\nstatus:'));
    await lab.says('FR-1', 'run_note', new RegExp(`names 01234567; asked for is ${gate}`));
    expect(lab.standing('FR-1')).toBe('waiting approval');
    lab.edit('FR-1', (text) => text.replace('approve 01234567', `approve ${gate.split('@')[1] ?? ''}`));
    await lab.stands('FR-1', 'succeeded');
    await lab.says('FR-1', 'status', 'done');
    expect(lab.registry((registry) => registry.decisions('FR-1-1'))).toMatchObject([
      { kind: 'approve', channel: 'note' },
    ]);
  });

  test.each(['parked', 'rejected'])('set to %s while an agent works ends the job', async (status) => {
    await served(['FR-1'], ['FR-1']);
    await lab.working('FR-1.code');
    await lab.says('FR-1', 'run_state', 'code');
    setStatus('FR-1', status);
    await lab.stands('FR-1', 'canceled');
    await lab.working();
    await lab.says('FR-1', 'run_state', 'canceled');
    expect(lab.property('FR-1', 'status')).toBe(status);
  });

  test('keeps a status that a person set while the job goes on; the clash is shown until it is settled', async () => {
    await served(['FR-1'], ['FR-1']);
    await lab.working('FR-1.code');
    await lab.says('FR-1', 'run_state', 'code');
    setStatus('FR-1', 'idea');
    await lab.says(
      'FR-1',
      'run_note',
      /^The status "idea" was set by a person and stays; FR-1-1 goes on, as "in-progress"\./,
    );
    await vi.waitFor(async () => {
      expect((await lab.opus('status')).stdout).toContain('10_features/FR-1.md: The status "idea" was set by a person');
    }, 10_000);
    lab.letGo('FR-1');
    await lab.says('FR-1', 'gate', /^merge@/);
    expect(lab.property('FR-1', 'status')).toBe('idea');
    expect(lab.property('FR-1', 'run_note')).toContain('goes on, as "in-review".');
    setStatus('FR-1', 'in-review');
    await lab.says('FR-1', 'run_note', '');
    await vi.waitFor(async () => {
      expect((await lab.opus('status')).stdout).not.toContain('was set by a person');
    }, 10_000);
    expect(await lab.job(0, 'approve', 'FR-1')).toMatchObject({ status: 'succeeded' });
    await lab.says('FR-1', 'status', 'done');
  });
});
