import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { makeFaultLab } from '../support/fault-lab.ts';
import { livingAgents, untilAtWork, untilDone, untilJob, untilStory } from '../support/fault-waits.ts';
import { patience, startService } from '../support/service-process.ts';

const day = 24 * 3_600_000;
const preload = join(import.meta.dirname, '../support/shifted-clock.ts');

/** By feature request: FR-2 fails at first, FR-3 is at its limit at first. */
const troubled = `case "$OPUS_FR_ID $OPUS_ATTEMPT" in
  "FR-2 1") exit 7 ;;
  "FR-3 1") printf '{"code":"usage-limit","retryAfter":4}' > "$OPUS_OUT_DIR/error"; exit 0 ;;
esac`;

describe.each([
  ['a day forward', day],
  ['a day back', -day],
])('a wall clock that is set %s', (_name, shift) => {
  it('makes nothing wait for a day, cancels nothing and costs no attempt', async () => {
    const config = ['retry: { attempts: 3, base: 4s, max: 4s }', 'timeouts: { deleted: 1h }', 'concurrency: 4'];
    const lab = makeFaultLab({ notes: 4, config, agents: { code: troubled } });
    const clock = join(lab.folder, 'clock');
    const setClock = (milliseconds: number): void => {
      writeFileSync(`${clock}.new`, String(milliseconds));
      renameSync(`${clock}.new`, clock);
    };
    setClock(0);
    lab.hold('FR-1', 'FR-4');
    const service = await startService(lab, { preload, environment: { OPUS_TEST_CLOCK: clock } });
    for (const job of ['FR-1-1', 'FR-4-1']) {
      await untilStory(lab, ['code.0 running'], job);
      await untilAtWork(lab, '', job);
    }
    await untilStory(lab, ['code.0 failed'], 'FR-2-1');
    await untilJob(lab, { waitingFor: 'usage-limit' }, 'FR-3-1');
    const note = lab.note('FR-4');
    rmSync(lab.notePath('FR-4'));
    await vi.waitFor(() => {
      expect(lab.job('FR-4-1').missingSince).not.toBeNull();
    }, patience);
    setClock(shift);
    const said = `The clock was set by ${shift / 1_000} s; what waits by it looks again.`;
    await vi.waitFor(() => {
      expect(service.messages().some((message) => message.replace(/(\d)\d s;/, '$10 s;') === said)).toBe(true);
    }, patience);
    const looks = async (): Promise<number> => (await service.client.call('board.get', {})).featureRequests.length;
    lab.addNote('FR-5');
    await vi.waitFor(async () => {
      expect(await looks()).toBe(4);
    }, patience);
    expect(lab.job('FR-4-1').status).toBe('running');
    writeFileSync(lab.notePath('FR-4'), note);
    await untilJob(lab, { missingSince: null }, 'FR-4-1');
    lab.letGo('FR-1', 'FR-4');
    await untilDone(lab, 'FR-1-1', 'FR-2-1', 'FR-3-1', 'FR-4-1', 'FR-5-1');
    for (const job of ['FR-1-1', 'FR-4-1', 'FR-5-1']) {
      expect(lab.story(job)).toEqual(['code.0 passed', 'deliver.0 passed']);
    }
    expect(lab.story('FR-2-1')).toEqual(['code.0 failed', 'code.0 passed', 'deliver.0 passed']);
    expect(lab.story('FR-3-1').filter((attempt) => attempt !== 'code.0 failed')).toEqual([
      'code.0 passed',
      'deliver.0 passed',
    ]);
    expect(await service.readiness()).toMatchObject({ status: 200 });
    expect(await service.stop()).toBe(0);
  });
});

describe('a service that was asleep for longer than its lease', () => {
  const config = ['timeouts: { lease: 600ms }'];

  it('goes on with its attempt where nobody else took it', async () => {
    const lab = makeFaultLab({ config });
    lab.hold('code');
    const service = await startService(lab);
    await untilStory(lab, ['code.0 running']);
    await untilAtWork(lab);
    service.signal('SIGSTOP');
    await vi.waitFor(() => {
      expect(Date.now()).toBeGreaterThan((lab.attempts('FR-1-1')[0]?.leaseUntil ?? Infinity) + 100);
    }, patience);
    service.signal('SIGCONT');
    await vi.waitFor(() => {
      expect(lab.attempts('FR-1-1')[0]?.leaseUntil).toBeGreaterThan(Date.now());
    }, patience);
    lab.letGo('code');
    await untilDone(lab, 'FR-1-1');
    expect(lab.story('FR-1-1')).toEqual(['code.0 passed', 'deliver.0 passed']);
  });

  it('drops an attempt that somebody else gave up meanwhile, ends its agent, and begins the stage again', async () => {
    const lab = makeFaultLab({ config });
    lab.hold('code');
    const service = await startService(lab);
    await untilStory(lab, ['code.0 running']);
    await untilAtWork(lab);
    expect(livingAgents(lab, 'FR-1-1')).toEqual(['1']);
    service.signal('SIGSTOP');
    const leaseUntil = (): number => lab.attempts('FR-1-1')[0]?.leaseUntil ?? Infinity;
    await vi.waitFor(() => {
      expect(Date.now()).toBeGreaterThan(leaseUntil());
    }, patience);
    const registry = openRegistry({ file: join(lab.data, 'registry.db'), clock: { now: Date.now } });
    const given = registry.interruptExpired(Date.now(), '');
    registry.close();
    expect(given).toHaveLength(1);
    service.signal('SIGCONT');
    await vi.waitFor(() => {
      expect(livingAgents(lab, 'FR-1-1')).toEqual(['2']);
    }, patience);
    expect(lab.story('FR-1-1')).toEqual(['code.0 interrupted', 'code.0 running']);
    lab.letGo('code');
    await untilDone(lab, 'FR-1-1');
    expect(lab.story('FR-1-1')).toEqual(['code.0 interrupted', 'code.0 passed', 'deliver.0 passed']);
    expect(lab.git('show', `${lab.job('FR-1-1').branch}:counted.txt`)).toBe('FR-1-1 0');
    expect(await service.stop()).toBe(0);
  });
});
