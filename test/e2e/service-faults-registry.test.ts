import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { damage } from '../support/backup-lab.ts';
import { makeFaultLab } from '../support/fault-lab.ts';
import { untilAtWork, untilDone, untilStory } from '../support/fault-waits.ts';
import { patience, startOpus, startService } from '../support/service-process.ts';

describe('a registry that another process holds', () => {
  it('for longer than the service waits for it costs no outcome and no attempt', async () => {
    const lab = makeFaultLab({ notes: 2 });
    lab.hold('code');
    const service = await startService(lab);
    for (const job of ['FR-1-1', 'FR-2-1']) {
      await untilStory(lab, ['code.0 running'], job);
      await untilAtWork(lab, '', job);
    }
    const other = new DatabaseSync(join(lab.data, 'registry.db'));
    onTestFinished(() => {
      other.close();
    });
    other.exec('BEGIN IMMEDIATE');
    lab.letGo('code');
    await vi.waitFor(() => {
      expect(service.said()).toContain('stayed locked by another process for 5 s');
    }, patience);
    other.exec('ROLLBACK');
    await untilDone(lab, 'FR-1-1', 'FR-2-1');
    for (const job of ['FR-1-1', 'FR-2-1']) expect(lab.story(job)).toEqual(['code.0 passed', 'deliver.0 passed']);
    expect(await service.readiness()).toMatchObject({ status: 200 });
    expect(await service.stop()).toBe(0);
  });
});

describe('a database that is damaged while nobody runs', () => {
  it('is replaced by the newest good backup where it is the registry, and that is said', async () => {
    const lab = makeFaultLab();
    const before = await startService(lab);
    await untilDone(lab, 'FR-1-1');
    const { file } = await before.client.call('backup.create', {});
    expect(await before.stop()).toBe(0);
    damage(join(lab.data, 'registry.db'), 'garbage');
    const after = await startService(lab);
    const said = after.messages().filter((message) => message.includes('It was replaced by the backup of '));
    expect(said[0]).toContain('registry.db is damaged');
    expect(existsSync(file)).toBe(true);
    expect(lab.job('FR-1-1').status).toBe('succeeded');
    expect(await after.readiness()).toMatchObject({ status: 200 });
    lab.addNote('FR-2');
    await untilDone(lab, 'FR-2-1');
    expect(readdirSync(lab.data).some((name) => name.startsWith('registry.db.before-restore-'))).toBe(true);
  });

  it('is begun anew where it is the engine’s, and jobs go on from where they were', async () => {
    const lab = makeFaultLab({ stages: ['plan', 'code', 'deliver'], config: ['timeouts: { grace: 1ms }'] });
    lab.hold('code');
    const before = await startService(lab);
    await untilStory(lab, ['plan.0 passed', 'code.0 running']);
    await untilAtWork(lab);
    expect(await before.stop()).toBe(0);
    for (const companion of ['-wal', '-shm']) rmSync(join(lab.data, `engine.db${companion}`), { force: true });
    damage(join(lab.data, 'engine.db'), 'garbage');
    lab.letGo('code');
    await startService(lab);
    await untilDone(lab, 'FR-1-1');
    expect(lab.story('FR-1-1')).toEqual(['plan.0 passed', 'code.0 canceled', 'code.0 passed', 'deliver.0 passed']);
    expect(readdirSync(lab.data).some((name) => name.startsWith('engine.db.damaged-'))).toBe(true);
  });

  it('and has no backup ends the start with what to do, and nothing is begun or overwritten', async () => {
    const lab = makeFaultLab({ notes: 0 });
    const before = await startService(lab);
    expect(await before.stop()).toBe(0);
    damage(join(lab.data, 'registry.db'), 'garbage');
    const start = startOpus(['serve', '--config', lab.config]);
    expect(await start.ended).toBe(1);
    const error =
      start
        .said()
        .split('\n')
        .findLast((line) => line.startsWith('error ')) ?? '';
    expect(error).toMatch(/registry\.db is damaged: .* There is no good backup of it\. \(registry\.corrupt\)$/);
    expect(start.said()).toMatch(/^ {2}→ /m);
    expect(start.said()).not.toMatch(/^ +at /m);
    expect(readdirSync(lab.data).filter((name) => name.includes('before-restore'))).toEqual([]);
    expect(existsSync(join(lab.data, 'service.json'))).toBe(false);
  });
});
