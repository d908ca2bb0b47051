import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { isFinished } from '#shared/domain/job.ts';
import { makeFaultLab, type FaultLab } from '../support/fault-lab.ts';
import { untilAtWork, untilDone, untilJob, untilStory } from '../support/fault-waits.ts';
import { patience, startService, type ServiceProcess } from '../support/service-process.ts';

async function twoAtWork(lab: FaultLab): Promise<void> {
  for (const job of ['FR-1-1', 'FR-2-1']) {
    await untilStory(lab, ['code.0 running'], job);
    await untilAtWork(lab, '', job);
  }
}

async function untilSeen(service: ServiceProcess, notes: number): Promise<void> {
  await vi.waitFor(async () => {
    expect((await service.client.call('board.get', {})).featureRequests).toHaveLength(notes);
  }, patience);
}

/** Until the time for which a note may be gone is over, and the vault was looked at since. */
async function untilOverdue(lab: FaultLab, since: number, deletedAfter: number): Promise<void> {
  await vi.waitFor(() => {
    expect(Date.now()).toBeGreaterThan(since + 2 * deletedAfter);
  }, patience);
  expect(lab.read((registry) => registry.jobs({ finished: false })).every(({ status }) => status !== 'canceled')).toBe(
    true,
  );
}

describe('a vault that vanishes while jobs run and wait', () => {
  it('cancels and fails nothing, is said to be gone, and is told everything when it is back', async () => {
    const deletedAfter = 300;
    const config = ['concurrency: 2', `timeouts: { deleted: ${deletedAfter}ms }`];
    const lab = makeFaultLab({ notes: 3, config });
    lab.hold('code');
    const service = await startService(lab);
    await twoAtWork(lab);
    await untilJob(lab, { status: 'queued' }, 'FR-3-1');
    const away = `${lab.vault}.away`;
    renameSync(lab.vault, away);
    await vi.waitFor(async () => {
      const { status, checks } = await service.readiness();
      expect(status).toBe(503);
      expect(checks['vault']).toEqual({ ok: false, message: expect.stringContaining(lab.vault) as string });
    }, patience);
    const since = Date.now();
    lab.letGo('code');
    await vi.waitFor(() => {
      for (const job of ['FR-1-1', 'FR-2-1']) expect(lab.story(job)[0]).toBe('code.0 passed');
    }, patience);
    await untilOverdue(lab, since, deletedAfter);
    expect((await service.status()).problems).toContainEqual(expect.objectContaining({ code: 'health.vault' }));
    renameSync(away, lab.vault);
    await vi.waitFor(async () => {
      expect(await service.readiness()).toMatchObject({ status: 200, checks: { vault: { ok: true } } });
    }, patience);
    await untilDone(lab, 'FR-1-1', 'FR-2-1', 'FR-3-1');
    for (const job of ['FR-1-1', 'FR-2-1', 'FR-3-1']) {
      expect(lab.story(job).filter((attempt) => attempt.endsWith('passed'))).toEqual([
        'code.0 passed',
        'deliver.0 passed',
      ]);
    }
    expect(await service.stop()).toBe(0);
    expect(readdirSync(join(lab.vault, '20_runs')).sort()).toEqual(['FR-1-1.md', 'FR-2-1.md', 'FR-3-1.md']);
  });
});

describe('notes that are gone', () => {
  it('all at once are nobody’s decision: their jobs wait for them', async () => {
    const deletedAfter = 300;
    const lab = makeFaultLab({ notes: 2, config: [`timeouts: { deleted: ${deletedAfter}ms }`] });
    lab.hold('code');
    const service = await startService(lab);
    await twoAtWork(lab);
    const away = join(lab.folder, 'away');
    renameSync(join(lab.vault, '10_features'), away);
    mkdirSync(join(lab.vault, '10_features'));
    await untilSeen(service, 0);
    const since = Date.now();
    lab.letGo('code');
    await vi.waitFor(() => {
      for (const job of ['FR-1-1', 'FR-2-1']) expect(lab.story(job)[0]).toBe('code.0 passed');
    }, patience);
    await untilOverdue(lab, since, deletedAfter);
    for (const name of readdirSync(away)) renameSync(join(away, name), join(lab.vault, '10_features', name));
    await untilDone(lab, 'FR-1-1', 'FR-2-1');
    for (const job of ['FR-1-1', 'FR-2-1']) {
      expect(lab.story(job).filter((attempt) => attempt.endsWith('passed'))).toEqual([
        'code.0 passed',
        'deliver.0 passed',
      ]);
    }
  });

  it('one by one cancel their jobs, after the delay', async () => {
    const lab = makeFaultLab({ notes: 2, config: ['timeouts: { deleted: 1s }'] });
    lab.hold('code');
    await startService(lab);
    await twoAtWork(lab);
    rmSync(lab.notePath('FR-1'));
    await vi.waitFor(() => {
      expect(lab.job('FR-1-1').missingSince).not.toBeNull();
    }, patience);
    const since = lab.job('FR-1-1').missingSince ?? Infinity;
    await untilJob(lab, { status: 'canceled' });
    const canceled = lab
      .read((registry) => registry.events({ afterSeq: 0, jobId: 'FR-1-1', limit: 100 }))
      .find(({ type }) => type === 'job.canceled');
    expect(canceled?.data).toEqual({ reason: 'its note 10_features/FR-1.md was deleted' });
    expect(canceled?.at).toBeGreaterThanOrEqual(since + 1_000);
    lab.letGo('code');
    await untilDone(lab, 'FR-2-1');
  });
});

describe('a thousand edits in a few seconds', () => {
  it('are all kept while jobs run on the same notes, and nothing is dispatched twice', async () => {
    const count = 20;
    const edits = 50;
    const frs = Array.from({ length: count }, (_, index) => `FR-${index + 1}`);
    const lab = makeFaultLab({ notes: count, config: ['concurrency: 2'] });
    lab.hold('code');
    const service = await startService(lab);
    await untilJob(lab, { runState: 'code' });
    lab.letGo('code');
    const done = (): number =>
      lab.read((registry) => registry.jobs({ finished: true }).filter(({ status }) => isFinished(status)).length);
    for (let edit = 0; edit < edits; edit++) {
      for (const fr of frs) appendFileSync(lab.notePath(fr), `Edit ${edit}.\n`);
      // In step with the jobs, so that each note is written by both at the same time.
      await vi.waitFor(
        () => {
          expect(done()).toBeGreaterThanOrEqual(Math.floor((edit * count) / edits));
        },
        { ...patience, interval: 5 },
      );
    }
    await untilDone(lab, ...frs.map((fr) => `${fr}-1`));
    for (const fr of frs) {
      // One that went into a file which was being replaced is brought back behind what came after it.
      const kept = lab.note(fr).match(/^Edit \d+\.$/gm);
      expect(kept?.sort()).toEqual(Array.from({ length: edits }, (_, edit) => `Edit ${edit}.`).sort());
      expect(lab.note(fr)).toContain('  - fr # mine\n');
      expect(lab.story(`${fr}-1`)).toEqual(['code.0 passed', 'deliver.0 passed']);
    }
    expect(lab.read((registry) => registry.jobs({ finished: true })).map(({ id }) => id)).toHaveLength(count);
    expect(await service.readiness()).toMatchObject({ status: 200 });
    expect((await service.status()).problems).toEqual([]);
    expect(await service.stop()).toBe(0);
  });
});
