import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeFaultLab, type FaultLab } from '../support/fault-lab.ts';
import { untilAtWork, untilDone, untilJob, untilStory } from '../support/fault-waits.ts';
import { patience, startService } from '../support/service-process.ts';
import { makeSmallDisk, noSmallDisk } from '../support/small-disk.ts';

const hindrance = noSmallDisk();
if (hindrance !== null) console.warn(`SKIPPED: what a full disk does to the service is not seen, since ${hindrance}`);

const jobs = ['FR-1-1', 'FR-2-1'];

function expectWholeNotes(lab: FaultLab): void {
  for (const fr of ['FR-1', 'FR-2']) {
    const lines = lab.note(fr).split('\n');
    expect(lines.filter((line) => line === '---')).toHaveLength(2);
    expect(lines.slice(0, 3)).toEqual(['---', `id: ${fr}`, `title: Count in ${fr}`]);
    expect(lines).toContain('  - fr # mine');
    expect(lines.slice(-2)).toEqual([`The *body* of ${fr} stays.`, '']);
  }
}

test.skipIf(hindrance !== null)('a disk with less than the reserve lets no job begin, and says so', async () => {
  const disk = await makeSmallDisk(48);
  const lab = makeFaultLab({ disk, config: ['limits: { diskReserve: 30M }'] });
  disk.use(24);
  const service = await startService(lab, { inside: disk.inside, data: lab.data });
  await untilJob(lab, { status: 'waiting', waitingFor: 'disk' });
  expect(lab.job('FR-1-1').error).toMatchObject({ code: 'registry.disk-full' });
  expect(await service.readiness()).toMatchObject({ status: 503, checks: { disk: { ok: false } } });
  expect(lab.note('FR-1')).toMatch(/^run_note: .*limits\.diskReserve/m);
  expect(lab.story('FR-1-1')).toEqual([]);
  disk.free();
  await untilDone(lab, 'FR-1-1');
  expect(await service.stop()).toBe(0);
});

test.skipIf(hindrance !== null)(
  'a disk that is full while jobs run, with the vault on it, costs nothing that was done',
  async () => {
    const disk = await makeSmallDisk(48);
    // A moment that no attempt may be charged for.
    const config = ['limits: { diskReserve: 1M }', 'retry: { attempts: 1 }'];
    const lab = makeFaultLab({ notes: 2, disk, config });
    lab.hold('FR-1', 'FR-2');
    const service = await startService(lab, { inside: disk.inside, data: lab.data });
    for (const job of jobs) {
      await untilStory(lab, ['code.0 running'], job);
      await untilAtWork(lab, '', job);
    }
    disk.fill();
    const { status, checks } = await service.readiness();
    expect({ status, disk: checks['disk']?.ok }).toEqual({ status: 503, disk: false });
    lab.letGo('FR-1', 'FR-2');
    await vi.waitFor(() => {
      expect(service.said()).toMatch(/registry\.disk-full|"code":"registry.disk-full"/);
    }, patience);
    expect((await service.status()).problems).toContainEqual(expect.objectContaining({ code: 'health.disk' }));
    expectWholeNotes(lab);
    disk.free();
    await untilDone(lab, ...jobs);
    expect((await service.readiness()).status).toBe(200);
    for (const job of jobs) {
      const story = lab.story(job);
      expect(story.slice(-2)).toEqual(['code.0 passed', 'deliver.0 passed']);
      expect(story.filter((attempt) => attempt.endsWith('passed'))).toHaveLength(2);
      expect(lab.git('show', `${lab.job(job).branch}:counted.txt`)).toBe(`${job} 0`);
    }
    expectWholeNotes(lab);
    expect(readdirSync(join(lab.vault, '10_features')).sort()).toEqual(['FR-1.md', 'FR-2.md']);
    expect(lab.read((registry) => registry.outbox())).toEqual([]);
    expect(await service.stop()).toBe(0);
  },
);
