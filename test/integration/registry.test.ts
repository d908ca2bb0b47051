import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { openRegistryReader } from '../../runner/adapters/registry/registry-reader.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { startScript } from '../support/child-process.ts';
import { aJob as job, anAttempt as attempt } from '../support/records.ts';

describe('the registry', () => {
  let folder: string;
  let file: string;
  let registry: JobRegistry;
  let now: number;
  const open = (): JobRegistry => openRegistry({ file, clock: { now: () => now } });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-registry-'));
    file = join(folder, 'registry.db');
    now = 1_000;
    registry = open();
  });
  afterEach(() => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gives a job back as it was put in, also after it was opened anew', () => {
    const full = job({
      status: 'waiting',
      waitingFor: 'approval',
      gate: { kind: 'merge', hash: 'abcdef0123' },
      pullRequest: { number: 7, url: 'https://example.com/7', state: 'open' },
      error: { code: 'agent.failed', message: 'It “failed” — \u0000 too', hint: null },
    });
    registry.commit(null, null, { insertJob: full });
    registry.close();
    registry = open();
    expect(registry.job('FR-1-1')).toEqual(full);
    expect(registry.job('FR-1-2')).toBeNull();
  });

  it('changes the named fields of a job alone, and its time', () => {
    registry.commit(null, null, { insertJob: job({ gate: { kind: 'plan', hash: 'abcdef01' } }) });
    now = 2_000;
    registry.commit(null, null, { updateJob: { id: 'FR-1-1', fields: { gate: null, headCommit: 'c0ffee' } } });
    expect(registry.job('FR-1-1')).toEqual(job({ gate: null, headCommit: 'c0ffee', updatedAt: 2_000 }));
  });

  it('keeps an attempt with its result and evidence', () => {
    const evidence = [{ argv: ['npm', 'test'], exitCode: 1, commit: 'c0ffee', durationMs: 12.5, tail: 'not ok' }];
    registry.commit(null, null, { insertJob: job(), insertAttempt: attempt() });
    registry.commit(null, null, {
      updateAttempt: {
        id: attempt().id,
        owner: 'runner-a',
        fields: { status: 'rejected', endedAt: 5, result: { summary: 'no' }, evidence, refusedHosts: ['a.example'] },
      },
    });
    expect(registry.attempts('FR-1-1')).toEqual([
      attempt({ status: 'rejected', endedAt: 5, result: { summary: 'no' }, evidence, refusedHosts: ['a.example'] }),
    ]);
  });

  it('lists jobs oldest first, the unfinished alone, and the newest of many', () => {
    for (const number of [1, 2, 3, 4]) {
      const status = number === 2 ? 'succeeded' : 'queued';
      registry.commit(null, null, {
        insertJob: job({ id: `FR-1-${number}`, number, status, createdAt: 10 - number }),
      });
    }
    const ids = (filter: Parameters<JobRegistry['jobs']>[0]): string[] => registry.jobs(filter).map(({ id }) => id);
    expect(ids({ finished: true })).toEqual(['FR-1-4', 'FR-1-3', 'FR-1-2', 'FR-1-1']);
    expect(ids({ finished: false })).toEqual(['FR-1-4', 'FR-1-3', 'FR-1-1']);
    expect(ids({ finished: true, limit: 2 })).toEqual(['FR-1-2', 'FR-1-1']);
    expect(registry.newestJobOf('FR-1')?.id).toBe('FR-1-4');
    expect(registry.highestNumber('FR-1')).toBe(4);
    expect(registry.highestNumber('FR-2')).toBe(0);
  });

  describe('an effect', () => {
    it('is recorded once: a second commit writes nothing and returns the first result', () => {
      const change = { events: [{ type: 'pr.opened', jobId: null, data: {} }] };
      expect(registry.commit('deliver', { number: 1 }, change)).toEqual({ number: 1 });
      expect(registry.commit('deliver', { number: 2 }, change)).toEqual({ number: 1 });
      expect(registry.effect('deliver')).toEqual({ result: { number: 1 } });
      expect(registry.events({ afterSeq: 0, limit: 10 })).toHaveLength(1);
    });

    it('that came to nothing is told from one that never finished', () => {
      registry.commit('nothing', null, {});
      expect(registry.effect('nothing')).toEqual({ result: null });
      expect(registry.effect('never')).toBeUndefined();
    });
  });

  describe('the outcome of an attempt', () => {
    beforeEach(() => {
      registry.commit(null, null, { insertJob: job(), insertAttempt: attempt() });
    });
    const outcome = (owner: string) => ({ id: attempt().id, owner, fields: { status: 'passed' as const } });

    it('is refused from a worker that does not hold it, with everything that came along', () => {
      const change = {
        updateJob: { id: 'FR-1-1', fields: { runState: 'test' as const } },
        updateAttempt: outcome('runner-b'),
        events: [{ type: 'stage.completed', jobId: 'FR-1-1', data: {} }],
        outbox: [{ jobId: 'FR-1-1', payload: { kind: 'note' as const, path: 'a.md', text: '' } }],
      };
      expect(() => registry.commit('code', 'done', change)).toThrow(expect.objectContaining({ code: 'registry.lost' }));
      expect(registry.effect('code')).toBeUndefined();
      expect(registry.job('FR-1-1')?.runState).toBe('code');
      expect(registry.events({ afterSeq: 0, limit: 10 })).toEqual([]);
      expect(registry.outbox()).toEqual([]);
    });

    it('is refused once it was interrupted, and from its holder a second time', () => {
      registry.commit(null, null, { interruptAttempts: { jobId: 'FR-1-1', exceptOwner: 'runner-b' } });
      expect(registry.attempts('FR-1-1')[0]).toMatchObject({ status: 'interrupted', endedAt: 1_000 });
      expect(() => registry.commit(null, null, { updateAttempt: outcome('runner-a') })).toThrow(
        expect.objectContaining({ code: 'registry.lost' }),
      );
    });

    it('is not interrupted by its own worker', () => {
      registry.commit(null, null, { interruptAttempts: { jobId: 'FR-1-1', exceptOwner: 'runner-a' } });
      registry.commit(null, null, { updateAttempt: outcome('runner-a') });
      expect(registry.attempts('FR-1-1')[0]?.status).toBe('passed');
    });
  });

  it('refuses a change of a job that is not there, and the event that tells of it', () => {
    const events = [{ type: 'job.started', jobId: 'FR-9-1', data: {} }];
    expect(() => registry.commit(null, null, { updateJob: { id: 'FR-9-1', fields: {} }, events })).toThrow(
      expect.objectContaining({ code: 'registry.job-not-found' }),
    );
    expect(registry.events({ afterSeq: 0, limit: 1 })).toEqual([]);
  });

  it('never gives the number of an event again', () => {
    const write = (): void => {
      registry.commit(null, null, { events: [{ type: 'test', jobId: null, data: { a: [1] } }] });
    };
    write();
    write();
    const direct = new DatabaseSync(file);
    direct.exec('DELETE FROM events');
    direct.close();
    write();
    expect(registry.events({ afterSeq: 2, limit: 10 })).toEqual([
      { seq: 3, at: 1_000, type: 'test', jobId: null, data: { a: [1] } },
    ]);
  });

  it('hands out the outbox in order until each entry is acknowledged', () => {
    const payload = (path: string) => ({ kind: 'note' as const, path, text: 'x' });
    registry.commit(null, null, {
      outbox: [
        { jobId: null, payload: payload('a.md') },
        { jobId: 'FR-1-1', payload: payload('b.md') },
      ],
    });
    registry.acknowledge(1, 'written');
    registry.acknowledge(1, 'gone');
    expect(registry.outbox()).toEqual([{ seq: 2, jobId: 'FR-1-1', payload: payload('b.md') }]);
  });

  it('keeps decisions and retries in the order in which they came', () => {
    registry.commit(null, null, { insertJob: job() });
    const decision = {
      jobId: 'FR-1-1',
      gate: { kind: 'merge' as const, hash: 'abcdef01' },
      kind: 'changes' as const,
      comment: 'rename it',
      person: 'me',
      device: null,
      channel: 'cli' as const,
      at: 5,
      generation: 0,
    };
    const retry = { jobId: 'FR-1-1', from: 'code' as const, rounds: null, comment: '', at: 4, generation: 1 };
    registry.commit(null, null, { decision, retry });
    registry.commit(null, null, { decision: { ...decision, kind: 'approve', at: 1, generation: 2 } });
    expect(registry.decisions('FR-1-1').map(({ kind }) => kind)).toEqual(['changes', 'approve']);
    expect(registry.decisions('FR-1-1')[0]).toEqual(decision);
    expect(registry.retries('FR-1-1')).toEqual([retry]);
  });

  it('keeps the confirmed text of a note until a newer one is confirmed', () => {
    const note = (hash: string, at: number) => ({ path: 'agents/coder.md', hash, text: `text ${hash}`, at });
    registry.trust([note('a', 1)]);
    registry.trust([note('b', 2), { ...note('c', 2), path: 'agents/a.md' }]);
    expect(registry.trustedNote('agents/coder.md')).toEqual(note('b', 2));
    expect(registry.trustedNotes().map(({ path }) => path)).toEqual(['agents/a.md', 'agents/coder.md']);
    registry.untrust(['agents/coder.md', 'agents/unknown.md']);
    expect(registry.trustedNote('agents/coder.md')).toBeNull();
  });

  describe('with other processes', () => {
    const keys = (name: string, count: number): string[] =>
      Array.from({ length: count }, (_, index) => `${name}-${index}`);
    const written = (): unknown[] => registry.events({ afterSeq: 0, limit: 10_000 }).map(({ data }) => data['key']);

    it('loses nothing of what two write at once', async () => {
      const writers = ['left', 'right'].map((name) => startScript('write-registry.ts', file, name, '150'));
      for (const writer of writers) expect(await writer.ended()).toBe(0);
      expect(written().sort()).toEqual([...keys('left', 150), ...keys('right', 150)].sort());
    });

    it('is made once when several open it at once for the first time', async () => {
      const fresh = join(folder, 'fresh.db');
      const writers = ['a', 'b', 'c'].map((name) => startScript('write-registry.ts', fresh, name, '1'));
      for (const writer of writers) expect(await writer.ended()).toBe(0);
      const reader = openRegistryReader({ file: fresh });
      expect(reader.events({ afterSeq: 0, limit: 10 })).toHaveLength(3);
      reader.close();
    });

    it('holds every effect that a killed one had committed, each with its event, and none by half', async () => {
      const writer = startScript('write-registry.ts', file, 'killed', '100000');
      await writer.line((line) => line === 'killed-200');
      await writer.kill();
      registry.close();
      registry = open();
      const seen = written();
      expect(seen.slice(0, 201)).toEqual(keys('killed', 201));
      const again = startScript('write-registry.ts', file, 'killed', `${seen.length}`);
      expect(await again.ended()).toBe(0);
      expect(written()).toEqual(seen);
    });

    it('is read while another holds the write lock', () => {
      registry.commit(null, null, { insertJob: job() });
      const direct = new DatabaseSync(file);
      direct.exec('BEGIN IMMEDIATE');
      const reader = openRegistryReader({ file });
      expect(reader.jobs({ finished: false })).toHaveLength(1);
      reader.close();
      direct.exec('ROLLBACK');
      direct.close();
    });
  });

  describe('that cannot be used', () => {
    it('because a newer opus wrote it, is left alone and said so', () => {
      const direct = new DatabaseSync(file);
      direct.exec('PRAGMA user_version = 99');
      direct.close();
      for (const opening of [open, () => openRegistryReader({ file })]) {
        expect(opening).toThrow(
          expect.objectContaining({
            code: 'registry.incompatible',
            message: expect.stringContaining('schema 99') as string,
          }),
        );
      }
    });

    it('because it is no database, is said so and not touched', () => {
      const other = join(folder, 'other.db');
      writeFileSync(other, 'notes, not a database. '.repeat(50));
      for (const opening of [
        () => openRegistry({ file: other, clock: { now: () => 0 } }),
        () => openRegistryReader({ file: other }),
      ]) {
        expect(opening).toThrow(expect.objectContaining({ code: 'registry.corrupt' }));
      }
      expect(existsSync(`${other}-wal`)).toBe(false);
    });

    it('because it is not there, is not made by a reader', () => {
      const absent = join(folder, 'absent.db');
      expect(() => openRegistryReader({ file: absent })).toThrow();
      expect(existsSync(absent)).toBe(false);
    });
  });
});
