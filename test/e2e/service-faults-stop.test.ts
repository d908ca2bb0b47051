import { rmSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { endOrphans, sandboxName } from '../../runner/adapters/sandbox/orphans.ts';
import { untilAtWork, untilDone, untilJob, untilStory } from '../support/fault-waits.ts';
import { makeFaultLab, type FaultLab } from '../support/fault-lab.ts';
import { patience, startOpus, startService, type ServiceProcess } from '../support/service-process.ts';

const everyStage = ['plan', 'code', 'test', 'review', 'deliver', 'merge'];

const stopsWell = async (lab: FaultLab, service: ServiceProcess): Promise<void> => {
  expect(await service.stop()).toBe(0);
  expect(service.messages().at(-1)).toBe('The service has stopped.');
  expect(endOrphans(sandboxName(lab.data))).toBe(0);
  expect(lab.job('FR-1-1').slot).toBeNull();
};

describe('a service that is stopped', () => {
  it('in every stage goes on from there at its next start, and repeats nothing that was finished', async () => {
    const lab = makeFaultLab({ stages: everyStage, config: ['timeouts: { grace: 1ms }'], setup: true });
    lab.hold('plan', 'code', 'test', 'review', 'setup', 'push');
    const stopAt = async (story: readonly string[], purpose?: '' | '-setup' | '-test'): Promise<void> => {
      const service = await startService(lab);
      await untilStory(lab, story);
      if (purpose !== undefined) await untilAtWork(lab, purpose);
      await stopsWell(lab, service);
      expect(lab.story('FR-1-1')).toEqual([...story.slice(0, -1), story.at(-1)?.replace('running', 'canceled')]);
      expect(lab.job('FR-1-1')).toMatchObject({ status: 'waiting', waitingFor: 'slot' });
    };
    await stopAt(['plan.0 running'], '');
    lab.letGo('plan');
    const planned = ['plan.0 canceled', 'plan.0 passed'];
    await stopAt([...planned, 'code.0 running'], '-setup');
    lab.letGo('setup');
    await stopAt([...planned, 'code.0 canceled', 'code.0 running'], '');
    lab.letGo('code');
    const coded = [...planned, 'code.0 canceled', 'code.0 canceled', 'code.0 passed'];
    await stopAt([...coded, 'test.0 running'], '-test');
    lab.letGo('test');
    const tested = [...coded, 'test.0 canceled', 'test.0 passed'];
    await stopAt([...tested, 'review.0 running'], '');
    lab.letGo('review');
    const reviewed = [...tested, 'review.0 canceled', 'review.0 passed'];
    await stopAt([...reviewed, 'deliver.0 running']);
    lab.letGo('push');
    const atGate = await startService(lab);
    await untilJob(lab, { waitingFor: 'approval' });
    expect(await atGate.stop()).toBe(0);
    const again = await startService(lab);
    await untilJob(lab, { waitingFor: 'approval' });
    lab.hold('test');
    await again.client.call('approval.decide', { job: 'FR-1-1', kind: 'approve', comment: '', person: 'me' });
    const delivered = lab.story('FR-1-1').filter((attempt) => !attempt.startsWith('merge'));
    expect(delivered.slice(reviewed.length)).toEqual(['deliver.0 canceled', 'deliver.0 passed']);
    await untilStory(lab, [...delivered, 'merge.0 running']);
    await untilAtWork(lab, '-test');
    await stopsWell(lab, again);
    lab.letGo('test');
    const last = await startService(lab);
    await untilDone(lab, 'FR-1-1');
    expect(lab.story('FR-1-1')).toEqual([...delivered, 'merge.0 canceled', 'merge.0 passed']);
    expect(lab.git('rev-list', '--merges', '--count', 'main')).toBe('1');
    expect(lab.git('show', 'main:counted.txt')).toBe('FR-1-1 0');
    await last.stop();
    expect(lab.note('FR-1')).toMatch(/^status: done$/m);
  });

  it('lets a step that ends within the grace end, and begins nothing after it', async () => {
    const lab = makeFaultLab({ config: ['timeouts: { grace: 1h }'] });
    lab.hold('code');
    const service = await startService(lab);
    await untilStory(lab, ['code.0 running']);
    await untilAtWork(lab);
    service.signal('SIGTERM');
    await vi.waitFor(() => {
      expect(service.messages()).toContain('The service stops; what is done is kept.');
    }, patience);
    lab.letGo('code');
    expect(await service.ended()).toBe(0);
    expect(lab.story('FR-1-1')).toEqual(['code.0 passed']);
    await startService(lab);
    await untilDone(lab, 'FR-1-1');
    expect(lab.story('FR-1-1')).toEqual(['code.0 passed', 'deliver.0 passed']);
  });

  it('stops at once at a second signal, and saves where it is all the same', async () => {
    const lab = makeFaultLab({ config: ['timeouts: { grace: 1h }'] });
    lab.hold('code');
    const service = await startService(lab);
    await untilStory(lab, ['code.0 running']);
    await untilAtWork(lab);
    service.signal('SIGTERM');
    const first = performance.now();
    // Two signals that come together are one wish.
    await vi.waitFor(() => {
      expect(performance.now() - first).toBeGreaterThan(700);
    }, patience);
    expect(lab.story('FR-1-1')).toEqual(['code.0 running']);
    await stopsWell(lab, service);
    expect(lab.story('FR-1-1')).toEqual(['code.0 canceled']);
    expect(lab.job('FR-1-1')).toMatchObject({ status: 'waiting', waitingFor: 'slot' });
  });

  it('while a job waits to try again does not wait for it, and the job goes on at the next start', async () => {
    const config = ['retry: { attempts: 3, base: 1h, max: 1h }'];
    const lab = makeFaultLab({ config, agents: { code: '[ -e "$here/hold.review" ] && exit 7' } });
    lab.hold('review');
    const service = await startService(lab);
    await untilStory(lab, ['code.0 failed']);
    await stopsWell(lab, service);
    lab.letGo('review');
    await startService(lab);
    await untilDone(lab, 'FR-1-1');
    expect(lab.story('FR-1-1')).toEqual(['code.0 failed', 'code.0 passed', 'deliver.0 passed']);
  });
});

describe('a service that is told of changes', () => {
  it('takes an edited opus.yml and refuses a wrong one, saying so', async () => {
    const lab = makeFaultLab({ notes: 2, config: ['concurrency: 1'] });
    lab.hold('code');
    const service = await startService(lab);
    const atWorkNow = async (): Promise<number> => (await service.status()).running;
    await vi.waitFor(async () => {
      expect(await service.status()).toMatchObject({ running: 1, queued: 1 });
    }, patience);
    lab.configure(['concurrency: 2']);
    service.signal('SIGHUP');
    await vi.waitFor(async () => {
      expect(await atWorkNow()).toBe(2);
    }, patience);
    expect(service.messages()).toContain('Now in force: concurrency.');

    lab.configure(['concurrency: none']);
    service.signal('SIGHUP');
    await vi.waitFor(async () => {
      const [problem] = (await service.status()).problems;
      expect(problem).toMatchObject({ code: 'config.invalid' });
      expect(problem?.message).toContain('concurrency');
    }, patience);
    expect(service.messages().filter((message) => message.startsWith('opus.yml was not taken'))[0]).toContain(
      'concurrency',
    );
    expect(await service.status()).toMatchObject({ ready: true, running: 2 });

    lab.configure(['concurrency: 2']);
    service.signal('SIGHUP');
    await vi.waitFor(async () => {
      expect((await service.status()).problems).toEqual([]);
    }, patience);
    lab.letGo('code');
    for (const job of ['FR-1-1', 'FR-2-1']) await untilDone(lab, job);
  });

  it('takes an edited policy note and refuses a broken one, saying so', async () => {
    const lab = makeFaultLab();
    const service = await startService(lab);
    await untilDone(lab, 'FR-1-1');
    expect(lab.story('FR-1-1')).toEqual(['code.0 passed', 'deliver.0 passed']);

    lab.policy(['stages: [code, test, deliver]']);
    lab.addNote('FR-2');
    await untilDone(lab, 'FR-2-1');
    expect(lab.story('FR-2-1')).toEqual(['code.0 passed', 'test.0 passed', 'deliver.0 passed']);

    lab.policy(['stages: [deliver]']);
    await vi.waitFor(async () => {
      const [problem] = (await service.status()).problems;
      expect(problem?.message).toMatch(/^00_system\/opus\/config\.md:\d+ is not taken, what was in force stays: /);
    }, patience);
    lab.addNote('FR-3');
    await untilDone(lab, 'FR-3-1');
    expect(lab.story('FR-3-1')).toEqual(['code.0 passed', 'test.0 passed', 'deliver.0 passed']);
    expect(
      service.messages().some((message) => message.includes('config.md') && message.includes('is not taken')),
    ).toBe(true);

    lab.policy(['stages: [code, deliver]']);
    await vi.waitFor(async () => {
      expect((await service.status()).problems).toEqual([]);
    }, patience);
  });
});

describe('a data folder', () => {
  it('has one service at a time; after a kill the next one starts at once', async () => {
    const lab = makeFaultLab();
    lab.hold('code');
    const first = await startService(lab);
    await untilStory(lab, ['code.0 running']);
    await untilAtWork(lab);
    const second = startOpus(['serve', '--config', lab.config]);
    expect(await second.ended).toBe(3);
    expect(second.said()).toContain('(registry.locked)');
    expect(second.said()).toContain(`pid ${first.pid}`);
    expect(second.said()).not.toMatch(/^ +at /m);
    expect(await first.status()).toMatchObject({ pid: first.pid, ready: true, running: 1 });

    await first.kill();
    lab.letGo('code');
    const third = await startService(lab);
    expect(third.client.service.url).not.toBe(first.client.service.url);
    await untilDone(lab, 'FR-1-1');
    expect(lab.story('FR-1-1')).toEqual(['code.0 interrupted', 'code.0 passed', 'deliver.0 passed']);
    expect(endOrphans(sandboxName(lab.data))).toBe(0);
  });

  it('is held by its lock alone, also where service.json is missing or names a process that lives', async () => {
    const lab = makeFaultLab({ notes: 0 });
    const first = await startService(lab);
    rmSync(`${lab.data}/service.json`);
    const second = startOpus(['serve', '--config', lab.config]);
    expect(await second.ended).toBe(3);
    expect(second.said()).toContain('(registry.locked)');
    expect(first.isAlive()).toBe(true);
    expect(await first.stop()).toBe(0);
  });
});
