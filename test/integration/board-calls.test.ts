import { afterEach, describe, expect, test } from 'vitest';
import type { OpusError } from '#shared/domain/errors.ts';
import { connectToService, type ServiceClient } from '../../runner/cli/service-client.ts';
import { makeControlLab, type ControlLab } from '../support/control-lab.ts';

let lab: ControlLab;
afterEach(() => lab.close());

async function served(prepare: () => void, config: readonly string[] = []): Promise<ServiceClient> {
  lab = makeControlLab({ config });
  prepare();
  await lab.serve();
  const found = connectToService(lab.data);
  if (found === null) throw new Error('No service runs.');
  return found;
}

async function refusal(call: Promise<unknown>): Promise<string> {
  const thrown = await call.then(
    () => null,
    (error: unknown) => error as OpusError,
  );
  return thrown === null ? 'done' : `${thrown.code}: ${thrown.message}`;
}

describe('the board', () => {
  test('shows jobs with what stages found, requests, spending, and up to which event', async () => {
    const service = await served(() => {
      lab.hold('FR-1', 'review');
      lab.note('FR-1', { priority: 'P0' });
      lab.note('FR-2', { status: 'idea' });
    }, ['limits: { dailyBudget: 5, dailyTokens: 1000 }']);
    await lab.working('FR-1.review');
    const board = await service.call('board.get', {});
    expect(board).toMatchObject({
      runner: { ready: expect.any(Boolean) as boolean, paused: 'no' },
      spending: { dollars: 0, tokens: 0, budget: { dollars: 5, tokens: 1_000 } },
      untrusted: 0,
      featureRequests: [
        { id: 'FR-1', status: 'in-progress' },
        { id: 'FR-2', status: 'idea' },
      ],
    });
    expect(board.jobs).toMatchObject([
      {
        job: 'FR-1-1',
        title: 'Request FR-1',
        priority: 'P0',
        repository: 'app',
        notePath: '10_features/FR-1.md',
        reportPath: '20_runs/FR-1-1.md',
        stage: { name: 'review', round: 0 },
        agent: 'reviewr',
        sentence: '',
        tests: { passed: true, commands: 1 },
        size: { files: 1, removed: 0 },
        review: null,
        checks: null,
      },
    ]);
    expect(board.jobs[0]?.size?.added).toBeGreaterThan(0);
    expect(board.jobs[0]?.tests?.commit).toBe(board.jobs[0]?.commit);
    expect(board.seq).toBe(lab.registry((registry) => registry.lastEventSeq()));

    lab.letGo('FR-1', 'review');
    await lab.stands('FR-1', 'waiting approval');
    const [job] = (await service.call('board.get', {})).jobs;
    expect(job).toMatchObject({
      stage: null,
      review: { verdict: 'pass', confidence: 90, issues: 0 },
      size: { files: 1 },
      sentence: 'Its merge waits for your decision.',
    });
    expect(job?.gate).toBe(`merge@${(job?.gateHash ?? '').slice(0, 8)}`);
    expect(job?.gateHash).toMatch(/^[0-9a-f]{40}$/);
  });
});

describe('setting a request', () => {
  const odd = [
    '---',
    'id: FR-1',
    "title:   'Odd: spaced'   # mine",
    'status:   idea   # for now',
    'priority: "P2"',
    'tags: [fr,  two]',
    'status_of_mine: kept',
    '---',
    'Body with `status: idea`.',
    '',
  ].join('\r\n');

  test('changes these two values in its note, and no other byte', async () => {
    const service = await served(() => {
      lab.note('FR-1');
      lab.edit('FR-1', () => odd);
    });
    const set = await service.call('fr.set', { fr: 'FR-1', status: 'parked', priority: 'P0', expect: 'idea' });
    expect(set).toMatchObject({ id: 'FR-1', status: 'parked', priority: 'P0', path: '10_features/FR-1.md' });
    const wanted = odd.replace('status:   idea', 'status:   parked').replace('"P2"', '"P0"');
    expect(lab.text('FR-1')).toBe(wanted);
    expect(await service.call('fr.set', { fr: 'FR-1', status: 'parked', priority: 'P0' })).toMatchObject(set);
    expect(lab.text('FR-1')).toBe(wanted);
    expect((await service.call('fr.validate', { fr: 'FR-1' })).featureRequests).toEqual([set]);
  });

  test('leaves a note alone whose status is not the one that was shown', async () => {
    const service = await served(() => {
      lab.note('FR-1', { status: 'blocked' });
    });
    const before = lab.text('FR-1');
    expect(
      await refusal(service.call('fr.set', { fr: 'FR-1', status: 'parked', priority: 'P0', expect: 'idea' })),
    ).toBe(
      'vault.clash: 10_features/FR-1.md has "blocked" by now, not "idea" which you were shown; it was left as it is.',
    );
    expect(await refusal(service.call('fr.set', { fr: 'FR-1', priority: 'P0', expect: null }))).toMatch(
      /^vault\.clash: .* not no status which you were shown/,
    );
    expect(lab.text('FR-1')).toBe(before);
  });

  test('is taken up at once: planned starts a job, parked ends it', async () => {
    const service = await served(() => {
      lab.hold('FR-1');
      lab.note('FR-1', { status: 'idea' });
    }, ['polling: { active: 1h, idle: 1h, watch: false }']);
    await service.call('fr.set', { fr: 'FR-1', status: 'planned', expect: 'idea' });
    await lab.working('FR-1.code');
    await lab.says('FR-1', 'status', 'in-progress');
    await service.call('fr.set', { fr: 'FR-1', status: 'parked', expect: 'in-progress' });
    await lab.stands('FR-1', 'canceled');
  });

  test('needs a request that there is, and can be read', async () => {
    const service = await served(() => {
      lab.note('FR-1');
      lab.edit('FR-1', (text) => text.replace('status: planned', 'status: [planned'));
      lab.note('FR-2', { repo: 'nowhere', status: 'idea' });
    });
    const before = lab.text('FR-2');
    expect(await refusal(service.call('fr.set', { fr: 'FR-9', status: 'planned' }))).toMatch(/^vault\.fr-not-found: /);
    expect(await refusal(service.call('fr.set', { fr: 'FR-2', priority: 'P0' }))).toMatch(
      /^vault\.fr-invalid: 10_features\/FR-2\.md:\d+: /,
    );
    expect(lab.text('FR-2')).toBe(before);
  });
});
